-- Of `money_levels`, those that cannot hold p_asked_usd more, each as the reason that says so (A2, B6): `never_fits` when the whole
-- limit is too small, else `budget_exhausted` until the period ends. From its pause threshold on an account takes no new holds,
-- however small. Pure.
create function money_refusals(p_levels jsonb, p_asked_usd numeric) returns jsonb
language plpgsql immutable as $$
declare
  v_level jsonb;
  v_limit numeric;
  v_spent numeric;
  v_reason jsonb;
  v_refusals jsonb := '[]';
begin
  for v_level in select value from jsonb_array_elements(p_levels) with ordinality as levels (value, place) order by place loop
    v_limit := (v_level->>'limitUSD')::numeric;
    v_spent := (v_level->>'spentUSD')::numeric;
    continue when v_limit is null or p_asked_usd <= 0;
    v_reason := jsonb_build_object(
      'resource', 'cost', 'level', v_level->'level', 'limit', v_limit, 'burst', 0, 'used', v_spent, 'held', v_level->'heldUSD',
      'asked', trim_scale(p_asked_usd)
    );
    if p_asked_usd > v_limit then
      v_refusals := v_refusals || (v_reason || jsonb_build_object('code', 'never_fits'));
    elsif v_spent + (v_level->>'heldUSD')::numeric + p_asked_usd > v_limit or v_spent * 100 >= v_limit * (v_level->>'pausePercent')::numeric then
      v_refusals := v_refusals || (v_reason || jsonb_build_object('code', 'budget_exhausted', 'retryAt', v_level->'periodEndsAt'));
    end if;
  end loop;
  return v_refusals;
end
$$;

-- Puts the operator's price table in force as its next version. p_made_from: the version that it was made from, or null;
-- when another is in force by then nothing changes. Returns {kind: 'set'|'changed_meanwhile', version}.
create function set_prices(p_prices jsonb, p_made_from integer, p_reason text, p_actor text, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_version integer;
begin
  loop
    select coalesce(max(version), 0) into v_version from price_tables;
    if p_made_from <> v_version then
      return jsonb_build_object('kind', 'changed_meanwhile', 'version', v_version);
    end if;
    insert into price_tables (version, prices, reason, actor, at)
    values (v_version + 1, p_prices, p_reason, p_actor, p_now)
    on conflict do nothing;
    exit when found;
  end loop;
  return jsonb_build_object('kind', 'set', 'version', v_version + 1);
end
$$;

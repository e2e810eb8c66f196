-- Does what the bus should have done: every fired threshold whose action is still open for p_after_seconds (E2).
create function sweep_budgets(p_policy jsonb, p_after_seconds integer, p_max integer, p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_event budget_events;
  v_acted integer := 0;
begin
  for v_event in
    select e.* from budget_events e
    where e.acted_at is null and e.triggered_at <= p_now - make_interval(secs => p_after_seconds)
    order by e.triggered_at, e.tenant_id, e.run_id, e.threshold
    limit p_max
  loop
    if act_on_budget(v_event.tenant_id, v_event.run_id, v_event.level, 'sweep', null, p_policy, p_now)->>'kind' = 'acted' then
      v_acted := v_acted + 1;
    end if;
  end loop;
  return v_acted;
end
$$;

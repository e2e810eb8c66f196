-- Whether what a run with live tasks holds stays its own (B3): the hold has not expired, and no task is on its way out since the
-- budgets above cannot hold the whole limit of a new period (`roll_run`). Else a task more would bring back money that is not there.
create function hold_stands(p_tenant_id text, p_run_id text, p_now timestamptz) returns boolean
language plpgsql stable as $$
begin
  return not run_hold_has_expired(p_tenant_id, p_run_id, p_now) and not exists (
    select 1 from tasks t
    where t.tenant_id = p_tenant_id and t.run_id = p_run_id and t.state = 'preempting' and t.preempt_reason = 'short_of_money'
  );
end
$$;

-- Locks what a booking on a run changes, in the one order, and begins the run's next period if this one is over (B8), which moves
-- tasks and so takes the scheduler's lock: only the first booking after a period's end does.
create function lock_costs(p_tenant_id text, p_run_id text, p_policy jsonb, p_now timestamptz) returns tenants
language plpgsql as $$
declare
  v_tenant tenants;
begin
  if exists (select 1 from runs where tenant_id = p_tenant_id and run_id = p_run_id and period_ends_at <= p_now) then
    perform lock_scheduler(array[p_tenant_id]);
    perform roll_run(p_tenant_id, p_run_id, p_policy, p_now);
  end if;
  v_tenant := lock_accounts(p_tenant_id);
  perform 1 from runs where tenant_id = p_tenant_id and run_id = p_run_id for no key update;
  return v_tenant;
end
$$;

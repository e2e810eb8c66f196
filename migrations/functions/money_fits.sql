-- Whether the budgets above a run can hold what it would hold once it has a live task (B3, B6). Money never waits, but a task that
-- waited for other quota takes money only when it starts.
create function money_fits(p_tenant tenants, p_run runs, p_limits jsonb, p_now timestamptz) returns boolean
language plpgsql stable as $$
begin
  return not (p_limits ? 'cost' or p_tenant.org_id is not null)
    or p_run.live_tasks > 0 and hold_stands(p_run.tenant_id, p_run.run_id, p_now)
    or money_refusals(money_levels(p_tenant, p_now), usd(run_left(p_run, p_now))) = '[]';
end
$$;

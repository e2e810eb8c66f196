-- Whether the budgets above a run can hold what it would hold once it has a live task (B3, B6). Money never waits, but a task that
-- waited for other quota takes money only when it starts.
create function money_fits(p_tenant tenants, p_run runs, p_limits jsonb, p_now timestamptz) returns boolean
language plpgsql stable as $$
begin
  return p_run.live_tasks > 0 or not (p_limits ? 'cost' or p_tenant.org_id is not null)
    or money_refusals(money_levels(p_tenant, p_now), usd(run_left(p_run, p_now))) = '[]';
end
$$;

-- The thresholds of a run: its own, or its tenant's.
create function run_thresholds(p_tenant tenants, p_run runs) returns table (percent numeric, level text)
language sql immutable as $$
  select * from budget_thresholds(
    coalesce(p_run.warn_percent, p_tenant.warn_percent), coalesce(p_run.throttle_percent, p_tenant.throttle_percent),
    coalesce(p_run.pause_percent, p_tenant.pause_percent), coalesce(p_run.alert_percents, p_tenant.alert_percents)
  )
$$;

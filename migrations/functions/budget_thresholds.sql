-- The percentages of a budget at which something fires for a tenant, each once, with the level that is told. One that
-- only alerts is a warning, and gives way to warn, throttle and pause where they agree.
create function budget_thresholds(p_tenant tenants) returns table (percent numeric, level text)
language sql immutable as $$
  select distinct on (t.percent) t.percent, t.level
  from (
    values (p_tenant.warn_percent, 'warning', 1), (p_tenant.throttle_percent, 'throttle', 1), (p_tenant.pause_percent, 'pause', 1)
    union all
    select unnest(p_tenant.alert_percents), 'warning', 2
  ) as t (percent, level, preference)
  order by t.percent, t.preference
$$;

-- Of account_spend: what a tenant or an organisation spent in a period is the sum of its ledger over it (B1, B8). A part of
-- counter_drift.
create function drift_in_spend(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select 'account_spend', jsonb_build_object('scope', scope, 'account_id', account_id, 'period_start', iso_time(period_start)),
    scope || ' ' || account_id || ', period from ' || iso_time(period_start), 'spent_usd_nanos', sum(stored)::text, sum(derived)::text
  from (
    select scope, account_id, period_start, spent_usd_nanos, 0 from account_spend
    where p_tenants is null or scope = 'tenant' and account_id = any (p_tenants)
      or scope = 'org' and (account_id in (select org_id from tenants where tenant_id = any (p_tenants)) or not exists (select 1 from tenants where org_id = account_id))
    union all
    select 'tenant', e.tenant_id, s.starts[width_bucket(e.occurred_at, s.starts)], 0, sum(e.cost_usd_nanos)
    from (
      select n.tenant_id, period_starts(n.cost_period, min(e.occurred_at), max(e.occurred_at)) as starts
      from cost_events e join tenants n using (tenant_id)
      where p_tenants is null or e.tenant_id = any (p_tenants)
      group by n.tenant_id
    ) s
    join cost_events e using (tenant_id)
    group by 2, 3
    union all
    select 'org', e.org_id, s.starts[width_bucket(e.occurred_at, s.starts)], 0, sum(e.cost_usd_nanos)
    from (
      select o.org_id, period_starts(o.period, min(e.occurred_at), max(e.occurred_at)) as starts
      from cost_events e join orgs o using (org_id)
      where p_tenants is null or e.org_id in (select org_id from tenants where tenant_id = any (p_tenants)) or not exists (select 1 from tenants n where n.org_id = e.org_id)
      group by o.org_id
    ) s
    join cost_events e using (org_id)
    group by 2, 3
  ) both_sides (scope, account_id, period_start, stored, derived)
  group by scope, account_id, period_start
  having sum(stored) <> sum(derived)
$$;

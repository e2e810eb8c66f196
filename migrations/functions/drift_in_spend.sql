-- Of tenant_spend: what a tenant spent in a month (UTC) is the sum of its ledger over it (B1, B8). A part of counter_drift.
create function drift_in_spend(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select 'tenant_spend', jsonb_build_object('tenant_id', tenant_id, 'period_start', iso_time(period_start)),
    'month ' || to_char(period_start at time zone 'UTC', 'YYYY-MM'), 'spent_usd_nanos', sum(stored)::text, sum(derived)::text
  from (
    select tenant_id, period_start, spent_usd_nanos, 0 from tenant_spend
    union all
    select tenant_id, date_trunc('month', occurred_at, 'UTC'), 0, sum(cost_usd_nanos) from cost_events
    where p_tenants is null or tenant_id = any (p_tenants)
    group by 1, 2
  ) both_sides (tenant_id, period_start, stored, derived)
  where p_tenants is null or tenant_id = any (p_tenants)
  group by tenant_id, period_start
  having sum(stored) <> sum(derived)
$$;

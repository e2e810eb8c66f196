-- Fires every threshold of the tenant's cost quota that settled spend of the current period has reached, lowest first,
-- each once per period and limit version (B4, B6). p_new_limit: the quota has just been set, and what had fired and is
-- still reached stays fired. What follows from the pause threshold, no new holds, is judged at admission.
-- Needs the tenant's lock.
create function fire_tenant_thresholds(p_tenant_id text, p_new_limit boolean, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_tenant tenants;
  v_quota tenant_quotas;
  v_period_start timestamptz;
  v_limit_nanos bigint;
  v_spent_nanos bigint;
  v_percent numeric;
  v_threshold record;
  v_carried_over boolean;
  v_inserted integer;
begin
  if p_new_limit then
    update tenants set cost_limit_version = cost_limit_version + 1 where tenant_id = p_tenant_id;
  end if;
  -- Of a quota of zero there is no percentage.
  select * into v_quota from tenant_quotas where tenant_id = p_tenant_id and resource = 'cost' and limit_value > 0;
  if not found then
    return;
  end if;
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  v_limit_nanos := v_quota.limit_value * 1000000000;
  v_period_start := case when v_quota.period = 'none' then 'epoch' else date_trunc('month', p_now, 'UTC') end;
  select coalesce(sum(spent_usd_nanos), 0) into v_spent_nanos from tenant_spend
  where tenant_id = p_tenant_id and (v_quota.period = 'none' or period_start = v_period_start);
  v_percent := round(100.0 * v_spent_nanos / v_limit_nanos, 3);
  for v_threshold in
    select * from budget_thresholds(v_tenant)
    where v_spent_nanos * 100.0 >= percent * v_limit_nanos
    order by percent
  loop
    v_carried_over := p_new_limit and exists (
      select 1 from tenant_budget_events
      where tenant_id = p_tenant_id and period_start = v_period_start
        and limit_version = v_tenant.cost_limit_version - 1 and threshold = v_threshold.percent
    );
    insert into tenant_budget_events (
      budget_event_id, tenant_id, period_start, limit_version, threshold, level, percent_used, limit_usd_nanos, spent_usd_nanos,
      triggered_at, carried_over
    ) values (
      gen_random_uuid()::text, p_tenant_id, v_period_start, v_tenant.cost_limit_version, v_threshold.percent, v_threshold.level,
      v_percent, v_limit_nanos, v_spent_nanos, p_now, v_carried_over
    ) on conflict on constraint tenant_threshold_fires_once do nothing;
    get diagnostics v_inserted = row_count;
    continue when v_inserted = 0 or v_carried_over;
    perform emit_event(p_tenant_id, null, null, 'budget-alert', jsonb_build_object(
      'scope', 'tenant', 'level', v_threshold.level, 'threshold', trim_scale(v_threshold.percent), 'percentUsed', trim_scale(v_percent),
      'limitUSD', usd(v_limit_nanos), 'spentUSD', usd(v_spent_nanos)
    ), null, p_now);
  end loop;
end
$$;

-- Fires every threshold of an account's budget (scope 'tenant' or 'org') that settled spend of the current period has reached,
-- lowest first, each once per period and limit version (B4, B6). p_new_limit: the limit has just been set, and what had fired and
-- is still reached stays fired. What follows from the pause threshold, no new holds, is judged at admission.
-- p_tenant_id: whose spending or change it was; an organisation's alert is told in that tenant's timeline.
-- Needs the locks of `lock_accounts`.
create function fire_account_thresholds(p_scope text, p_account_id text, p_tenant_id text, p_new_limit boolean, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_account record;
  v_period_start timestamptz;
  v_spent_nanos bigint;
  v_percent numeric;
  v_threshold record;
  v_carried_over boolean;
  v_inserted integer;
begin
  if p_scope = 'tenant' then
    if p_new_limit then
      update tenants set cost_limit_version = cost_limit_version + 1 where tenant_id = p_account_id;
    end if;
    select n.cost_period as period, q.limit_value * 1000000000 as limit_nanos, n.cost_limit_version, n.warn_percent, n.throttle_percent,
      n.pause_percent, n.alert_percents
    into v_account
    from tenants n join tenant_quotas q on q.tenant_id = n.tenant_id and q.resource = 'cost' where n.tenant_id = p_account_id;
  else
    select o.period, o.limit_usd_nanos::numeric as limit_nanos, o.cost_limit_version, o.warn_percent, o.throttle_percent, o.pause_percent, o.alert_percents
    into v_account
    from orgs o where o.org_id = p_account_id;
  end if;
  -- Of no limit, or of zero, there is no percentage.
  if not coalesce(v_account.limit_nanos > 0, false) then
    return;
  end if;
  v_period_start := period_start(v_account.period, p_now);
  v_spent_nanos := account_spent(p_scope, p_account_id, v_account.period, p_now);
  v_percent := round(100.0 * v_spent_nanos / v_account.limit_nanos, 3);
  for v_threshold in
    select * from budget_thresholds(v_account.warn_percent, v_account.throttle_percent, v_account.pause_percent, v_account.alert_percents)
    where v_spent_nanos * 100.0 >= percent * v_account.limit_nanos
    order by percent
  loop
    v_carried_over := p_new_limit and exists (
      select 1 from account_budget_events
      where scope = p_scope and account_id = p_account_id and period_start = v_period_start
        and limit_version = v_account.cost_limit_version - 1 and threshold = v_threshold.percent
    );
    insert into account_budget_events (
      budget_event_id, scope, account_id, period_start, limit_version, threshold, level, percent_used, limit_usd_nanos, spent_usd_nanos,
      triggered_at, carried_over
    ) values (
      gen_random_uuid()::text, p_scope, p_account_id, v_period_start, v_account.cost_limit_version, v_threshold.percent, v_threshold.level,
      v_percent, v_account.limit_nanos, v_spent_nanos, p_now, v_carried_over
    ) on conflict on constraint account_threshold_fires_once do nothing;
    get diagnostics v_inserted = row_count;
    continue when v_inserted = 0 or v_carried_over or p_tenant_id is null;
    perform emit_event(p_tenant_id, null, null, 'budget-alert', jsonb_strip_nulls(jsonb_build_object(
      'scope', p_scope, 'orgId', case when p_scope = 'org' then p_account_id end,
      'level', v_threshold.level, 'threshold', trim_scale(v_threshold.percent), 'percentUsed', trim_scale(v_percent),
      'limitUSD', usd(v_account.limit_nanos::bigint), 'spentUSD', usd(v_spent_nanos)
    )), null, p_now);
  end loop;
end
$$;

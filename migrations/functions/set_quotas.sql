-- Sets a tenant's quotas, creating the tenant on first use (A4). p_quotas: {cpu: {limit, burstShare or burst}, memory: {..},
-- cost: {limit}, concurrent_runs: {limit}} with only the resources to change, limit null = no bound;
-- p_settings: {weight, qualityGate, warn, throttle, pause, alerts, costPeriod, orgId, policy} with only what changes; policy is {name: number},
-- null = the stage's again.
-- Returns false, having changed nothing, when there is no such organisation.
create function set_quotas(p_tenant_id text, p_quotas jsonb, p_settings jsonb, p_actor text, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_before tenants;
  v_tenant tenants;
begin
  if p_settings->>'orgId' is not null and not exists (select 1 from orgs where org_id = p_settings->>'orgId') then
    return false;
  end if;
  insert into tenants (tenant_id, created_at) values (p_tenant_id, p_now) on conflict do nothing;
  -- Both organisations before the tenant, in the one order (see lock_scheduler).
  perform 1 from pool for no key update;
  perform 1 from orgs where org_id in (p_settings->>'orgId', (select org_id from tenants where tenant_id = p_tenant_id)) order by org_id for no key update;
  perform lock_scheduler(array[p_tenant_id]);
  select * into v_before from tenants where tenant_id = p_tenant_id;
  insert into tenant_quotas (tenant_id, resource, limit_value, burst_share, burst_value, updated_at, updated_by)
  select p_tenant_id, key, (value->>'limit')::numeric, (value->>'burstShare')::numeric, (value->>'burst')::numeric, p_now, p_actor
  from jsonb_each(p_quotas)
  on conflict (tenant_id, resource) do update set
    limit_value = excluded.limit_value, burst_share = excluded.burst_share, burst_value = excluded.burst_value,
    updated_at = excluded.updated_at, updated_by = excluded.updated_by;
  update tenants set
    weight = coalesce((p_settings->>'weight')::numeric, weight),
    quality_gate = coalesce(p_settings->>'qualityGate', quality_gate),
    warn_percent = coalesce((p_settings->>'warn')::numeric, warn_percent),
    throttle_percent = coalesce((p_settings->>'throttle')::numeric, throttle_percent),
    pause_percent = coalesce((p_settings->>'pause')::numeric, pause_percent),
    alert_percents = coalesce(
      (select array_agg(value::numeric order by value::numeric) from jsonb_array_elements_text(p_settings->'alerts')),
      case when p_settings ? 'alerts' then '{}' else alert_percents end
    ),
    policy = jsonb_strip_nulls(policy || coalesce(p_settings->'policy', '{}')),
    policy_updated_at = case when p_settings ? 'policy' then p_now else policy_updated_at end,
    policy_updated_by = case when p_settings ? 'policy' then p_actor else policy_updated_by end,
    cost_period = coalesce(p_settings->'costPeriod', cost_period),
    org_id = case when p_settings ? 'orgId' then p_settings->>'orgId' else org_id end,
    answers_version = answers_version + 1
  where tenant_id = p_tenant_id
  returning * into v_tenant;
  if v_tenant.cost_period <> v_before.cost_period then
    perform rebuild_spend('tenant', p_tenant_id, v_tenant.cost_period);
  end if;
  -- What its runs hold moves with it; what it has spent stays with the organisation that it was spent in.
  if v_tenant.org_id is distinct from v_before.org_id then
    update orgs set cost_held_usd_nanos = cost_held_usd_nanos - v_tenant.cost_held_usd_nanos where org_id = v_before.org_id;
    update orgs set cost_held_usd_nanos = cost_held_usd_nanos + v_tenant.cost_held_usd_nanos where org_id = v_tenant.org_id;
    update holds set org_id = v_tenant.org_id where tenant_id = p_tenant_id and released_at is null;
  end if;
  perform mark_burst(p_tenant_id);
  perform fire_account_thresholds('tenant', p_tenant_id, p_tenant_id, p_quotas ? 'cost' or p_settings ? 'costPeriod', p_now);
  update pool set version = version + 1;
  return true;
end
$$;

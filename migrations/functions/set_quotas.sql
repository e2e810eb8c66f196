-- Sets a tenant's quotas, creating the tenant on first use (A4). p_quotas: {cpu: {limit, burstShare or burst}, memory: {..},
-- cost: {limit, period}, concurrent_runs: {limit}} with only the resources to change, limit null = no bound;
-- p_settings: {weight, qualityGate, warn, throttle, pause, alerts, policy} with only what changes; policy is {name: number},
-- null = the stage's again.
create function set_quotas(p_tenant_id text, p_quotas jsonb, p_settings jsonb, p_actor text, p_now timestamptz) returns void
language plpgsql as $$
begin
  insert into tenants (tenant_id, created_at) values (p_tenant_id, p_now) on conflict do nothing;
  perform lock_scheduler(array[p_tenant_id]);
  insert into tenant_quotas (tenant_id, resource, limit_value, burst_share, burst_value, period, updated_at, updated_by)
  select p_tenant_id, key, (value->>'limit')::numeric, (value->>'burstShare')::numeric, (value->>'burst')::numeric, value->>'period', p_now, p_actor
  from jsonb_each(p_quotas)
  on conflict (tenant_id, resource) do update set
    limit_value = excluded.limit_value, burst_share = excluded.burst_share, burst_value = excluded.burst_value, period = excluded.period,
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
    answers_version = answers_version + 1
  where tenant_id = p_tenant_id;
  perform mark_burst(p_tenant_id);
  perform fire_tenant_thresholds(p_tenant_id, p_quotas ? 'cost', p_now);
  update pool set version = version + 1;
end
$$;

-- Sets an organisation's budget, creating it on first use (B6): p_limit_nanos null = no bound; p_settings {period, warn, throttle,
-- pause, alerts} with only what changes. A new version re-arms the thresholds that are again below. Returns its new version.
create function set_org(p_org_id text, p_limit_nanos bigint, p_settings jsonb, p_reason text, p_actor text, p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_before orgs;
  v_org orgs;
begin
  insert into orgs (org_id, created_at) values (p_org_id, p_now) on conflict do nothing;
  perform 1 from pool for no key update;
  select * into v_before from orgs where org_id = p_org_id for no key update;
  update orgs set
    limit_usd_nanos = p_limit_nanos,
    period = coalesce(p_settings->'period', period),
    warn_percent = coalesce((p_settings->>'warn')::numeric, warn_percent),
    throttle_percent = coalesce((p_settings->>'throttle')::numeric, throttle_percent),
    pause_percent = coalesce((p_settings->>'pause')::numeric, pause_percent),
    alert_percents = coalesce(
      (select array_agg(value::numeric order by value::numeric) from jsonb_array_elements_text(p_settings->'alerts')),
      case when p_settings ? 'alerts' then '{}' else alert_percents end
    ),
    cost_limit_version = cost_limit_version + 1
  where org_id = p_org_id
  returning * into v_org;
  if v_org.period <> v_before.period then
    perform rebuild_spend('org', p_org_id, v_org.period);
  end if;
  insert into org_changes (org_id, limit_version, limit_usd_nanos, period, reason, actor, at)
  values (p_org_id, v_org.cost_limit_version, p_limit_nanos, v_org.period, p_reason, p_actor, p_now);
  -- Told to whichever of its tenants is first, since a timeline is a tenant's.
  perform 1 from tenants where org_id = p_org_id order by tenant_id for no key update;
  perform fire_account_thresholds('org', p_org_id, (select min(tenant_id) from tenants where org_id = p_org_id), true, p_now);
  -- Refusals and plans that rest on the old limit are out of date.
  update tenants set answers_version = answers_version + 1 where org_id = p_org_id;
  update pool set version = version + 1;
  return v_org.cost_limit_version;
end
$$;

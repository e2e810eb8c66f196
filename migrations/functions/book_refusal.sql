-- Books a refusal: one violation per distinct request refused for a tenant's quota, the throttle that enough of them
-- start (A6), and the paced quota-exceeded event (E3). Changes no counter. Needs lock_scheduler unless throttled.
create function book_refusal(p_tenant tenants, p_request jsonb, p_reasons jsonb, p_policy jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_policy jsonb := p_policy || p_tenant.policy;
  v_reason jsonb;
  v_violation_id text := p_request->>'violationId';
  v_written integer;
  v_recent integer;
  v_throttle_until timestamptz;
  v_last quota_event_pacing;
  v_cause uuid;
begin
  if p_tenant.throttled_until > p_now then
    return;
  end if;
  -- The first reason that is a matter of the tenant's own quota; the pool, the run's budget and the gate are not.
  select reason into v_reason from jsonb_array_elements(p_reasons) with ordinality as listed (reason, place)
  where reason->>'level' = 'tenant' and reason ? 'resource' order by place limit 1;
  if v_reason is null then
    return;
  end if;
  insert into quota_violations (
    violation_id, tenant_id, run_id, task_id, type, severity, resource, message, request_key, reasons, at
  ) values (
    v_violation_id, p_tenant.tenant_id, p_request->>'runId', p_request->>'taskId', 'quota_exceeded', 'warning', v_reason->>'resource',
    format('%s: asked %s with %s held of a limit of %s', v_reason->>'resource', v_reason->>'asked', v_reason->>'held', v_reason->>'limit'),
    p_request->'requestKeys'->>0, p_reasons, p_now
  ) on conflict on constraint violation_once_per_request do nothing;
  get diagnostics v_written = row_count;
  if v_written = 0 then
    return;
  end if;

  v_cause := emit_event(p_tenant.tenant_id, null, p_request->>'taskId', 'quota-violation', jsonb_build_object(
    'tenantId', p_tenant.tenant_id, 'resource', v_reason->>'resource', 'action', 'refused', 'violationId', v_violation_id
  ), null, p_now);

  select * into v_last from quota_event_pacing where tenant_id = p_tenant.tenant_id and resource = v_reason->>'resource';
  if v_last.emitted_at is null
    or v_last.emitted_at <= p_now - make_interval(secs => policy_number(v_policy, 'quota_event_seconds')::double precision)
  then
    perform emit_event(p_tenant.tenant_id, null, p_request->>'taskId', 'quota-exceeded', jsonb_build_object(
      'tenantId', p_tenant.tenant_id, 'resource', v_reason->>'resource', 'quota', v_reason->'limit', 'usage', v_reason->'held',
      'asked', v_reason->'asked', 'count', 1 + coalesce(v_last.held_back, 0)
    ), v_cause, p_now);
    insert into quota_event_pacing (tenant_id, resource, emitted_at) values (p_tenant.tenant_id, v_reason->>'resource', p_now)
    on conflict (tenant_id, resource) do update set emitted_at = p_now, held_back = 0;
  else
    update quota_event_pacing set held_back = held_back + 1
    where tenant_id = p_tenant.tenant_id and resource = v_reason->>'resource';
  end if;

  select count(*) into v_recent from quota_violations
  where tenant_id = p_tenant.tenant_id and type = 'quota_exceeded'
    and at > p_now - make_interval(secs => policy_number(v_policy, 'violation_window_seconds')::double precision)
    -- Violations of an earlier episode do not start the next one; none is written while it lasts.
    and at >= coalesce(p_tenant.throttled_until, '-infinity');
  if v_recent >= policy_number(v_policy, 'violations_max') then
    v_throttle_until := p_now + make_interval(secs => policy_number(v_policy, 'throttle_seconds')::double precision);
    update tenants set throttled_until = v_throttle_until where tenant_id = p_tenant.tenant_id;
    perform emit_event(p_tenant.tenant_id, null, null, 'tenant-throttled', jsonb_build_object(
      'tenantId', p_tenant.tenant_id, 'reason', 'quota_violations', 'throttleUntil', iso_time(v_throttle_until)
    ), v_cause, p_now);
  end if;
end
$$;

-- Admission: judges and reserves in one transaction and one round trip (A1), for a new run or a further phase of one.
--
-- p_request: {tenantId, runId, taskId, phase, class, overridable, priorityReason, priorityActor, cpu, memoryGb,
--   maxCostNanos (text; null for a further phase), maxDurationMs, goal, labels, start, onQuota, leaseSeconds (null: the policy's), dryRun,
--   period, thresholds, decisionId, violationId, requestHash, requestKeys: [text]}.
-- Returns {kind: 'answer'|'mismatch'|'tenant_not_found'|'run_not_found'|'rehearse', replayed, outcome}. The outcome is what the
-- answer is written from, and is stored, so that a repeated request hears the first answer (A7).
create function admit_task(p_request jsonb, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_tenant_id text := p_request->>'tenantId';
  v_run_id text := p_request->>'runId';
  v_task_id text := p_request->>'taskId';
  v_new_run boolean := p_request->>'maxCostNanos' is not null;
  v_dry boolean := coalesce((p_request->>'dryRun')::boolean, false);
  v_tenant tenants;
  v_policy jsonb;
  v_pool pool;
  v_run runs;
  v_task tasks;
  v_seen jsonb;
  v_ask jsonb;
  v_facts jsonb;
  v_judged jsonb;
  v_decided jsonb;
  v_place jsonb;
  v_accepted boolean;
  v_decision text;
  v_waiting_for text;
  v_outcome jsonb;
  v_period jsonb := coalesce(nullif(p_request->'period', 'null'), '{"kind": "none"}');
begin
  select * into v_tenant from tenants where tenant_id = v_tenant_id;
  if not found then
    return jsonb_build_object('kind', 'tenant_not_found');
  end if;

  -- A repeated request and a throttled tenant are answered without taking any lock: neither can change anything.
  v_seen := seen_admission(v_tenant, p_request, p_now);
  if v_seen is not null then
    return v_seen;
  end if;
  if not v_dry and coalesce(v_tenant.throttled_until <= p_now, true) then
    v_pool := lock_scheduler(array[v_tenant_id]);
    -- A period that has ended ends here, whatever sweeps have come (B8).
    perform roll_runs(v_tenant_id, p_policy, null, p_now);
    if not v_new_run then
      perform roll_run(v_tenant_id, v_run_id, p_policy, p_now);
    end if;
    select * into v_tenant from tenants where tenant_id = v_tenant_id;
    v_seen := seen_admission(v_tenant, p_request, p_now);
    if v_seen is not null then
      return v_seen;
    end if;
  end if;
  if v_dry and exists (
    select 1 from runs where tenant_id = v_tenant_id and period_ends_at <= p_now and (live_tasks > 0 or budget_paused or demoted or run_id = v_run_id)
  ) then
    -- The live call would begin a new period first: only a rehearsal of it gives its answer (A8).
    return jsonb_build_object('kind', 'rehearse');
  end if;
  if v_pool is null then
    select * into v_pool from pool;
  end if;

  select * into v_run from runs where tenant_id = v_tenant_id and run_id = v_run_id;
  if v_new_run and found or exists (select 1 from tasks where tenant_id = v_tenant_id and task_id = v_task_id) then
    return jsonb_build_object('kind', 'mismatch');
  elsif not v_new_run and v_run.run_id is null then
    return jsonb_build_object('kind', 'run_not_found');
  end if;

  v_policy := p_policy || v_tenant.policy;
  v_ask := p_request || jsonb_build_object(
    'class', case when v_run.demoted and (p_request->>'overridable')::boolean then 3 else (p_request->>'class')::integer end,
    'leaseSeconds', coalesce((p_request->>'leaseSeconds')::integer, policy_number(v_policy, 'lease_seconds'))
  );
  v_facts := admission_facts(v_tenant, v_pool, v_run, v_ask, p_policy, p_now);
  v_judged := judge_admission(v_facts, v_ask, p_policy, p_now);
  v_decided := decision_of(v_judged, v_ask);
  v_decision := v_decided->>'decision';
  v_waiting_for := v_decided->>'waitingFor';
  v_accepted := v_decision <> 'refused';

  v_task.tenant_id := v_tenant_id;
  v_task.task_id := v_task_id;
  v_task.run_id := v_run_id;
  v_task.phase := p_request->>'phase';
  v_task.class := (p_request->>'class')::smallint;
  v_task.overridable := (p_request->>'overridable')::boolean;
  v_task.queue_class := case when v_run.demoted and v_task.overridable then 3 else v_task.class end;
  v_task.priority_reason := p_request->>'priorityReason';
  v_task.priority_actor := p_request->>'priorityActor';
  v_task.cpu := (p_request->>'cpu')::numeric;
  v_task.memory_gb := (p_request->>'memoryGb')::numeric;
  v_task.burst_cpu := (v_decided->>'burstCpu')::numeric;
  v_task.burst_memory_gb := (v_decided->>'burstMemoryGb')::numeric;
  v_task.start_mode := p_request->>'start';
  v_task.lease_seconds := (v_ask->>'leaseSeconds')::integer;
  v_task.accepted_at := p_now;
  v_task.waiting_for := v_waiting_for;
  v_task.waiting_since := case when v_decision = 'queued' then p_now end;
  v_task.epoch := case when v_decision = 'admitted' then 1 else 0 end;
  v_task.state := case
    when v_decision = 'queued' then 'queued'
    when v_task.start_mode = 'now' then 'running'
    else 'granted'
  end;
  if v_task.state = 'running' then
    v_task.lease_expires_at := p_now + make_interval(secs => v_task.lease_seconds);
    v_task.room_until := v_task.lease_expires_at;
    v_task.granted_at := p_now;
    v_task.running_since := p_now;
    v_task.first_started_at := p_now;
  elsif v_task.state = 'granted' then
    v_task.room_until := p_now + make_interval(secs => policy_number(v_policy, 'claim_seconds')::double precision);
    v_task.granted_at := p_now;
  end if;

  v_outcome := v_decided || jsonb_build_object(
    -- The id of what is stored: nothing of a dry run, nor of a request of a throttled tenant, so that a flood writes nothing.
    'decisionId', case when not v_dry and (v_decision <> 'refused' or not (v_tenant.throttled_until > p_now) is true) then p_request->>'decisionId' end,
    'tenantId', v_tenant_id, 'runId', v_run_id, 'taskId', v_task_id, 'phase', v_task.phase,
    'state', case when v_accepted then v_task.state end, 'class', v_task.queue_class, 'overridable', v_task.overridable,
    'priorityReason', v_task.priority_reason, 'cpu', v_task.cpu, 'memoryGb', v_task.memory_gb,
    'epoch', v_task.epoch, 'startsRun', coalesce(v_run.live_tasks, 0) = 0, 'leaseExpiresAt', iso_time(v_task.lease_expires_at), 'at', iso_time(p_now)
  );

  if not v_dry then
    if v_accepted then
      perform book_admission(v_task, v_run, p_request, p_policy, p_now);
    else
      perform book_refusal(v_tenant, p_request, v_judged->'reasons', p_policy, p_now);
    end if;
  end if;

  -- Where it stands, and what its budget looks like, after the booking (or as if it had been booked).
  if v_decision = 'queued' then
    v_place := queue_place(v_task, v_dry, p_policy, p_now) || jsonb_build_object('pace', start_pace(p_now));
    if not v_dry then
      update tasks set expected_wait_seconds = least((v_place->>'position')::numeric * (v_place->'pace'->>'secondsEach')::numeric, 99999999)
      where tenant_id = v_tenant_id and task_id = v_task_id and v_place->'pace'->>'secondsEach' is not null;
    end if;
  end if;
  v_outcome := v_outcome || jsonb_build_object(
    'queue', case when v_decision = 'queued' then v_place end,
    'budget', case when v_accepted then budget_snapshot(v_tenant, v_run, v_run_id, (p_request->>'maxCostNanos')::bigint, p_now)
      -- A dry run books nothing, so what its hold would be is worked out: all that is left, or nothing while it waits for quota.
      || case when not v_dry then '{}'::jsonb else jsonb_build_object('heldNanos', (case
        when v_waiting_for is distinct from 'quota' then
          greatest(coalesce(v_run.limit_usd_nanos, (p_request->>'maxCostNanos')::bigint) - coalesce(v_run.period_spent_usd_nanos, 0), 0)
        else coalesce(v_run.held_usd_nanos, 0)
      end)::text) || case when not v_new_run then '{}'::jsonb else jsonb_build_object(
        'periodStart', case when v_period->>'kind' <> 'none' then iso_time(period_start(v_period, p_now)) end, 'periodEndsAt', iso_time(period_end(v_period, p_now)),
        'percents', jsonb_build_array(
          coalesce(p_request->'thresholds'->'warn', to_jsonb(v_tenant.warn_percent)), coalesce(p_request->'thresholds'->'throttle', to_jsonb(v_tenant.throttle_percent)),
          coalesce(p_request->'thresholds'->'pause', to_jsonb(v_tenant.pause_percent))
        )) end end
    end,
    -- For the RateLimit headers: the tenant's concurrent runs after this answer.
    'runsLimit', v_facts->'limits'->'concurrent_runs'->'limit',
    'runsHeld', (select runs_held from tenants where tenant_id = v_tenant_id)
  );

  if not v_dry then
    if v_decision <> 'refused' or not (v_tenant.throttled_until > p_now) is true then
      perform keep_policy(p_policy, p_now);
      insert into decisions (decision_id, kind, tenant_id, run_id, task_id, result, policy_version, inputs, counters, answer, at)
      values (
        p_request->>'decisionId', 'admit', v_tenant_id, v_run_id, v_task_id, v_decision, p_policy->>'version',
        v_ask - 'requestKeys' - 'requestHash', v_facts, v_outcome, p_now
      );
    end if;
    -- A throttled request is neither counted nor remembered: it is asked again after the throttle.
    if v_accepted or not (v_tenant.throttled_until > p_now) is true then
      insert into admission_answers (
        tenant_id, request_key, request_hash, outcome, accepted, answers_version, pool_limits, retry_at, at
      )
      select v_tenant_id, request_key, p_request->>'requestHash', v_outcome, v_accepted, v_tenant.answers_version,
        concat_ws('/', v_pool.cpu::text, v_pool.memory_gb::text, v_pool.tasks::text),
        (select min((reason->>'retryAt')::timestamptz) from jsonb_array_elements(v_judged->'reasons') as listed (reason)), p_now
      from jsonb_array_elements_text(p_request->'requestKeys') as keys (request_key)
      on conflict (tenant_id, request_key) do update set
        request_hash = excluded.request_hash, outcome = excluded.outcome, accepted = excluded.accepted,
        answers_version = excluded.answers_version, pool_limits = excluded.pool_limits, retry_at = excluded.retry_at, at = excluded.at;
    end if;
  end if;
  return jsonb_build_object('kind', 'answer', 'replayed', false, 'outcome', v_outcome);
end
$$;

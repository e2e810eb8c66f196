-- Books an accepted request: run (if new), task, quota, room, events and the doorbell. Needs lock_scheduler.
create function book_admission(p_task tasks, p_run runs, p_request jsonb, p_policy jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_task tasks := p_task;
  v_event_id uuid;
  v_period jsonb := coalesce(nullif(p_request->'period', 'null'), '{"kind": "none"}');
  v_thresholds jsonb := coalesce(nullif(p_request->'thresholds', 'null'), '{}');
  v_ids jsonb := jsonb_build_object(
    'runId', p_task.run_id, 'taskId', p_task.task_id, 'phase', p_task.phase, 'class', 'P' || p_task.queue_class
  );
begin
  if p_run.run_id is null then
    insert into runs (
      tenant_id, run_id, phase, goal, labels, status, created_at, started_at, limit_usd_nanos, max_duration_ms,
      period, period_start, period_ends_at, warn_percent, throttle_percent, pause_percent, alert_percents
    ) values (
      p_task.tenant_id, p_task.run_id, p_task.phase, p_request->>'goal', coalesce(p_request->'labels', '{}'),
      case when p_task.state = 'queued' then 'queued' else 'running' end, p_now,
      case when p_task.state <> 'queued' then p_now end,
      (p_request->>'maxCostNanos')::bigint, (p_request->>'maxDurationMs')::bigint,
      v_period, period_start(v_period, p_now), period_end(v_period, p_now),
      (v_thresholds->>'warn')::numeric, (v_thresholds->>'throttle')::numeric, (v_thresholds->>'pause')::numeric,
      case when v_thresholds ? 'alerts' then array(select value::numeric from jsonb_array_elements_text(v_thresholds->'alerts') order by 1) end
    );
    insert into budget_changes (tenant_id, run_id, budget_version, limit_usd_nanos, period, reason, actor, at)
    values (p_task.tenant_id, p_task.run_id, 1, (p_request->>'maxCostNanos')::bigint, v_period, 'admission', p_request->>'priorityActor', p_now);
  else
    perform 1 from runs where tenant_id = p_task.tenant_id and run_id = p_task.run_id for no key update;
  end if;

  v_task.quota_held := p_task.waiting_for is distinct from 'quota';
  insert into tasks (
    tenant_id, task_id, run_id, phase, state, class, queue_class, overridable, priority_reason, priority_actor,
    cpu, memory_gb, burst_cpu, burst_memory_gb, start_mode, lease_seconds, accepted_at, waiting_for, waiting_since,
    quota_held, epoch, room_until, lease_expires_at, granted_at, running_since, first_started_at
  ) values (
    v_task.tenant_id, v_task.task_id, v_task.run_id, v_task.phase, v_task.state, v_task.class, v_task.queue_class,
    v_task.overridable, v_task.priority_reason, v_task.priority_actor, v_task.cpu, v_task.memory_gb, v_task.burst_cpu,
    v_task.burst_memory_gb, v_task.start_mode, v_task.lease_seconds, v_task.accepted_at, v_task.waiting_for,
    v_task.waiting_since, v_task.quota_held, v_task.epoch, v_task.room_until, v_task.lease_expires_at, v_task.granted_at,
    v_task.running_since, v_task.first_started_at
  );
  if v_task.quota_held then
    perform hold_quota(v_task.tenant_id, v_task.run_id, v_task.task_id, v_task.cpu, v_task.memory_gb, v_task.state <> 'queued', 'admission', p_policy, p_now);
  end if;
  if v_task.state = 'queued' then
    update pool set version = version + 1;
  else
    perform move_room(v_task.tenant_id, v_task.cpu, v_task.memory_gb, 1, p_policy, p_now);
  end if;

  if v_task.state = 'queued' then
    perform emit_event(v_task.tenant_id, v_task.run_id, v_task.task_id, 'run-queued', v_ids || jsonb_build_object('waitingFor', v_task.waiting_for), null, p_now);
  else
    v_event_id := emit_event(
      v_task.tenant_id, v_task.run_id, v_task.task_id, 'run-admitted',
      v_ids || jsonb_build_object('burstCpu', v_task.burst_cpu, 'burstMemoryGb', v_task.burst_memory_gb), null, p_now
    );
    if v_task.state = 'running' then
      perform emit_event(v_task.tenant_id, v_task.run_id, v_task.task_id, 'task-started', v_ids || jsonb_build_object('epoch', v_task.epoch), v_event_id, p_now);
    else
      perform emit_event(v_task.tenant_id, v_task.run_id, v_task.task_id, 'task-granted', v_ids || jsonb_build_object('epoch', v_task.epoch, 'claimBy', iso_time(v_task.room_until)), v_event_id, p_now);
      perform ring_doorbell(v_task, 'start', p_now);
    end if;
  end if;
  if p_run.run_id is not null then
    perform refresh_run(v_task.tenant_id, v_task.run_id, v_event_id, p_now);
  end if;
end
$$;

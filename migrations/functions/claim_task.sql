-- Claims a granted task: the claim in Postgres decides, whatever the queues delivered (A14).
-- Needs no scheduler lock: the task holds its room already, and a claim neither frees nor takes any.
-- Returns task_answer with kind 'claimed', 'not_granted' or 'not_found'. p_lease_seconds null keeps the task's own.
create function claim_task(p_tenant_id text, p_task_id text, p_lease_seconds integer, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_task tasks;
  v_resumed boolean;
begin
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  end if;
  perform 1 from runs where tenant_id = p_tenant_id and run_id = v_task.run_id for no key update;
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id for no key update;
  if v_task.state <> 'granted' or v_task.room_until <= p_now then
    return task_answer('not_granted', p_tenant_id, p_task_id, p_now);
  end if;
  v_resumed := v_task.first_started_at is not null;
  update tasks set
    state = 'running',
    lease_seconds = coalesce(p_lease_seconds, lease_seconds),
    lease_expires_at = p_now + make_interval(secs => coalesce(p_lease_seconds, lease_seconds)),
    room_until = p_now + make_interval(secs => coalesce(p_lease_seconds, lease_seconds)),
    running_since = p_now,
    first_started_at = coalesce(first_started_at, p_now),
    waiting_since = null, preempted = false, preempted_by = null, preempted_by_tenant = null, preempted_for_promise = null,
    preempt_reason = null, lapsed = false
  where tenant_id = p_tenant_id and task_id = p_task_id
  returning * into v_task;
  update runs set started_at = coalesce(started_at, p_now) where tenant_id = p_tenant_id and run_id = v_task.run_id;
  if v_resumed then
    perform emit_event(p_tenant_id, v_task.run_id, p_task_id, 'task-resumed', jsonb_build_object(
      'taskId', p_task_id, 'resumedAt', iso_time(p_now), 'checkpointId', v_task.checkpoint_id, 'epoch', v_task.epoch
    ), null, p_now);
  else
    perform emit_event(p_tenant_id, v_task.run_id, p_task_id, 'task-started', jsonb_build_object(
      'runId', v_task.run_id, 'taskId', p_task_id, 'phase', v_task.phase, 'class', 'P' || v_task.queue_class, 'epoch', v_task.epoch
    ), null, p_now);
  end if;
  perform refresh_run(p_tenant_id, v_task.run_id, null, p_now);
  return task_answer('claimed', p_tenant_id, p_task_id, p_now);
end
$$;

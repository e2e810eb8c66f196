-- Tells a running task to leave (P4): state `preempting` with a deadline, and a preempt-requested event.
-- A task that is leaving already only changes where it goes: a pause outranks a checkpoint, and one that is short of money gives
-- up its hold whatever else it leaves for.
-- Needs lock_scheduler and the run's and task's locks.
create function begin_preemption(
  p_task tasks, p_action text, p_reason text, p_by_tenant_id text, p_by_task_id text, p_cause_id uuid, p_policy jsonb, p_now timestamptz
) returns void
language plpgsql as $$
declare
  v_deadline timestamptz := p_now + make_interval(secs => policy_number(tenant_policy(p_task.tenant_id, p_policy), 'grace_seconds')::double precision);
  v_event_id uuid;
begin
  if p_task.state = 'preempting' then
    update tasks set preempt_action = p_action, preempt_reason = p_reason
    where tenant_id = p_task.tenant_id and task_id = p_task.task_id
      and (p_action = 'pause' and preempt_action <> p_action or p_reason = 'short_of_money');
    return;
  end if;
  v_event_id := emit_event(p_task.tenant_id, p_task.run_id, p_task.task_id, 'preempt-requested', jsonb_strip_nulls(jsonb_build_object(
    'taskId', p_task.task_id, 'runId', p_task.run_id, 'reason', p_reason, 'action', p_action, 'preemptedBy', p_by_task_id,
    'deadline', iso_time(v_deadline)
  )), p_cause_id, p_now);
  update tasks set
    state = 'preempting', preempt_action = p_action, preempt_reason = p_reason, preempt_deadline = v_deadline,
    preempt_event_id = v_event_id, preempted_by_tenant = p_by_tenant_id, preempted_by = p_by_task_id,
    preempted_for_promise = (select w.promises from tasks w where w.tenant_id = p_by_tenant_id and w.task_id = p_by_task_id),
    room_until = least(room_until, v_deadline)
  where tenant_id = p_task.tenant_id and task_id = p_task.task_id;
  update pool set version = version + 1;
end
$$;

-- Ends a task from any state that is not final: room, quota, promise and counters go back exactly once.
-- Needs lock_scheduler and the run's and task's locks. p_state: 'completed', 'failed' or 'cancelled'.
create function end_task(
  p_task tasks, p_state text, p_fail_code text, p_error text, p_policy jsonb, p_now timestamptz
) returns void
language plpgsql as $$
declare
  v_ran_ms bigint := case when p_task.running_since is null then 0
    else greatest((extract(epoch from p_now - p_task.running_since) * 1000)::bigint, 0) end;
begin
  if p_task.room_until is not null then
    perform move_room(p_task.tenant_id, p_task.cpu, p_task.memory_gb, -1, p_policy, p_now);
  else
    update pool set version = version + 1;
  end if;
  update tasks set
    state = p_state, ended_at = p_now, fail_code = p_fail_code, error = p_error, quota_held = false,
    waiting_for = null, waiting_since = null, room_until = null, lease_expires_at = null, running_since = null,
    preempt_deadline = null, preempt_action = null, preempted = false, promised = false, promised_until = null, lapsed = false,
    first_victim = false
  where tenant_id = p_task.tenant_id and task_id = p_task.task_id;
  update runs set running_ms = running_ms + v_ran_ms where tenant_id = p_task.tenant_id and run_id = p_task.run_id;
  if p_task.quota_held then
    perform release_quota(p_task.tenant_id, p_task.run_id, p_task.task_id, p_task.cpu, p_task.memory_gb, p_state, p_now);
  end if;
  if p_task.preempted_by is not null and p_task.state = 'preempting' then
    perform start_promise_clock(p_task.preempted_by_tenant, p_task.preempted_by, p_policy, p_now);
  end if;
  perform refresh_run(p_task.tenant_id, p_task.run_id, null, p_now);
end
$$;

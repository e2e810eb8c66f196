-- Grants one waiting task its room: state `granted`, a higher epoch, a claim time-out, a doorbell on its class's queue.
-- Checks room and, for a task that waits for quota, quota and money again; returns an empty row when it does not fit.
-- Needs lock_scheduler.
create function grant_task(p_tenant_id text, p_task_id text, p_policy jsonb, p_now timestamptz) returns tasks
language plpgsql as $$
declare
  v_pool pool;
  v_room record;
  v_task tasks;
  v_run runs;
  v_tenant tenants;
begin
  select * into v_pool from pool;
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = v_task.run_id for update;
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id for update;
  select * into v_room from pool_room(v_pool, p_now, p_tenant_id, p_task_id);
  if v_task.state is distinct from 'queued' or v_run.budget_paused
    or v_task.cpu > coalesce(v_room.cpu, v_task.cpu) or v_task.memory_gb > coalesce(v_room.memory_gb, v_task.memory_gb)
  then
    return null;
  end if;
  if v_task.waiting_for = 'quota' then
    select * into v_tenant from tenants where tenant_id = p_tenant_id;
    if not judge_quota(v_tenant, v_run, v_task.cpu, v_task.memory_gb, p_now) then
      return null;
    end if;
    perform hold_quota(p_tenant_id, v_task.run_id, p_task_id, v_task.cpu, v_task.memory_gb, 'grant', p_now);
  end if;
  update tasks set
    state = 'granted', waiting_for = null, quota_held = true, epoch = epoch + 1, granted_at = p_now, lapsed = false,
    promised = false, promised_until = null,
    room_until = p_now + make_interval(secs => policy_number(p_policy, 'claim_seconds')::double precision)
  where tenant_id = p_tenant_id and task_id = p_task_id
  returning * into v_task;
  update runs set queued_ms = queued_ms + greatest((extract(epoch from p_now - coalesce(v_task.waiting_since, p_now)) * 1000)::bigint, 0)
  where tenant_id = p_tenant_id and run_id = v_task.run_id;
  perform move_room(p_tenant_id, v_task.cpu, v_task.memory_gb);
  perform emit_event(p_tenant_id, v_task.run_id, p_task_id, 'task-granted', jsonb_build_object(
    'runId', v_task.run_id, 'taskId', p_task_id, 'class', 'P' || v_task.queue_class, 'epoch', v_task.epoch, 'claimBy', iso_time(v_task.room_until)
  ), null, p_now);
  perform ring_doorbell(v_task, case when v_task.first_started_at is null then 'start' else 'resume' end, p_now);
  perform refresh_run(p_tenant_id, v_task.run_id, null, p_now);
  return v_task;
end
$$;

-- Grants one waiting task its room: state `granted`, a higher epoch, a claim time-out, a doorbell on its class's queue.
-- Checks room and, for a task that waits for quota, quota and money again; returns an empty row when it does not fit.
-- p_displaced: waiting tasks of its tenant that give their quota to it. Needs lock_scheduler.
create function grant_task(p_tenant_id text, p_task_id text, p_displaced text[], p_policy jsonb, p_now timestamptz) returns tasks
language plpgsql as $$
declare
  v_pool pool := (select p from pool p);
  v_room record;
  v_task tasks;
  v_run runs;
  v_tenant tenants;
  v_burst jsonb;
  v_displaced text;
begin
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  -- The runs of all that change, in one order (see lock_scheduler).
  perform 1 from runs r
  where r.tenant_id = p_tenant_id and r.run_id = any (
    array(select t.run_id from tasks t where t.tenant_id = p_tenant_id and t.task_id = any (p_displaced)) || v_task.run_id
  )
  order by r.run_id for no key update;
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = v_task.run_id;
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id for no key update;
  select * into v_room from pool_room(v_pool, p_now, p_tenant_id, p_task_id);
  if v_task.state is distinct from 'queued' or v_run.budget_paused or v_room.tasks < 1
    or v_task.cpu > coalesce(v_room.cpu, v_task.cpu) or v_task.memory_gb > coalesce(v_room.memory_gb, v_task.memory_gb)
  then
    return null;
  end if;
  if v_task.waiting_for = 'quota' then
    foreach v_displaced in array p_displaced loop
      perform displace_task(p_tenant_id, v_displaced, p_task_id, p_now);
    end loop;
    select * into v_tenant from tenants where tenant_id = p_tenant_id;
    -- Room that is left is idle, so that it may be borrowed (A5).
    v_burst := judge_quota(v_tenant, v_run, v_task, true, p_policy, p_now);
    if v_burst is null then
      return null;
    end if;
    perform hold_quota(p_tenant_id, v_task.run_id, p_task_id, v_task.cpu, v_task.memory_gb, true, 'grant', p_policy, p_now);
  end if;
  update tasks t set
    state = 'granted', waiting_for = null, quota_held = true, epoch = epoch + 1, granted_at = p_now, lapsed = false,
    promised = false, promised_until = null,
    burst_cpu = coalesce((v_burst->>'cpuMark')::numeric, burst_cpu), burst_memory_gb = coalesce((v_burst->>'memoryGbMark')::numeric, burst_memory_gb),
    room_until = p_now + make_interval(secs => policy_number(p_policy || n.policy, 'claim_seconds')::double precision)
  from tenants n
  where t.tenant_id = p_tenant_id and t.task_id = p_task_id and n.tenant_id = p_tenant_id
  returning t.* into v_task;
  -- From now on a lapse can let the hold expire.
  update holds set expires_at = p_now + make_interval(secs => grace_seconds)
  where tenant_id = p_tenant_id and run_id = v_task.run_id and released_at is null and expires_at is null;
  update runs set queued_ms = queued_ms + greatest((extract(epoch from p_now - coalesce(v_task.waiting_since, p_now)) * 1000)::bigint, 0)
  where tenant_id = p_tenant_id and run_id = v_task.run_id;
  perform move_room(p_tenant_id, v_task.cpu, v_task.memory_gb, 1, p_policy, p_now);
  perform emit_event(p_tenant_id, v_task.run_id, p_task_id, 'task-granted', jsonb_build_object(
    'runId', v_task.run_id, 'taskId', p_task_id, 'class', 'P' || v_task.queue_class, 'epoch', v_task.epoch, 'claimBy', iso_time(v_task.room_until)
  ), null, p_now);
  perform ring_doorbell(v_task, case when v_task.first_started_at is null then 'start' else 'resume' end, p_now);
  perform refresh_run(p_tenant_id, v_task.run_id, null, p_now);
  return v_task;
end
$$;

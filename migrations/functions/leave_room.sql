-- Takes a task out of the pool and puts it where it goes next: 'queued' (keeps its place in line by acceptance time, P5)
-- or 'paused' (gives its quota back). One that left for a task of its own tenant that waits for quota gives its quota back
-- too, and waits for it. Records the work lost since the last checkpoint when p_lost. Starts the clock of
-- its preemptor's promise when it was the last victim (P3). Needs lock_scheduler and the run's and task's locks.
-- p_how: 'preempted', 'paused', 'lapsed', 'unclaimed' or 'short_of_money'.
create function leave_room(p_task tasks, p_state text, p_how text, p_lost boolean, p_policy jsonb, p_now timestamptz) returns tasks
language plpgsql as $$
declare
  v_task tasks;
  v_for_quota boolean;
  v_lost bigint := case when p_lost then greatest(p_task.spent_usd_nanos - p_task.spent_at_checkpoint_usd_nanos, 0) else 0 end;
  v_ran_ms bigint := case when p_task.running_since is null then 0
    else greatest((extract(epoch from p_now - p_task.running_since) * 1000)::bigint, 0) end;
begin
  -- Its quota goes to the task that it left for, or its money has gone meanwhile: nobody had the lease for so long that its
  -- hold expired and others took it (B3), or a new period's whole limit does not fit (`roll_run`).
  v_for_quota := p_state = 'queued' and (p_how = 'short_of_money' or p_task.preempt_reason = 'short_of_money' and p_task.state = 'preempting'
    or hold_is_lost(p_task.tenant_id, p_task.run_id, p_now)
  ) or p_state = 'queued' and p_task.preempted_by_tenant = p_task.tenant_id and exists (
    select 1 from tasks w
    where w.tenant_id = p_task.tenant_id and w.task_id = p_task.preempted_by and w.promises = p_task.preempted_for_promise
      and w.promised and w.waiting_for = 'quota'
  );
  perform move_room(p_task.tenant_id, p_task.cpu, p_task.memory_gb, -1, p_policy, p_now);
  update tasks set
    state = p_state,
    quota_held = p_state = 'queued' and not v_for_quota,
    waiting_for = case when v_for_quota then 'quota' when p_state = 'queued' then 'pool' end,
    -- An unclaimed grant goes back to its old place, waiting time included (A11).
    waiting_since = case when p_how = 'unclaimed' then coalesce(waiting_since, accepted_at) when p_state = 'queued' then p_now end,
    room_until = null, lease_expires_at = null, granted_at = null, running_since = null,
    preempt_deadline = null, preempt_action = null,
    preempted = p_how = 'preempted' or (preempted and p_how = 'unclaimed'),
    preempted_at = case when p_how = 'preempted' then p_now else preempted_at end,
    preemptions = preemptions + case when p_how = 'preempted' then 1 else 0 end,
    preemption_streak = preemption_streak + case when p_how = 'preempted' then 1 else 0 end,
    lapses = lapses + case when p_how = 'lapsed' then 1 else 0 end,
    lapsed = p_how = 'lapsed',
    burst_cpu = case when p_state = 'paused' or v_for_quota then 0 else burst_cpu end,
    burst_memory_gb = case when p_state = 'paused' or v_for_quota then 0 else burst_memory_gb end,
    first_victim = false,
    lost_work_usd_nanos = lost_work_usd_nanos + v_lost,
    -- Work that was lost is not lost twice.
    spent_at_checkpoint_usd_nanos = case when p_lost then spent_usd_nanos else spent_at_checkpoint_usd_nanos end
  where tenant_id = p_task.tenant_id and task_id = p_task.task_id
  returning * into v_task;
  update runs set
    running_ms = running_ms + v_ran_ms,
    -- The grant counted the wait up to it; the wait goes on, and the next grant counts all of it.
    queued_ms = queued_ms - case when p_how = 'unclaimed'
      then greatest((extract(epoch from p_task.granted_at - coalesce(p_task.waiting_since, p_task.granted_at)) * 1000)::bigint, 0) else 0 end,
    preemptions = preemptions + case when p_how = 'preempted' then 1 else 0 end,
    lost_work_usd_nanos = lost_work_usd_nanos + v_lost
  where tenant_id = p_task.tenant_id and run_id = p_task.run_id;
  if p_state = 'paused' or v_for_quota then
    perform release_quota(p_task.tenant_id, p_task.run_id, p_task.task_id, p_task.cpu, p_task.memory_gb, p_how, p_now);
  end if;
  if p_task.preempted_by is not null and p_task.state = 'preempting' then
    perform start_promise_clock(p_task.preempted_by_tenant, p_task.preempted_by, p_policy, p_now);
  end if;
  if p_how in ('preempted', 'paused') then
    perform emit_event(p_task.tenant_id, p_task.run_id, p_task.task_id, 'task-preempted', jsonb_strip_nulls(jsonb_build_object(
      'taskId', p_task.task_id, 'reason', coalesce(p_task.preempt_reason, p_how), 'checkpoint', v_task.checkpoint_id,
      'preemptedBy', p_task.preempted_by, 'lostWorkUSD', usd(v_lost), 'state', p_state
    )), p_task.preempt_event_id, p_now);
  end if;
  return v_task;
end
$$;

-- A runner comes back with a lapsed lease before its task was given away: it gets the lease back when the room is still
-- free (A12). Returns whether it did. Takes the scheduler's lock; the caller holds none.
create function regain_lease(p_tenant_id text, p_task_id text, p_epoch bigint, p_policy jsonb, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_pool pool;
  v_task tasks;
  v_room record;
  v_requeued boolean;
begin
  v_pool := lock_scheduler(array[p_tenant_id]);
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  perform 1 from runs where tenant_id = p_tenant_id and run_id = v_task.run_id for no key update;
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id for no key update;
  v_requeued := v_task.state = 'queued' and v_task.lapsed;
  -- One that has given its quota to a better task of its tenant stays in the line (A16).
  if v_task.epoch <> p_epoch or v_task.waiting_for = 'quota' or not (v_requeued or (v_task.state = 'running' and v_task.room_until <= p_now)) then
    return false;
  end if;
  select * into v_room from pool_room(v_pool, p_now, p_tenant_id, p_task_id);
  if v_task.cpu > coalesce(v_room.cpu, v_task.cpu) or v_task.memory_gb > coalesce(v_room.memory_gb, v_task.memory_gb) or v_room.tasks < 1 then
    return false;
  end if;
  -- Money that its expired hold no longer counted for may be somebody else's by now (B3).
  if not v_requeued and hold_is_lost(p_tenant_id, v_task.run_id, p_now) then
    return false;
  end if;
  if v_requeued then
    perform move_room(p_tenant_id, v_task.cpu, v_task.memory_gb, 1, p_policy, p_now);
  else
    update pool set version = version + 1;
  end if;
  update tasks set
    state = 'running', waiting_for = null, waiting_since = null, lapsed = false, promised = false, promised_until = null,
    running_since = coalesce(running_since, p_now),
    lease_expires_at = p_now + make_interval(secs => lease_seconds), room_until = p_now + make_interval(secs => lease_seconds)
  where tenant_id = p_tenant_id and task_id = p_task_id;
  -- From now on a lapse can let the hold expire, which a place in the line kept without end.
  update holds set expires_at = p_now + make_interval(secs => grace_seconds)
  where tenant_id = p_tenant_id and run_id = v_task.run_id and released_at is null and expires_at is null;
  perform refresh_run(p_tenant_id, v_task.run_id, null, p_now);
  return true;
end
$$;

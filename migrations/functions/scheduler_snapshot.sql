-- What the scheduler decides on (shared/admission/schedule.ts), read at one instant: the pool with its version, the room
-- left over, the head of the line, and, when p_with_running, the tasks that could be preempted.
-- cpuRoom is free of what is held and of every promise; a promised task adds back its own `promisedCpu`.
create function scheduler_snapshot(p_policy jsonb, p_waiting_max integer, p_with_running boolean, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_pool pool;
  v_room record;
begin
  select * into v_pool from pool;
  select * into v_room from pool_room(v_pool, p_now, null, null);
  return jsonb_build_object(
    'version', v_pool.version::text,
    'pool', jsonb_build_object('cpu', v_pool.cpu, 'memoryGb', v_pool.memory_gb, 'cpuRoom', v_room.cpu, 'memoryGbRoom', v_room.memory_gb),
    'waiting', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'tenantId', l.tenant_id, 'taskId', l.task_id, 'runId', l.run_id, 'effectiveClass', l.effective_class, 'class', t.queue_class,
          'usesBurst', l.uses_burst, 'cpu', l.cpu, 'memoryGb', l.memory_gb, 'waitingFor', l.waiting_for, 'acceptedAt', l.accepted_at,
          'waitingSince', l.waiting_since, 'promised', l.promised,
          -- Not before its preemptor (P3), and not while its run's budget is used up (B5).
          'heldBack', l.held_back or r.budget_paused,
          'quotaFits', l.waiting_for = 'pool' or judge_quota(n, r, l.cpu, l.memory_gb, p_now),
          'promisedCpu', case when l.promised then greatest(l.cpu - coalesce(v.cpu, 0), 0) else 0 end,
          'promisedMemoryGb', case when l.promised then greatest(l.memory_gb - coalesce(v.memory_gb, 0), 0) else 0 end,
          'victimsLeaving', coalesce(v.victims, 0)
        ) order by l.line_position), '[]')
      from (select * from waiting_line(p_policy, p_now) order by line_position limit p_waiting_max) l
      join tasks t on t.tenant_id = l.tenant_id and t.task_id = l.task_id
      join runs r on r.tenant_id = l.tenant_id and r.run_id = l.run_id
      join tenants n on n.tenant_id = l.tenant_id
      left join lateral (
        select sum(x.cpu) as cpu, sum(x.memory_gb) as memory_gb, count(*) as victims from tasks x
        where x.state = 'preempting' and x.preempted_by = l.task_id and x.preempted_by_tenant = l.tenant_id and x.room_until > p_now
      ) v on l.promised
    ),
    -- Tenants that wait or run, with what their share is made of.
    'tenants', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'tenantId', n.tenant_id, 'weight', n.weight, 'cpuInUse', n.cpu_in_use, 'memoryGbInUse', n.memory_gb_in_use
        )), '[]')
      from tenants n
      where n.tenant_id in (select w.tenant_id from tasks w where w.state = 'queued')
        or p_with_running and n.tenant_id in (select r.tenant_id from tasks r where r.state = 'running')
    ),
    'lowestRunningClass', (
      select r.queue_class from tasks r where r.state = 'running' and r.overridable order by r.queue_class desc, r.running_since desc limit 1
    ),
    'burstRunning', exists (
      select 1 from tasks r where r.state = 'running' and r.overridable and (r.burst_cpu > 0 or r.burst_memory_gb > 0)
    ),
    'running', case when p_with_running then (
      select coalesce(jsonb_agg(jsonb_build_object(
          'tenantId', r.tenant_id, 'taskId', r.task_id, 'epoch', r.epoch::text, 'class', r.queue_class, 'baseClass', r.class, 'cpu', r.cpu,
          'memoryGb', r.memory_gb, 'usesBurst', r.burst_cpu > 0 or r.burst_memory_gb > 0, 'runningSince', r.running_since,
          'preemptionStreak', r.preemption_streak,
          'workSinceCheckpointNanos', (r.spent_usd_nanos - r.spent_at_checkpoint_usd_nanos)::text
        )), '[]')
      from tasks r
      where r.state = 'running' and r.overridable and r.room_until > p_now
    ) end
  );
end
$$;

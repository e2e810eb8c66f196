-- What the scheduler decides on (shared/admission/schedule.ts), read at one instant: the pool with its version, the room
-- left over, those of the line's first p_waiting_max that matter, and, when p_with_running, the tasks that could be
-- preempted. A waiting task matters when it fits the free room, holds a promise or could preempt somebody; of all others
-- only the first does, because it may be the head that nothing passes (A11).
-- cpuRoom is free of what is held and of every promise; a promised task adds back its own `promisedCpu`.
create function scheduler_snapshot(p_policy jsonb, p_waiting_max integer, p_with_running boolean, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_pool pool;
  v_room record;
  v_lowest_class integer;
  v_burst_running boolean;
  v_ran_enough timestamptz := p_now - make_interval(secs => policy_number(p_policy, 'min_run_seconds')::double precision);
  v_line record;
  v_waiting_max integer := p_waiting_max;
  v_waiting jsonb := '[]';
begin
  select * into v_pool from pool;
  select * into v_room from pool_room(v_pool, p_now, null, null);
  select count(*) as tasks, min(t.cpu) as cpu_min, min(t.memory_gb) as memory_gb_min, min(t.queue_class) as class_min,
    count(*) filter (where t.cpu <= coalesce(v_room.cpu, t.cpu) and t.memory_gb <= coalesce(v_room.memory_gb, t.memory_gb)) as fitting,
    bool_or(t.promised) as promises
  into v_line
  from tasks t where t.state = 'queued';
  -- Whether it is worth while to look at running tasks. One within its minimum run leaves for P0 only (P1).
  select r.queue_class into v_lowest_class from tasks r
  where r.state = 'running' and r.overridable and (v_line.class_min = 0 or r.running_since <= v_ran_enough)
  order by r.queue_class desc limit 1;
  v_burst_running := exists (
    select 1 from tasks r
    where r.state = 'running' and r.overridable and (r.burst_cpu > 0 or r.burst_memory_gb > 0)
      and (v_line.class_min = 0 or r.running_since <= v_ran_enough)
  );

  if not coalesce(v_line.promises or v_lowest_class > v_line.class_min, false) and not v_burst_running then
    if v_line.fitting = 0 then
      v_waiting_max := 0;
    elsif v_line.fitting = v_line.tasks and (v_room.cpu < 2 * v_line.cpu_min or v_room.memory_gb < 2 * v_line.memory_gb_min) then
      -- Room for one of them at most: the first that may start gets it.
      v_waiting_max := 1;
    end if;
  end if;
  if v_waiting_max > 0 then
    select coalesce(jsonb_agg(jsonb_build_object(
        'tenantId', l.tenant_id, 'taskId', l.task_id, 'runId', l.run_id, 'effectiveClass', l.effective_class, 'class', l.queue_class,
        'usesBurst', l.uses_burst, 'cpu', l.cpu, 'memoryGb', l.memory_gb, 'waitingFor', l.waiting_for, 'acceptedAt', l.accepted_at,
        'waitingSince', l.waiting_since, 'promised', l.promised, 'heldBack', false, 'quotaFits', true,
        'promisedCpu', case when l.promised then greatest(l.cpu - coalesce(v.cpu, 0), 0) else 0 end,
        'promisedMemoryGb', case when l.promised then greatest(l.memory_gb - coalesce(v.memory_gb, 0), 0) else 0 end,
        'victimsLeaving', coalesce(v.victims, 0)
      ) order by l.line_position), '[]')
    into v_waiting
    from (
      select w.*, row_number() over (partition by w.matters order by w.line_position) as place
      from (
        select h.*,
          h.promised or coalesce(h.queue_class < v_lowest_class, false) or (v_burst_running and not h.uses_burst)
          or (h.cpu <= coalesce(v_room.cpu, h.cpu) and h.memory_gb <= coalesce(v_room.memory_gb, h.memory_gb)) as matters
        from waiting_heads(p_policy, v_waiting_max, p_now) h
        -- One that a smaller pool can no longer hold keeps nobody waiting.
        where h.cpu <= coalesce(v_pool.cpu, h.cpu) and h.memory_gb <= coalesce(v_pool.memory_gb, h.memory_gb)
      ) w
    ) l
    left join lateral (
      select sum(x.cpu) as cpu, sum(x.memory_gb) as memory_gb, count(*) as victims from tasks x
      where x.state = 'preempting' and x.preempted_by = l.task_id and x.preempted_by_tenant = l.tenant_id and x.room_until > p_now
    ) v on l.promised
    where l.matters or l.place = 1;
  end if;

  return jsonb_build_object(
    'version', v_pool.version::text,
    'pool', jsonb_build_object('cpu', v_pool.cpu, 'memoryGb', v_pool.memory_gb, 'cpuRoom', v_room.cpu, 'memoryGbRoom', v_room.memory_gb),
    'waiting', v_waiting,
    -- Tenants of those that wait or run, with what their share is made of.
    'tenants', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'tenantId', n.tenant_id, 'weight', n.weight, 'cpuInUse', n.cpu_in_use - l.cpu, 'memoryGbInUse', n.memory_gb_in_use - l.memory_gb
        )), '[]')
      from tenants n
      -- A lapsed lease does not count, swept or not (A12).
      cross join lateral (
        select coalesce(sum(x.cpu), 0) as cpu, coalesce(sum(x.memory_gb), 0) as memory_gb
        from tasks x where x.room_until is not null and x.room_until <= p_now and x.tenant_id = n.tenant_id
      ) l
      where n.tenant_id in (select w->>'tenantId' from jsonb_array_elements(v_waiting) l (w))
        or p_with_running and (n.cpu_in_use > 0 or n.memory_gb_in_use > 0)
    ),
    'lowestRunningClass', v_lowest_class,
    'burstRunning', v_burst_running,
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

-- What the scheduler decides on (shared/admission/schedule.ts), read at one instant: the pool with its version and the room
-- left over, the first p_waiting_max of the waiting line that matter, their tenants, and, when p_running_max is given, as many
-- of the tasks that could be preempted, in the order of victims: always when p_running_always, else only if one of the line that
-- does not fit the room left over could preempt, so that mostly one snapshot is enough. A waiting task matters when it fits the free room, holds a
-- promise or could preempt somebody; of all others only the head does, because nothing may pass it in the end (A11).
-- cpuRoom and the others are free of what is held and of every promise; a promised task adds back its own `promisedRoom`.
-- leaving: the room of tasks on their way out that is promised to nobody.
-- `more`: the line holds more that matter than are listed. `smallestCpu`: no task that waits for the pool asks less.
create function scheduler_snapshot(
  p_policy jsonb, p_waiting_max integer, p_running_max integer, p_running_always boolean, p_now timestamptz
) returns jsonb
-- Planned once for all arguments, with all that it calls: made anew for each, plans took a third of it (line of one size: 8.6 ms
-- against 5.4, shortest of 20 calls). A clause of the function ends with it, so that no session is changed.
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_pool pool := (select p from pool p);
  v_room record;
  v_ran_enough timestamptz := p_now - make_interval(secs => policy_number(p_policy, 'min_run_seconds')::double precision);
  v_streak_max integer := policy_number(p_policy, 'shield_after_preemptions');
  v_waiting_max integer := p_waiting_max;
  v_smallest_cpu numeric := (select min(t.cpu) from tasks t where t.state = 'queued' and t.waiting_for = 'pool');
  v_best_class integer;
  v_lowest_class integer;
  v_reclaim boolean;
  v_promises boolean;
  v_fitting boolean;
  v_head_fits boolean := false;
  v_standings tenant_standing[];
  v_heads line_place[] := '{}';
  v_waiting jsonb;
  v_with_running boolean;
  v_running jsonb;
  v_tenants text[];
  v_quota_tenants text[];
begin
  select min(l.queue_class) into v_best_class from waiting_lines l where l.tasks > 0;
  if v_best_class is null then
    return jsonb_build_object(
      'version', v_pool.version::text, 'pool', jsonb_build_object('cpu', v_pool.cpu, 'memoryGb', v_pool.memory_gb, 'tasks', v_pool.tasks,
        'cpuRoom', null, 'memoryGbRoom', null, 'tasksRoom', null, 'leaving', jsonb_build_object('cpu', 0, 'memoryGb', 0, 'tasks', 0)),
      'waiting', '[]'::jsonb, 'more', false, 'smallestCpu', null, 'tenants', '[]'::jsonb, 'displaceable', '[]'::jsonb, 'lowestRunningClass', null, 'burstRunning', false,
      'running', case when p_running_always and p_running_max is not null then '[]'::jsonb end, 'runningTruncated', false
    );
  end if;
  select * into v_room from pool_room(v_pool, p_now, null, null);
  v_standings := array(
    select s from tenant_shares(p_policy, null, p_now) s
  );
  -- Whether it is worth while to look at running tasks. One within its minimum run leaves for P0 only (P1).
  select r.queue_class into v_lowest_class from tasks r
  where r.state = 'running' and r.overridable and (v_best_class = 0 or r.running_since <= v_ran_enough) and r.preemption_streak < v_streak_max
  order by r.queue_class desc limit 1;
  v_reclaim := exists (
    select 1 from tasks r
    where r.state = 'running' and r.overridable and (r.burst_cpu > 0 or r.burst_memory_gb > 0) and r.queue_class >= v_best_class
      and (v_best_class = 0 or r.running_since <= v_ran_enough) and r.preemption_streak < v_streak_max
  );
  v_promises := exists (select 1 from tasks t where t.promised);
  v_fitting := coalesce(v_room.tasks >= 1, true) and exists (
    select 1 from tasks t where t.state = 'queued' and t.waiting_for = 'pool'
      -- Against a value, not against itself, so that the index on sizes is used.
      and t.cpu <= coalesce(v_room.cpu, 'Infinity') and t.memory_gb <= coalesce(v_room.memory_gb, 'Infinity')
  );

  -- Who waits for quota may not pass an old head either (A11).
  if v_fitting or v_reclaim or v_lowest_class > v_best_class
    or exists (select 1 from waiting_lines l where l.waiting_for = 'quota' and l.tasks > 0)
  then
    if v_fitting and not v_reclaim and coalesce(v_lowest_class <= v_best_class, true) then
      -- Only room is to be given away: to no more tasks than could be if all were as small as the smallest.
      v_waiting_max := least(p_waiting_max, greatest(1, coalesce(trunc(v_room.cpu / nullif(v_smallest_cpu, 0)), p_waiting_max)));
    end if;
    -- Heads matter by themselves only once they have waited so long that nothing may pass them: the first few, since one of
    -- them may go.
    if exists (
      select 1 from tasks t where t.state = 'queued'
        and t.waiting_since <= p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision)
    ) then
      v_heads := array(select h from line_head(p_policy, 5, v_standings, p_now) h);
      v_head_fits := coalesce(v_room.tasks >= 1, true) and coalesce((
        select t.cpu <= coalesce(v_room.cpu, 'Infinity') and t.memory_gb <= coalesce(v_room.memory_gb, 'Infinity')
        from tasks t where t.tenant_id = v_heads[1].tenant_id and t.task_id = v_heads[1].task_id
      ), false);
    end if;
    -- Room for one, and the first of the line fits it: nobody else is asked.
    if v_waiting_max > 1 or not v_head_fits then
      v_heads := v_heads || array(
        select h from waiting_heads(
          p_policy, v_waiting_max, v_standings, v_fitting, v_room.cpu, v_room.memory_gb, v_room.tasks, coalesce(v_lowest_class, -1), v_reclaim, p_now
        ) h
      );
    end if;
  end if;
  if v_promises then
    v_heads := v_heads || array(select h from promised_heads(p_policy, v_standings, p_now) h);
  end if;
  v_heads := v_heads || array(
    select h.place from quota_heads(
      p_policy, p_waiting_max, v_standings, v_room.cpu, v_room.memory_gb, v_room.tasks, coalesce(v_lowest_class, -1), v_reclaim, p_now
    ) h
  );

  if v_heads <> '{}' then
    with heads as (
      -- A task may come twice: its best place counts.
      select distinct on (h.tenant_id, h.task_id) h.*
      from unnest(v_heads) h
      order by h.tenant_id, h.task_id, h.effective_class, h.overdue desc
    )
    select jsonb_agg(jsonb_build_object(
        'tenantId', t.tenant_id, 'taskId', t.task_id, 'runId', t.run_id, 'effectiveClass', h.effective_class, 'overdue', h.overdue,
        'class', t.queue_class, 'usesBurst', t.on_burst, 'cpu', t.cpu, 'memoryGb', t.memory_gb, 'waitingFor', t.waiting_for,
        'acceptedAt', t.accepted_at, 'waitingSince', t.waiting_since, 'promised', p.open, 'startsRun', r.live_tasks = 0,
        'costFits', t.waiting_for = 'pool' or money_fits(n, r, quota_limits(n.tenant_id, p_policy), p_now),
        'promisedRoom', case when p.open then jsonb_build_object('cpu', greatest(t.cpu - v.cpu, 0), 'memoryGb', greatest(t.memory_gb - v.memory_gb, 0),
          'tasks', greatest(1 - v.tasks, 0)) end,
        'promisedQuota', case when p.open and t.waiting_for = 'quota' then jsonb_build_object('cpu', greatest(t.cpu - v.own_cpu, 0),
          'memoryGb', greatest(t.memory_gb - v.own_memory_gb, 0), 'runs', case when r.live_tasks = 0 then greatest(1 - v.own_runs, 0) else 0 end) end
      ) order by h.effective_class, h.overdue desc, h.on_burst, h.share, h.recent, h.accepted_at, h.task_id collate "C", h.tenant_id collate "C"),
      array_agg(distinct t.tenant_id), coalesce(array_agg(distinct t.tenant_id) filter (where t.waiting_for = 'quota'), '{}'),
      bool_or(not p.open and (t.queue_class < v_lowest_class or v_reclaim and not t.on_burst)
        and (t.cpu > v_room.cpu or t.memory_gb > v_room.memory_gb or v_room.tasks < 1))
    into v_waiting, v_tenants, v_quota_tenants, v_with_running
    from heads h
    join tasks t on t.tenant_id = h.tenant_id and t.task_id = h.task_id
    join runs r on r.tenant_id = t.tenant_id and r.run_id = t.run_id
    join tenants n on n.tenant_id = t.tenant_id
    cross join lateral (select t.promised and (t.promised_until is null or t.promised_until > p_now) as open) p
    left join lateral (
      select coalesce(sum(x.cpu), 0) as cpu, coalesce(sum(x.memory_gb), 0) as memory_gb, count(*) as tasks,
        coalesce(sum(x.cpu) filter (where x.tenant_id = t.tenant_id), 0) as own_cpu,
        coalesce(sum(x.memory_gb) filter (where x.tenant_id = t.tenant_id), 0) as own_memory_gb,
        count(*) filter (where x.tenant_id = t.tenant_id and xr.live_tasks = 1) as own_runs
      from tasks x join runs xr on xr.tenant_id = x.tenant_id and xr.run_id = x.run_id
      where x.state = 'preempting' and x.preempted_by = t.task_id and x.preempted_by_tenant = t.tenant_id
        and x.preempted_for_promise = t.promises and x.room_until > p_now
    ) v on p.open;
  end if;
  v_waiting := coalesce(v_waiting, '[]');
  v_tenants := coalesce(v_tenants, '{}');
  v_quota_tenants := coalesce(v_quota_tenants, '{}');
  v_with_running := p_running_max is not null and (p_running_always or coalesce(v_with_running, false));
  if v_with_running then
    v_standings := v_standings || array(
      select s from tenant_shares(p_policy, array(
        select n.tenant_id from tenants n where n.tasks_in_use > 0
        except select w.tenant_id from unnest(v_standings) w
      ), p_now) s
    );
    v_running := victim_candidates(p_policy, v_best_class, v_quota_tenants, v_standings, p_running_max, p_now);
    v_tenants := v_tenants || array(select distinct r.task->>'tenantId' from jsonb_array_elements(v_running->'tasks') r (task));
  end if;

  return jsonb_build_object(
    'version', v_pool.version::text,
    'pool', jsonb_build_object('cpu', v_pool.cpu, 'memoryGb', v_pool.memory_gb, 'tasks', v_pool.tasks,
      'cpuRoom', v_room.cpu, 'memoryGbRoom', v_room.memory_gb, 'tasksRoom', v_room.tasks,
      'leaving', (
        select jsonb_build_object('cpu', coalesce(sum(x.cpu), 0), 'memoryGb', coalesce(sum(x.memory_gb), 0), 'tasks', count(*))
        from tasks x
        where x.state = 'preempting' and x.room_until > p_now and not exists (
          select 1 from tasks w
          where w.tenant_id = x.preempted_by_tenant and w.task_id = x.preempted_by and w.promises = x.preempted_for_promise and w.promised
            and (w.promised_until is null or w.promised_until > p_now)
        )
      )),
    'waiting', v_waiting,
    'more', jsonb_array_length(v_waiting) >= v_waiting_max,
    'smallestCpu', v_smallest_cpu,
    -- Tenants of those that wait, or also of those that run, as listed, with what their share is made of.
    'tenants', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'tenantId', n.tenant_id, 'weight', n.weight, 'cpuInUse', n.cpu_in_use - l.cpu, 'memoryGbInUse', n.memory_gb_in_use - l.memory_gb,
          'tasksInUse', n.tasks_in_use - l.tasks, 'recent', s.recent_exact,
          'quota', case when n.tenant_id = any (v_quota_tenants) then jsonb_build_object(
            'limits', quota_limits(n.tenant_id, p_policy) - 'cost', 'cpuHeld', n.cpu_held, 'memoryGbHeld', n.memory_gb_held, 'runsHeld', n.runs_held,
            'promised', (select jsonb_build_object('cpu', q.cpu, 'memoryGb', q.memory_gb, 'runs', q.runs) from promised_quota(n.tenant_id, null, p_now) q),
            'lowestRunningClass', (
              select max(o.queue_class) from tasks o where o.tenant_id = n.tenant_id and o.quota_held and o.state = 'running' and o.overridable
            )
          ) end
        )), '[]')
      from unnest(v_standings) s
      join tenants n on n.tenant_id = s.tenant_id
      -- A lapsed lease does not count, swept or not (A12).
      cross join lateral (
        select coalesce(sum(x.cpu), 0) as cpu, coalesce(sum(x.memory_gb), 0) as memory_gb, count(*) as tasks
        from tasks x where x.room_until is not null and x.room_until <= p_now and x.tenant_id = n.tenant_id
      ) l
      where n.tenant_id = any (v_tenants)
    ),
    -- What may give its quota to a better task of its own tenant: the last of the tenant's line, last first.
    'displaceable', case when v_quota_tenants = '{}' then '[]'::jsonb else (
      select coalesce(jsonb_agg(jsonb_build_object(
          'tenantId', d.tenant_id, 'taskId', d.task_id, 'effectiveClass', coalesce(a.effective_class, d.queue_class), 'overdue', coalesce(a.overdue, false),
          'usesBurst', d.on_burst, 'acceptedAt', d.accepted_at, 'cpu', d.cpu, 'memoryGb', d.memory_gb,
          'endsRun', (select r.live_tasks = 1 from runs r where r.tenant_id = d.tenant_id and r.run_id = d.run_id)
        )), '[]')
      from (select distinct q from unnest(v_quota_tenants) q) u (tenant_id)
      cross join lateral (
        select t.* from waiting_lines l
        cross join lateral (
          select w.* from tasks w
          where w.state = 'queued' and w.tenant_id = l.tenant_id and w.queue_class = l.queue_class and w.on_burst = l.on_burst and w.waiting_for = 'pool'
            and not w.promised
          order by w.accepted_at desc, w.task_id desc limit policy_number(p_policy, 'quota_waiters_per_pass_max')::integer
        ) t
        where l.tenant_id = u.tenant_id and l.waiting_for = 'pool' and l.tasks > 0
      ) d
      left join aged_tasks(p_policy, v_quota_tenants, p_now) a on a.tenant_id = d.tenant_id and a.task_id = d.task_id
    ) end,
    'lowestRunningClass', v_lowest_class,
    'burstRunning', v_reclaim,
    'running', v_running->'tasks', 'runningTruncated', coalesce(v_running->'truncated', 'false')
  );
end
$$;

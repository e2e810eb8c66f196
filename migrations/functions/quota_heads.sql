-- Of the tasks that wait for quota, those that matter, with the keys of the line's order (see `waiting_heads`): their tenant's
-- limits and burst hold them and they fit the free room given, could preempt, or have waited so long that nobody may pass them;
-- or their tenant has tasks of no better class whose quota they may take. Each tenant's first few in its order are looked at, and nobody
-- behind one that has waited so long that none may pass (A11, A16). The plan judges again, exactly.
create function quota_heads(
  p_policy jsonb, p_max integer, p_standings tenant_standing[], p_cpu numeric, p_memory_gb numeric, p_tasks numeric, p_victim_class integer,
  p_reclaim boolean, p_now timestamptz
)
returns table (place line_place, quota_fits boolean)
language plpgsql stable rows 10 as $$
declare
  v_look_max integer := policy_number(p_policy, 'quota_waiters_per_pass_max');
  v_burst_share numeric := policy_number(p_policy, 'burst_share');
  v_step_seconds double precision := policy_number(p_policy, 'aging_step_seconds');
  v_aging_max integer := policy_number(p_policy, 'aging_tasks_max');
  v_patience_ends timestamptz := p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision);
begin
  if not exists (select 1 from waiting_lines l where l.waiting_for = 'quota' and l.tasks > 0) then
    return;
  end if;
  return query
  with waiters as materialized (
    select l.tenant_id, array_agg(l.queue_class) as classes, array_agg(l.on_burst) as bursts, min(l.queue_class) as best
    from waiting_lines l where l.waiting_for = 'quota' and l.tasks > 0 group by l.tenant_id
  ), free as materialized (
    select s.tenant_id, s.share, s.recent, s.last_start_at, w.classes, w.bursts, w.best,
      f.cpu - n.cpu_held as cpu, f.memory_gb - n.memory_gb_held as memory_gb, f.runs - n.runs_held as runs,
      -- The worst class among its tasks that could give their quota: those that wait for room, and those that run.
      coalesce((select max(g.queue_class) from waiting_lines g where g.tenant_id = n.tenant_id and g.waiting_for = 'pool' and g.tasks > 0), -1) as worst_waiting,
      coalesce((
        select h.queue_class from tasks h
        where h.tenant_id = n.tenant_id and h.state = 'running' and h.overridable order by h.queue_class desc limit 1
      ), -1) as worst_running
    from waiters w
    join unnest(p_standings) s on s.tenant_id = w.tenant_id
    join tenants n on n.tenant_id = w.tenant_id
    cross join lateral (
      select
        sum(q.limit_value + coalesce(q.burst_value, q.limit_value * coalesce(q.burst_share, v_burst_share))) filter (where q.resource = 'cpu') as cpu,
        sum(q.limit_value + coalesce(q.burst_value, q.limit_value * coalesce(q.burst_share, v_burst_share))) filter (where q.resource = 'memory') as memory_gb,
        sum(q.limit_value) filter (where q.resource = 'concurrent_runs') as runs
      from tenant_quotas q where q.tenant_id = w.tenant_id
    ) f
  ), open as materialized (
    -- Lines of tenants with nothing left and nothing to take are not read.
    select f.* from free f
    where f.best <= f.worst_waiting or f.best < f.worst_running or coalesce(f.cpu > 0, true) and coalesce(f.memory_gb > 0, true)
      or exists (select 1 from tasks z where z.state = 'queued' and z.waiting_for = 'quota' and (z.cpu = 0 or z.memory_gb = 0) and z.tenant_id = f.tenant_id)
      -- What waiting has brought forward may take what its line may not.
      or exists (
        select 1 from aged_of_tenant(f.tenant_id, f.last_start_at, v_step_seconds, v_aging_max, p_now) a
        where a.waiting_for = 'quota' and a.effective_class <= f.worst_waiting
      )
      -- One that has waited so long that nobody may pass it is seen, whether it can start or not (index tasks_longest_for_quota).
      or exists (
        select 1 from unnest(f.classes) c cross join lateral (
          select 1 from tasks o where o.state = 'queued' and o.waiting_for = 'quota' and o.tenant_id = f.tenant_id and o.queue_class = c
            and o.waiting_since <= v_patience_ends limit 1
        ) o
      )
  ), aged as materialized (
    select a.* from open f cross join lateral aged_of_tenant(f.tenant_id, f.last_start_at, v_step_seconds, v_aging_max, p_now) a where a.waiting_for = 'quota'
  ), raised as materialized (
    -- How far up waiting has brought one of a line.
    select a.tenant_id, a.queue_class, min(a.effective_class) as best from aged a group by a.tenant_id, a.queue_class
  ), looked_at as (
    select t.*, f.share, f.recent, coalesce(a.effective_class, t.queue_class) as effective_class, coalesce(a.overdue, false) as overdue,
      f.worst_waiting >= coalesce(a.effective_class, t.queue_class) or f.worst_running > t.queue_class as may_take,
      (t.cpu <= coalesce(f.cpu, t.cpu) or t.cpu = 0) and (t.memory_gb <= coalesce(f.memory_gb, t.memory_gb) or t.memory_gb = 0)
        -- Runs are read only for tenants that have none left: those of 2,400 tasks take 13 ms of 72 (explain analyze).
        and (coalesce(f.runs >= 1, true) or (select r.live_tasks > 0 from runs r where r.tenant_id = t.tenant_id and r.run_id = t.run_id)) as quota_fits,
      coalesce(p_tasks >= 1, true) and t.cpu <= coalesce(p_cpu, t.cpu) and t.memory_gb <= coalesce(p_memory_gb, t.memory_gb) as room_fits
    from open f
    cross join lateral unnest(f.classes, f.bursts) l (queue_class, on_burst)
    -- Joined, not looked for line by line: 9 ms instead of 28 for 300 lines with 464 aged tasks (explain analyze).
    left join raised u on u.tenant_id = f.tenant_id and u.queue_class = l.queue_class
    cross join lateral (
      -- The front of each of its lines, and with it those that aging has brought forward (index tasks_waiting).
      select q.* from (
        select w.* from tasks w
        where w.state = 'queued' and w.tenant_id = f.tenant_id and w.queue_class = l.queue_class and w.on_burst = l.on_burst and w.waiting_for = 'quota'
        order by w.accepted_at, w.task_id limit v_look_max
      ) q
      where l.queue_class <= f.worst_waiting or l.queue_class < f.worst_running or coalesce(f.cpu > 0, true) and coalesce(f.memory_gb > 0, true)
        or u.best <= f.worst_waiting
        or exists (
          select 1 from tasks o where o.state = 'queued' and o.waiting_for = 'quota' and o.tenant_id = f.tenant_id and o.queue_class = l.queue_class
            and o.waiting_since <= v_patience_ends
        )
        or exists (select 1 from tasks z where z.state = 'queued' and z.waiting_for = 'quota' and (z.cpu = 0 or z.memory_gb = 0) and z.tenant_id = f.tenant_id)
    ) t
    left join aged a on a.tenant_id = t.tenant_id and a.task_id = t.task_id
  ), in_order as (
    select l.*, coalesce(bool_or(l.waiting_since <= v_patience_ends and not (l.quota_fits and l.room_fits)) over (
      partition by l.tenant_id order by l.effective_class, l.overdue desc, l.accepted_at, l.task_id rows between unbounded preceding and 1 preceding
    ), false) as behind_patience
    from looked_at l
  ), numbered as (
    -- Those that could start now, and those that would have to take from others: p_max of each.
    select o.*, row_number() over (
      partition by o.quota_fits and o.room_fits
      order by o.effective_class, o.overdue desc, o.on_burst, o.share, o.recent, o.accepted_at, o.task_id, o.tenant_id
    ) as place
    from in_order o
    where not o.behind_patience and not o.promised
      and (o.may_take or o.quota_fits and (o.room_fits or o.queue_class < p_victim_class or p_reclaim or o.waiting_since <= v_patience_ends))
  )
  select row(o.tenant_id, o.task_id, o.effective_class, o.overdue, o.on_burst, o.share, o.recent, o.accepted_at)::line_place, o.quota_fits
  from numbered o
  where o.place <= p_max
    and not held_back(o.tenant_id, o.run_id, o.preempted_by_tenant, o.preempted_by, o.preempted_for_promise, p_now)
  order by o.effective_class, o.overdue desc, o.on_burst, o.share, o.recent, o.accepted_at, o.task_id, o.tenant_id;
end
$$;

-- The first p_max tasks of the waiting line, in its order, that hold their quota, may start (`held_back`) and matter to the
-- caller. A task matters when it fits the room given (null = no bound), holds a promise, is of a better class than
-- p_victim_class, or p_reclaim says that burst could be reclaimed for it and it uses none itself; p_all: every one does.
-- The order (A10), a total order:
--   1. effective class: the line's class, raised by waiting; 2. overdue before others (`aged_tasks` for both);
--   3. within the tenant's limit before burst (A5); 4. the tenant with the smallest weighted share of the pool in use;
--   5. and with the smallest share lately (`tenant_shares` for both); 6. acceptance time; 7. task id; 8. tenant id.
-- Lines are merged in their order and read from the front, so that a long line costs what a short one does.
create function waiting_heads(
  p_policy jsonb, p_max integer, p_cpu numeric, p_memory_gb numeric, p_tasks numeric, p_victim_class integer, p_reclaim boolean, p_all boolean,
  p_now timestamptz
)
returns table (
  tenant_id text, task_id text, effective_class smallint, overdue boolean, on_burst boolean, share double precision,
  recent double precision, accepted_at timestamptz
)
language plpgsql stable rows 30 as $$
#variable_conflict use_column
declare
  v_fits boolean := coalesce(p_tasks >= 1, true);
  v_found integer := 0;
  v_rows integer;
  v_line record;
begin
  -- Mostly nothing has aged, which one look into an index shows.
  if exists (
    select 1 from tasks t
    where t.state = 'queued' and t.waiting_since <= p_now - make_interval(secs => policy_number(p_policy, 'aging_step_seconds')::double precision)
  ) then
  return query
  select a.tenant_id, a.task_id, a.effective_class, a.overdue, a.on_burst, s.share, s.recent, a.accepted_at
  from aged_tasks(p_policy, p_now) a
  join tenant_shares(p_policy, null, p_now) s on s.tenant_id = a.tenant_id
  join tasks t on t.tenant_id = a.tenant_id and t.task_id = a.task_id
  where a.waiting_for = 'pool'
    and (p_all or t.promised or t.queue_class < p_victim_class or p_reclaim and not t.on_burst
      or v_fits and t.cpu <= coalesce(p_cpu, t.cpu) and t.memory_gb <= coalesce(p_memory_gb, t.memory_gb))
    and not held_back(t.tenant_id, t.run_id, t.preempted_by_tenant, t.preempted_by, p_now)
  order by a.effective_class, a.overdue desc, a.on_burst, s.share, s.recent, a.accepted_at, a.task_id, a.tenant_id
  limit p_max;
  end if;

  for v_line in
    select l.queue_class, l.on_burst, s.share, s.recent, array_agg(l.tenant_id) as tenants
    from waiting_lines l join tenant_shares(p_policy, null, p_now) s on s.tenant_id = l.tenant_id
    where l.tasks > 0 and l.waiting_for = 'pool'
    group by l.queue_class, l.on_burst, s.share, s.recent
    order by l.queue_class, l.on_burst, s.share, s.recent
  loop
    return query
    select t.tenant_id, t.task_id, t.queue_class, false, t.on_burst, v_line.share, v_line.recent, t.accepted_at
    from unnest(v_line.tenants) u (tenant_id)
    cross join lateral (
      select q.* from tasks q
      where q.state = 'queued' and q.tenant_id = u.tenant_id and q.queue_class = v_line.queue_class and q.on_burst = v_line.on_burst
        and q.waiting_for = 'pool'
        and (p_all or q.promised or q.queue_class < p_victim_class or p_reclaim and not q.on_burst
          or v_fits and q.cpu <= coalesce(p_cpu, q.cpu) and q.memory_gb <= coalesce(p_memory_gb, q.memory_gb))
        -- Most were never preempted and their runs have money: both are seen without the call.
        and not ((q.preempted_by is not null or exists (
          select 1 from runs r where r.tenant_id = q.tenant_id and r.run_id = q.run_id and r.budget_paused
        )) and held_back(q.tenant_id, q.run_id, q.preempted_by_tenant, q.preempted_by, p_now))
      order by q.accepted_at, q.task_id
      -- Those of its front that have aged come twice, and the better place counts.
      limit p_max + policy_number(p_policy, 'aging_tasks_max')::integer
    ) t;
    get diagnostics v_rows = row_count;
    v_found := v_found + v_rows;
    exit when v_found >= p_max;
  end loop;
end
$$;

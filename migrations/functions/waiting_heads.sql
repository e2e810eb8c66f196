-- The first p_max tasks of the waiting line, in its order, that hold their quota, may start (`held_back`) and matter to the
-- caller. A task matters when it fits the room given (null = no bound; p_fitting false: nothing does), is of a better class
-- than p_victim_class, or p_reclaim says that burst could be reclaimed for it and it uses none itself.
-- The order (A10), a total order:
--   1. effective class: the line's class, raised by waiting; 2. overdue before others (`aged_tasks` for both);
--   3. within the tenant's limit before burst (A5); 4. the tenant with the smallest weighted share of the pool in use;
--   5. and with the smallest share lately (`tenant_shares` for both); 6. acceptance time; 7. task id; 8. tenant id.
-- Walks class by class and, within one, tenant by tenant in that order, reads each line from its front and stops at p_max: what a
-- call costs grows with the number of tenants that wait, not with the length of their lines.
-- p_standings: of all tenants that wait.
create function waiting_heads(
  p_policy jsonb, p_max integer, p_standings tenant_standing[], p_fitting boolean, p_cpu numeric, p_memory_gb numeric, p_tasks numeric,
  p_victim_class integer, p_reclaim boolean, p_now timestamptz
) returns setof line_place
language plpgsql stable rows 30 as $$
declare
  v_step_seconds double precision := policy_number(p_policy, 'aging_step_seconds');
  v_aging_max integer := policy_number(p_policy, 'aging_tasks_max');
  v_long_ago timestamptz := p_now - make_interval(secs => v_step_seconds);
  -- Mostly nothing has aged, which one look into an index shows.
  v_aging boolean := exists (select 1 from tasks t where t.state = 'queued' and t.waiting_since <= v_long_ago);
  v_bursts boolean[] := case when exists (select 1 from waiting_lines l where l.on_burst and l.tasks > 0) then array[false, true] else array[false] end;
  v_fits boolean := p_fitting and coalesce(p_tasks >= 1, true);
  -- Against a value, not against itself: nothing else asks for the sizes of each task.
  v_cpu numeric := coalesce(p_cpu, 'Infinity');
  v_memory_gb numeric := coalesce(p_memory_gb, 'Infinity');
  v_classes smallint[] := array(select distinct l.queue_class from waiting_lines l where l.tasks > 0 and l.waiting_for = 'pool');
  v_part text;
  v_class smallint;
  v_burst boolean;
  v_found integer;
  v_left integer := p_max;
begin
  -- The parts of the line in their order: P0, the overdue, P1 to P3.
  foreach v_part in array array['0', 'overdue', '1', '2', '3'] loop
    v_class := case v_part when 'overdue' then 1 else v_part::smallint end;
    continue when v_part = 'overdue' and not v_aging;
    -- Where nothing fits, only those matter that could preempt, and none of them stands behind its own class.
    continue when not (v_fits or p_reclaim or v_class < p_victim_class);
    continue when not (v_class = any (v_classes) or v_aging and v_class > 0 and v_class < any (v_classes));
    foreach v_burst in array v_bursts loop
      -- Tenants come in their order and those that tie are sorted among themselves (an incremental sort), so that the tenants
      -- behind the last that is wanted are not looked into.
      return query
      select s.tenant_id, f.task_id, v_class, v_part = 'overdue', v_burst, s.share, s.recent, f.accepted_at
      from (
        select u.* from unnest(p_standings) u
        where u.tenant_id in (
            select l.tenant_id from waiting_lines l
            where l.tasks > 0 and l.waiting_for = 'pool' and l.on_burst = v_burst
              and (l.queue_class = v_class or v_aging and v_class > 0 and l.queue_class > v_class)
              and (v_fits or p_reclaim or l.queue_class < p_victim_class)
          )
          and (v_part <> 'overdue' or coalesce(u.last_start_at <= v_long_ago, true))
        order by u.share, u.recent
      ) s
      cross join lateral (
        select coalesce(array_agg(a.task_id), '{}') as moved,
          array_agg(a.task_id) filter (where a.effective_class = v_class and a.overdue = (v_part = 'overdue')) as moved_here
        from aged_of_tenant(s.tenant_id, s.last_start_at, v_step_seconds, v_aging_max, p_now) a where v_aging
      ) a
      cross join lateral (
        (
          -- Index tasks_waiting.
          select q.task_id, q.accepted_at from tasks q
          where v_part <> 'overdue' and q.state = 'queued' and q.tenant_id = s.tenant_id and q.queue_class = v_class and q.on_burst = v_burst
            and q.waiting_for = 'pool' and q.task_id <> all (a.moved)
            and (q.queue_class < p_victim_class or p_reclaim and not q.on_burst or v_fits and q.cpu <= v_cpu and q.memory_gb <= v_memory_gb)
            and not held_back(q.tenant_id, q.run_id, q.preempted_by_tenant, q.preempted_by, q.preempted_for_promise, p_now)
          order by q.accepted_at, q.task_id
          limit v_left
        )
        union all
        select t.task_id, t.accepted_at from tasks t
        where v_aging and t.tenant_id = s.tenant_id and t.task_id = any (a.moved_here) and t.on_burst = v_burst and t.waiting_for = 'pool'
          and (t.queue_class < p_victim_class or p_reclaim and not t.on_burst or v_fits and t.cpu <= v_cpu and t.memory_gb <= v_memory_gb)
          and not held_back(t.tenant_id, t.run_id, t.preempted_by_tenant, t.preempted_by, t.preempted_for_promise, p_now)
      ) f
      order by s.share, s.recent, f.accepted_at, f.task_id, s.tenant_id
      limit v_left;
      get diagnostics v_found = row_count;
      v_left := v_left - v_found;
      if v_left <= 0 then
        return;
      end if;
    end loop;
  end loop;
end
$$;

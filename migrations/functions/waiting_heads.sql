-- The first p_max tasks of the waiting line, in its order, that hold their quota, may start (`held_back`) and matter to the
-- caller. A task matters when it fits the room given (null = no bound; p_fitting false: nothing does), is of a better class
-- than p_victim_class, or p_reclaim says that burst could be reclaimed for it and it uses none itself.
-- The order (A10), a total order:
--   1. effective class: the line's class, raised by waiting; 2. overdue before others (`aged_tasks` for both);
--   3. within the tenant's limit before burst (A5); 4. the tenant with the smallest weighted share of the pool in use;
--   5. and with the smallest share lately (`tenant_shares` for both); 6. acceptance time; 7. task id; 8. tenant id.
-- Walks class by class and, within one, tenant by tenant in that order, reads each line from its front (index tasks_waiting)
-- and stops at p_max: what a call costs grows with the number of tenants that wait, not with the length of their lines.
create function waiting_heads(
  p_policy jsonb, p_max integer, p_fitting boolean, p_cpu numeric, p_memory_gb numeric, p_tasks numeric, p_victim_class integer, p_reclaim boolean, p_now timestamptz
)
returns table (
  tenant_id text, task_id text, effective_class smallint, overdue boolean, on_burst boolean, share double precision,
  recent double precision, accepted_at timestamptz
)
language plpgsql stable rows 30 as $$
#variable_conflict use_column
declare
  v_step interval := make_interval(secs => policy_number(p_policy, 'aging_step_seconds')::double precision);
  -- Mostly nothing has aged, which one look into an index shows.
  v_aging boolean := exists (select 1 from tasks t where t.state = 'queued' and t.waiting_since <= p_now - v_step);
  v_bursts boolean[] := case when exists (select 1 from waiting_lines l where l.on_burst and l.tasks > 0) then array[false, true] else array[false] end;
  v_fits boolean := p_fitting and coalesce(p_tasks >= 1, true);
  v_classes smallint[] := array(select distinct l.queue_class from waiting_lines l where l.tasks > 0 and l.waiting_for = 'pool');
  v_tenants text[];
  v_shares double precision[];
  v_recents double precision[];
  v_part text;
  v_class smallint;
  v_burst boolean;
  v_group record;
  v_task record;
  v_found integer := 0;
begin
  select array_agg(s.tenant_id), array_agg(s.share), array_agg(s.recent) into v_tenants, v_shares, v_recents
  from tenant_shares(p_policy, null, p_now) s;

  -- The parts of the line in their order: P0, the overdue, P1 to P3.
  foreach v_part in array array['0', 'overdue', '1', '2', '3'] loop
    v_class := case v_part when 'overdue' then 1 else v_part::smallint end;
    continue when v_part = 'overdue' and not v_aging;
    -- Where nothing fits, only those matter that could preempt, and none of them stands behind its own class.
    continue when not (v_fits or p_reclaim or v_class < p_victim_class);
    continue when not (v_class = any (v_classes) or v_aging and v_class > 0 and v_class < any (v_classes));
    foreach v_burst in array v_bursts loop
      for v_group in
        select s.share, s.recent, array_agg(s.tenant_id) as tenants
        from unnest(v_tenants, v_shares, v_recents) s (tenant_id, share, recent)
        where s.tenant_id in (
          select l.tenant_id from waiting_lines l
          where l.tasks > 0 and l.waiting_for = 'pool' and l.on_burst = v_burst
            and (l.queue_class = v_class or v_aging and v_class > 0 and l.queue_class > v_class)
            and (v_fits or p_reclaim or l.queue_class < p_victim_class)
        ) and (v_part <> 'overdue' or s.tenant_id in (select n.tenant_id from tenants n where coalesce(n.last_start_at <= p_now - v_step, true)))
        group by s.share, s.recent
        order by s.share, s.recent
      loop
        for v_task in
          with aged as materialized (
            select a.* from aged_tasks(p_policy, case when v_aging then v_group.tenants else '{}' end, p_now) a
          ), front as (
            select t.tenant_id, t.task_id, t.run_id, t.accepted_at, t.preempted_by_tenant, t.preempted_by
            from unnest(v_group.tenants) u (tenant_id)
            cross join lateral (
              select q.* from tasks q
              where v_part <> 'overdue' and (v_fits or p_reclaim or v_class < p_victim_class) and q.state = 'queued' and q.tenant_id = u.tenant_id and q.queue_class = v_class and q.on_burst = v_burst
                and q.waiting_for = 'pool'
                and (q.queue_class < p_victim_class or p_reclaim and not q.on_burst
                  or v_fits and q.cpu <= coalesce(p_cpu, q.cpu) and q.memory_gb <= coalesce(p_memory_gb, q.memory_gb))
              order by q.accepted_at, q.task_id
              -- A few more than asked for, since some of them may have aged, or be held back for the moment.
              limit p_max + 20
            ) t
            where not exists (select 1 from aged a where a.tenant_id = t.tenant_id and a.task_id = t.task_id)
            union all
            select t.tenant_id, t.task_id, t.run_id, t.accepted_at, t.preempted_by_tenant, t.preempted_by
            from aged a join tasks t on t.tenant_id = a.tenant_id and t.task_id = a.task_id
            where a.effective_class = v_class and a.overdue = (v_part = 'overdue') and a.on_burst = v_burst and a.waiting_for = 'pool'
              and (t.queue_class < p_victim_class or p_reclaim and not t.on_burst
                or v_fits and t.cpu <= coalesce(p_cpu, t.cpu) and t.memory_gb <= coalesce(p_memory_gb, t.memory_gb))
          )
          select f.* from front f order by f.accepted_at, f.task_id, f.tenant_id
        loop
          continue when held_back(v_task.tenant_id, v_task.run_id, v_task.preempted_by_tenant, v_task.preempted_by, p_now);
          tenant_id := v_task.tenant_id;
          task_id := v_task.task_id;
          effective_class := v_class;
          overdue := v_part = 'overdue';
          on_burst := v_burst;
          share := v_group.share;
          recent := v_group.recent;
          accepted_at := v_task.accepted_at;
          return next;
          v_found := v_found + 1;
          if v_found >= p_max then
            return;
          end if;
        end loop;
      end loop;
    end loop;
  end loop;
end
$$;

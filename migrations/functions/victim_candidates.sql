-- The running tasks that newcomers of p_best_class and worse might preempt, in the order of victims (`victims.ts`): those
-- marked or on burst first, then class by class from the worst, no more than it takes to have p_max. Besides, of the tenants
-- in p_tenants, their own first p_max, whose quota may be asked for. Within their minimum run only for P0 (P1).
-- p_standings: of all tenants that run. A class is read tenant by tenant in the order of victims and no further than to p_max.
-- Returns {tasks, truncated}; a task may come twice.
create function victim_candidates(
  p_policy jsonb, p_best_class integer, p_tenants text[], p_standings tenant_standing[], p_max integer, p_now timestamptz
) returns jsonb
language plpgsql stable as $$
declare
  v_since timestamptz := case when p_best_class = 0 then 'infinity'
    else p_now - make_interval(secs => policy_number(p_policy, 'min_run_seconds')::double precision) end;
  v_streak_max integer := policy_number(p_policy, 'shield_after_preemptions');
  v_over boolean := (
    select coalesce(p.cpu_used > p.cpu, false) or coalesce(p.memory_gb_used > p.memory_gb, false) or coalesce(p.tasks_used > p.tasks, false) from pool p
  );
  v_tenants text[] := '{}';
  v_tasks text[] := '{}';
  v_found_tenants text[];
  v_found_tasks text[];
  v_truncated boolean := false;
  v_part text;
  v_class smallint;
begin
  foreach v_part in array array['first', '3', '2', '1', 'own'] loop
    if v_part = 'first' then
      -- Few at most times: indexes tasks_burst_victims and tasks_first_victims.
      select array_agg(c.tenant_id), array_agg(c.task_id) into v_found_tenants, v_found_tasks
      from (
        select t.tenant_id, t.task_id
        from (
          select b.* from tasks b where b.state = 'running' and b.overridable and (b.burst_cpu > 0 or b.burst_memory_gb > 0)
          union all
          select f.* from tasks f where v_over and f.state = 'running' and f.overridable and f.first_victim and not f.on_burst
        ) t
        join unnest(p_standings) s on s.tenant_id = t.tenant_id
        where t.room_until > p_now and t.running_since <= v_since and t.preemption_streak < v_streak_max and t.queue_class >= greatest(p_best_class, 1)
        order by t.queue_class desc, s.share desc, t.spent_usd_nanos - t.spent_at_checkpoint_usd_nanos, t.running_since desc, t.task_id, t.tenant_id
        limit p_max + 1
      ) c;
    elsif v_part = 'own' then
      continue when p_tenants = '{}';
      select array_agg(c.tenant_id), array_agg(c.task_id) into v_found_tenants, v_found_tasks
      from (
        select t.tenant_id, t.task_id
        from tasks t join unnest(p_standings) s on s.tenant_id = t.tenant_id
        -- Index tasks_victims_of_tenant.
        where t.state = 'running' and t.overridable and t.tenant_id = any (p_tenants) and t.queue_class > p_best_class and t.queue_class > 0
          and t.room_until > p_now and t.running_since <= v_since and t.preemption_streak < v_streak_max
        order by t.queue_class desc, s.share desc, t.spent_usd_nanos - t.spent_at_checkpoint_usd_nanos, t.running_since desc, t.task_id, t.tenant_id
        limit p_max + 1
      ) c;
    else
      v_class := v_part::smallint;
      continue when v_class <= p_best_class or v_truncated;
      select array_agg(c.tenant_id), array_agg(c.task_id) into v_found_tenants, v_found_tasks
      from (
        select t.tenant_id, t.task_id
        from (select u.tenant_id, u.share from unnest(p_standings) u order by u.share desc) s
        cross join lateral (
          -- Index tasks_victims_of_tenant. What a task has spent is in no index, since every cost report would move it there.
          select r.tenant_id, r.task_id, r.spent_usd_nanos - r.spent_at_checkpoint_usd_nanos as work, r.running_since from tasks r
          where r.state = 'running' and r.overridable and r.tenant_id = s.tenant_id and r.queue_class = v_class
            and r.room_until > p_now and r.running_since <= v_since and r.preemption_streak < v_streak_max
            and not r.on_burst and not (v_over and r.first_victim)
        ) t
        order by s.share desc, t.work, t.running_since desc, t.task_id, t.tenant_id
        limit p_max + 1
      ) c;
    end if;
    continue when v_found_tasks is null;
    if cardinality(v_found_tasks) > p_max then
      v_truncated := true;
      v_found_tenants := v_found_tenants[:p_max];
      v_found_tasks := v_found_tasks[:p_max];
    end if;
    v_tenants := v_tenants || v_found_tenants;
    v_tasks := v_tasks || v_found_tasks;
    -- Better classes are not reached before these are used up.
    v_truncated := v_truncated or v_part <> 'own' and cardinality(v_tasks) > p_max;
  end loop;
  return jsonb_build_object('truncated', v_truncated, 'tasks', (
    select coalesce(jsonb_agg(jsonb_build_object(
        'tenantId', t.tenant_id, 'taskId', t.task_id, 'epoch', t.epoch::text, 'class', t.queue_class, 'cpu', t.cpu, 'memoryGb', t.memory_gb,
        'usesBurst', t.on_burst, 'firstVictim', v_over and t.first_victim, 'runningSince', t.running_since, 'preemptionStreak', t.preemption_streak,
        'workSinceCheckpointNanos', (t.spent_usd_nanos - t.spent_at_checkpoint_usd_nanos)::text, 'endsRun', r.live_tasks = 1
      ) order by k.place), '[]')
    from unnest(v_tenants, v_tasks) with ordinality k (tenant_id, task_id, place)
    join tasks t on t.tenant_id = k.tenant_id and t.task_id = k.task_id
    join runs r on r.tenant_id = t.tenant_id and r.run_id = t.run_id
  ));
end
$$;

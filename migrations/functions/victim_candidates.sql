-- The running tasks that newcomers of p_best_class and worse might preempt, in the order of victims (`victims.ts`): those
-- marked or on burst first, then class by class from the worst, no more than it takes to have p_max. Besides, of the tenants
-- in p_tenants, their own first p_max, whose quota may be asked for. Within their minimum run only for P0 (P1).
-- Returns {tasks, truncated}; a task may come twice.
create function victim_candidates(p_policy jsonb, p_best_class integer, p_tenants text[], p_max integer, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_since timestamptz := case when p_best_class = 0 then 'infinity'
    else p_now - make_interval(secs => policy_number(p_policy, 'min_run_seconds')::double precision) end;
  v_streak_max integer := policy_number(p_policy, 'shield_after_preemptions');
  v_over boolean := (
    select coalesce(p.cpu_used > p.cpu, false) or coalesce(p.memory_gb_used > p.memory_gb, false) or coalesce(p.tasks_used > p.tasks, false) from pool p
  );
  v_tasks jsonb := '[]';
  v_found jsonb;
  v_truncated boolean := false;
  v_part text;
begin
  foreach v_part in array array['first', '3', '2', '1', 'own'] loop
    continue when v_part = 'own' and p_tenants = '{}' or v_part in ('3', '2', '1') and (v_part::integer <= p_best_class or v_truncated);
    continue when v_part = 'first' and not exists (
      select 1 from tasks t where t.state = 'running' and t.overridable and (t.burst_cpu > 0 or t.burst_memory_gb > 0)
    ) and not v_over;
    select jsonb_agg(jsonb_build_object(
        'tenantId', c.tenant_id, 'taskId', c.task_id, 'epoch', c.epoch::text, 'class', c.queue_class, 'cpu', c.cpu, 'memoryGb', c.memory_gb,
        'usesBurst', c.on_burst, 'firstVictim', v_over and c.first_victim, 'runningSince', c.running_since, 'preemptionStreak', c.preemption_streak,
        'workSinceCheckpointNanos', (c.spent_usd_nanos - c.spent_at_checkpoint_usd_nanos)::text,
        'endsRun', (select r.live_tasks = 1 from runs r where r.tenant_id = c.tenant_id and r.run_id = c.run_id)
      ) order by c.place)
    into v_found
    from (
      select t.*, row_number() over (
        order by t.queue_class desc, s.share desc, t.spent_usd_nanos - t.spent_at_checkpoint_usd_nanos, t.running_since desc, t.task_id, t.tenant_id
      ) as place
      from tasks t
      join tenant_shares(p_policy, array(select n.tenant_id from tenants n where n.tasks_in_use > 0), p_now) s on s.tenant_id = t.tenant_id
      where t.state = 'running' and t.overridable and t.room_until > p_now and t.running_since <= v_since and t.preemption_streak < v_streak_max
        and t.queue_class between greatest(case v_part when 'first' then p_best_class when 'own' then p_best_class + 1 else v_part::integer end, 1)
          and case when v_part in ('first', 'own') then 3 else v_part::integer end
        and case v_part
          when 'first' then (t.burst_cpu > 0 or t.burst_memory_gb > 0) or v_over and t.first_victim
          when 'own' then t.tenant_id = any (p_tenants)
          else not t.on_burst and not (v_over and t.first_victim)
        end
      order by place
      limit p_max + 1
    ) c;
    continue when v_found is null;
    if jsonb_array_length(v_found) > p_max then
      v_truncated := true;
      v_found := v_found - p_max;
    end if;
    v_tasks := v_tasks || v_found;
    -- Better classes are not reached before these are used up.
    v_truncated := v_truncated or v_part <> 'own' and jsonb_array_length(v_tasks) > p_max;
  end loop;
  return jsonb_build_object('tasks', v_tasks, 'truncated', v_truncated);
end
$$;

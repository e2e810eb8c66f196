-- Where a task stands in the line: {position, aheadInTenant, waitingFor}. Counted line by line (`waiting_lines`), and task by
-- task only within its own line and those that tie with it. A task of a dry run is not in the line; its place is the one
-- that it would get. The order is that of `waiting_heads`.
create function queue_place(p_task tasks, p_dry boolean, p_policy jsonb, p_now timestamptz) returns jsonb
-- One plan for all arguments: see `scheduler_snapshot`.
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_step_seconds double precision := policy_number(p_policy, 'aging_step_seconds');
  v_aging_max integer := policy_number(p_policy, 'aging_tasks_max');
  v_aging boolean := exists (select 1 from tasks t where t.state = 'queued' and t.waiting_since <= p_now - make_interval(secs => v_step_seconds));
begin
  if not p_dry and p_task.state <> 'queued' then
    return null;
  end if;
  return (
    with shares as materialized (
      select s.* from tenant_shares(p_policy, array(select w.tenant_id from waiting_lines w where w.tasks > 0 union select p_task.tenant_id), p_now) s
    ), aged as materialized (
      select a.*, s.share, s.recent
      from shares s cross join lateral aged_of_tenant(s.tenant_id, s.last_start_at, v_step_seconds, v_aging_max, p_now) a
      where v_aging
    ), own as materialized (
      select coalesce(a.effective_class, p_task.queue_class) as class, coalesce(a.overdue, false) as overdue,
        -- A task that is not stored yet has no generated columns.
        p_task.burst_cpu > 0 or p_task.burst_memory_gb > 0 as on_burst, s.share, s.recent
      from shares s left join aged a on a.tenant_id = s.tenant_id and a.task_id = p_task.task_id
      where s.tenant_id = p_task.tenant_id
    ), counted as (
      -- Lines wholly ahead, by their count; of those that tie with it, the tasks accepted before it (index tasks_waiting).
      select l.tenant_id, case
          when (l.queue_class, true, l.on_burst, s.share, s.recent) < (o.class, not o.overdue, o.on_burst, o.share, o.recent) then l.tasks
          -- Counted from the nearer end: a newcomer stands last of its line.
          when p_task.accepted_at >= p_now - interval '1 minute' then l.tasks - (
            select count(*) from tasks t
            where t.state = 'queued' and t.tenant_id = l.tenant_id and t.queue_class = l.queue_class and t.on_burst = l.on_burst
              and t.waiting_for = l.waiting_for and t.accepted_at >= p_task.accepted_at
              and (t.accepted_at, t.task_id, t.tenant_id) >= (p_task.accepted_at, p_task.task_id, p_task.tenant_id)
          )
          else (
            select count(*) from tasks t
            where t.state = 'queued' and t.tenant_id = l.tenant_id and t.queue_class = l.queue_class and t.on_burst = l.on_burst
              and t.waiting_for = l.waiting_for and t.accepted_at <= p_task.accepted_at
              and (t.accepted_at, t.task_id, t.tenant_id) < (p_task.accepted_at, p_task.task_id, p_task.tenant_id)
          )
        end as tasks
      from own o cross join waiting_lines l join shares s on s.tenant_id = l.tenant_id
      where l.tasks > 0
        and (l.queue_class, true, l.on_burst, s.share, s.recent) <= (o.class, not o.overdue, o.on_burst, o.share, o.recent)
      union all
      -- Those that stand ahead of it by aging, and not by their line.
      select a.tenant_id, count(*)
      from own o cross join aged a
      where (a.effective_class, not a.overdue, a.on_burst, a.share, a.recent, a.accepted_at, a.task_id, a.tenant_id)
          < (o.class, not o.overdue, o.on_burst, o.share, o.recent, p_task.accepted_at, p_task.task_id, p_task.tenant_id)
        and (a.queue_class, true, a.on_burst, a.share, a.recent, a.accepted_at, a.task_id, a.tenant_id)
          >= (o.class, not o.overdue, o.on_burst, o.share, o.recent, p_task.accepted_at, p_task.task_id, p_task.tenant_id)
      group by a.tenant_id
    )
    select jsonb_build_object(
      'position', 1 + coalesce(sum(tasks), 0), 'aheadInTenant', coalesce(sum(tasks) filter (where tenant_id = p_task.tenant_id), 0),
      'waitingFor', p_task.waiting_for
    ) from counted
  );
end
$$;

-- Where a task stands in the line: {position, aheadInTenant, waitingFor}. Counted line by line (`waiting_lines`), and task by
-- task only within its own line and those that tie with it. A task of a dry run is not in the line; its place is the one
-- that it would get. The order is that of `waiting_heads`.
create function queue_place(p_task tasks, p_dry boolean, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_class smallint := p_task.queue_class;
  v_overdue boolean := false;
  -- A task that is not stored yet has no generated columns.
  v_burst boolean := p_task.burst_cpu > 0 or p_task.burst_memory_gb > 0;
  v_share record;
  v_place jsonb;
begin
  if not p_dry and p_task.state <> 'queued' then
    return null;
  end if;
  select a.effective_class, a.overdue into v_class, v_overdue
  from aged_tasks(p_policy, array[p_task.tenant_id], p_now) a where a.task_id = p_task.task_id;
  if not found then
    v_class := p_task.queue_class;
    v_overdue := false;
  end if;
  select s.share, s.recent into v_share from tenant_shares(p_policy, array[p_task.tenant_id], p_now) s;
  with shares as materialized (
    select * from tenant_shares(p_policy, null, p_now)
  ), counted as (
    -- Lines wholly ahead, by their count; of those that tie with it, the tasks accepted before it.
    select l.tenant_id, case
        when (l.queue_class, true, l.on_burst, s.share, s.recent) < (v_class, not v_overdue, v_burst, v_share.share, v_share.recent) then l.tasks
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
    from waiting_lines l join shares s on s.tenant_id = l.tenant_id
    where l.tasks > 0
      and (l.queue_class, true, l.on_burst, s.share, s.recent) <= (v_class, not v_overdue, v_burst, v_share.share, v_share.recent)
    union all
    -- Those that stand ahead of it by aging, and not by their line.
    select a.tenant_id, count(*)
    from aged_tasks(p_policy, null, p_now) a join shares s on s.tenant_id = a.tenant_id
    where (a.effective_class, not a.overdue, a.on_burst, s.share, s.recent, a.accepted_at, a.task_id, a.tenant_id)
        < (v_class, not v_overdue, v_burst, v_share.share, v_share.recent, p_task.accepted_at, p_task.task_id, p_task.tenant_id)
      and (a.queue_class, true, a.on_burst, s.share, s.recent, a.accepted_at, a.task_id, a.tenant_id)
        >= (v_class, not v_overdue, v_burst, v_share.share, v_share.recent, p_task.accepted_at, p_task.task_id, p_task.tenant_id)
    group by a.tenant_id
  )
  select jsonb_build_object(
    'position', 1 + coalesce(sum(tasks), 0), 'aheadInTenant', coalesce(sum(tasks) filter (where tenant_id = p_task.tenant_id), 0),
    'waitingFor', p_task.waiting_for
  ) into v_place
  from counted;
  return v_place;
end
$$;

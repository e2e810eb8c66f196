-- Where a task stands in the line: {position, aheadInTenant, waitingFor}, counted from those ahead of it. A task of a
-- dry run is not in the line; its place is the one that it would get.
create function queue_place(p_task tasks, p_dry boolean, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_class integer;
  v_burst boolean := p_task.burst_cpu > 0 or p_task.burst_memory_gb > 0;
  v_share numeric;
  v_place jsonb;
begin
  if not p_dry and p_task.state <> 'queued' then
    return null;
  end if;
  select coalesce(min(a.effective_class), p_task.queue_class) into v_class
  from aged_tasks(p_policy, p_now) a where a.tenant_id = p_task.tenant_id and a.task_id = p_task.task_id;
  select s.share into v_share from tenant_shares(p_now) s where s.tenant_id = p_task.tenant_id;
  with shares as materialized (
    select * from tenant_shares(p_now)
  ), aged as materialized (
    select * from aged_tasks(p_policy, p_now)
  )
  select jsonb_build_object(
    'position', 1 + count(*), 'aheadInTenant', count(*) filter (where t.tenant_id = p_task.tenant_id), 'waitingFor', p_task.waiting_for
  ) into v_place
  from tasks t
  join shares s on s.tenant_id = t.tenant_id
  left join aged a on a.tenant_id = t.tenant_id and a.task_id = t.task_id
  where t.state = 'queued'
    and (coalesce(a.effective_class, t.queue_class), t.burst_cpu > 0 or t.burst_memory_gb > 0, s.share, t.accepted_at, t.task_id, t.tenant_id)
      < (v_class, v_burst, v_share, p_task.accepted_at, p_task.task_id, p_task.tenant_id);
  return v_place;
end
$$;

-- Where a task stands in the line: {position, aheadInTenant, waitingFor}. For a dry run the task is not in the line yet,
-- and its place is counted from those ahead of it.
create function queue_place(p_task tasks, p_dry boolean, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_place jsonb;
  v_share numeric;
begin
  if not p_dry then
    select jsonb_build_object('position', line_position, 'aheadInTenant', ahead_in_tenant, 'waitingFor', waiting_for) into v_place
    from waiting_line(p_policy, p_now) where tenant_id = p_task.tenant_id and task_id = p_task.task_id;
    return v_place;
  end if;
  select greatest(coalesce(n.cpu_in_use / nullif(p.cpu, 0), 0), coalesce(n.memory_gb_in_use / nullif(p.memory_gb, 0), 0)) / n.weight
  into v_share from tenants n cross join pool p where n.tenant_id = p_task.tenant_id;
  select jsonb_build_object(
    'position', 1 + count(*), 'aheadInTenant', count(*) filter (where tenant_id = p_task.tenant_id), 'waitingFor', p_task.waiting_for
  ) into v_place
  from waiting_line(p_policy, p_now) l
  where (l.effective_class, l.uses_burst, l.share, l.accepted_at, l.task_id collate "C", l.tenant_id collate "C")
    < (p_task.queue_class::integer, false, v_share, p_now, p_task.task_id, p_task.tenant_id);
  return v_place;
end
$$;

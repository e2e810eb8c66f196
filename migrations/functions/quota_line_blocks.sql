-- Whether a newcomer that fits its tenant's quota must still wait for it (A16): one of its tenant's that waits for quota stands
-- ahead of it (A10) and either fits quota and room now, or has waited so long that nobody takes quota past it any more (A11).
-- One that lacks nothing but a run does not hold up a further phase of a run that lives.
-- Within a tenant the order is effective class, then overdue, then acceptance, which any newcomer is last in.
create function quota_line_blocks(
  p_tenant tenants, p_class smallint, p_starts_run boolean, p_cpu_room numeric, p_memory_gb_room numeric, p_tasks_room numeric, p_policy jsonb, p_now timestamptz
) returns boolean
-- One plan for all arguments: see `scheduler_snapshot`.
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_patience_ends timestamptz := p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision);
  v_limits jsonb := quota_limits(p_tenant.tenant_id, p_policy);
  v_task tasks;
  v_run runs;
begin
  if not exists (select 1 from waiting_lines l where l.tenant_id = p_tenant.tenant_id and l.waiting_for = 'quota' and l.tasks > 0) then
    return false;
  end if;
  for v_task in
    select t.* from tasks t
    left join aged_tasks(p_policy, array[p_tenant.tenant_id], p_now) a on a.tenant_id = t.tenant_id and a.task_id = t.task_id
    where t.state = 'queued' and t.tenant_id = p_tenant.tenant_id and t.waiting_for = 'quota'
      and (coalesce(a.effective_class, t.queue_class), not coalesce(a.overdue, false)) <= (p_class, true)
    order by coalesce(a.effective_class, t.queue_class), coalesce(a.overdue, false) desc, t.accepted_at, t.task_id
    limit policy_number(p_policy, 'quota_waiters_per_pass_max')::integer
  loop
    if v_task.waiting_since <= v_patience_ends and (
      p_starts_run or p_tenant.cpu_held + v_task.cpu > (v_limits->'cpu'->>'limit')::numeric
      or p_tenant.memory_gb_held + v_task.memory_gb > (v_limits->'memory'->>'limit')::numeric
    ) then
      return true;
    end if;
    if coalesce(p_tasks_room >= 1, true) and v_task.cpu <= coalesce(p_cpu_room, v_task.cpu) and v_task.memory_gb <= coalesce(p_memory_gb_room, v_task.memory_gb) then
      select * into v_run from runs where tenant_id = v_task.tenant_id and run_id = v_task.run_id;
      if not v_run.budget_paused and judge_quota(p_tenant, v_run, v_task, true, p_policy, p_now) is not null then
        return true;
      end if;
    end if;
  end loop;
  return false;
end
$$;

-- Whether a waiting task may start as far as its own side is concerned: it does not wait for its preemptor to start first
-- (P3), its run's budget is not used up (B5), and its quota holds it now if it waits for that (A16).
create function may_start(p_task tasks, p_now timestamptz) returns boolean
language plpgsql stable as $$
declare
  v_run runs;
  v_tenant tenants;
begin
  if p_task.preempted_by is not null and exists (
    select 1 from tasks w
    where w.tenant_id = p_task.preempted_by_tenant and w.task_id = p_task.preempted_by and w.promised
      and (w.promised_until is null or w.promised_until > p_now)
  ) then
    return false;
  end if;
  select * into v_run from runs where tenant_id = p_task.tenant_id and run_id = p_task.run_id;
  if v_run.budget_paused or p_task.waiting_for = 'pool' then
    return not v_run.budget_paused;
  end if;
  select * into v_tenant from tenants where tenant_id = p_task.tenant_id;
  return judge_quota(v_tenant, v_run, p_task.cpu, p_task.memory_gb, p_now);
end
$$;

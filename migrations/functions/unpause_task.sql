-- Puts a paused task back into the line at its old place. It takes its quota again if that fits now; else it waits for
-- it and holds nothing meanwhile. Needs lock_scheduler and the run's lock.
create function unpause_task(p_tenant_id text, p_task_id text, p_policy jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_tenant tenants;
  v_run runs;
  v_task tasks;
  v_fits boolean;
begin
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id for no key update;
  if v_task.state is distinct from 'paused' then
    return;
  end if;
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = v_task.run_id;
  v_fits := judge_quota(v_tenant, v_run, v_task, false, p_policy, p_now) is not null;
  if v_fits then
    perform hold_quota(p_tenant_id, v_task.run_id, p_task_id, v_task.cpu, v_task.memory_gb, false, 'resume', p_policy, p_now);
  end if;
  update tasks set
    state = 'queued', waiting_for = case when v_fits then 'pool' else 'quota' end, waiting_since = p_now, quota_held = v_fits,
    burst_cpu = 0, burst_memory_gb = 0
  where tenant_id = p_tenant_id and task_id = p_task_id;
  update pool set version = version + 1;
end
$$;

-- Takes a task's quota: cpu and memory, and for a run's first live task one run and the run's money (A4, B3).
-- The caller has judged it and holds the tenant's and the run's lock.
create function hold_quota(
  p_tenant_id text, p_run_id text, p_task_id text, p_cpu numeric, p_memory_gb numeric, p_reason text, p_now timestamptz
) returns void
language plpgsql as $$
declare
  v_run runs;
  v_first boolean;
begin
  update runs set live_tasks = live_tasks + 1, ended_at = null where tenant_id = p_tenant_id and run_id = p_run_id
  returning * into v_run;
  v_first := v_run.live_tasks = 1;
  update tenants set
    cpu_held = cpu_held + p_cpu,
    memory_gb_held = memory_gb_held + p_memory_gb,
    runs_held = runs_held + case when v_first then 1 else 0 end,
    cost_held_usd_nanos = cost_held_usd_nanos + case when v_first then v_run.held_usd_nanos else 0 end
  where tenant_id = p_tenant_id;
  insert into tenant_usage (tenant_id, run_id, task_id, kind, cpu, memory_gb, runs, cost_usd_nanos, reason, at)
  values (
    p_tenant_id, p_run_id, p_task_id, 'allocate', p_cpu, p_memory_gb, case when v_first then 1 else 0 end,
    case when v_first then v_run.held_usd_nanos else 0 end, p_reason, p_now
  );
end
$$;

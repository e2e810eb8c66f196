-- Takes a task's quota: cpu and memory, and for a run's first live task one run and the run's money, as a row of `holds` (A4, B3).
-- p_in_room: the task starts at once, so that the hold can expire; else it waits. The caller has judged it and holds the locks of
-- `lock_accounts` and the run's.
create function hold_quota(
  p_tenant_id text, p_run_id text, p_task_id text, p_cpu numeric, p_memory_gb numeric, p_in_room boolean, p_reason text, p_policy jsonb, p_now timestamptz
) returns void
language plpgsql as $$
declare
  v_run runs;
  v_first boolean;
begin
  update runs set live_tasks = live_tasks + 1, ended_at = null, holds_taken = holds_taken + case when live_tasks = 0 then 1 else 0 end
  where tenant_id = p_tenant_id and run_id = p_run_id
  returning * into v_run;
  v_first := v_run.live_tasks = 1;
  update tenants set
    cpu_held = cpu_held + p_cpu,
    memory_gb_held = memory_gb_held + p_memory_gb,
    runs_held = runs_held + case when v_first then 1 else 0 end
  where tenant_id = p_tenant_id;
  if v_first then
    perform move_held(p_tenant_id, v_run.held_usd_nanos);
    insert into holds (tenant_id, run_id, hold_number, org_id, owner_task_id, taken_usd_nanos, taken_reason, taken_at, grace_seconds, expires_at)
    values (
      p_tenant_id, p_run_id, v_run.holds_taken, (select org_id from tenants where tenant_id = p_tenant_id), p_task_id, v_run.held_usd_nanos, p_reason, p_now,
      policy_number(p_policy, 'hold_grace_seconds'),
      case when p_in_room then p_now + make_interval(secs => policy_number(p_policy, 'hold_grace_seconds')::double precision) end
    );
  end if;
  insert into tenant_usage (tenant_id, run_id, task_id, kind, cpu, memory_gb, runs, cost_usd_nanos, reason, at)
  values (
    p_tenant_id, p_run_id, p_task_id, 'allocate', p_cpu, p_memory_gb, case when v_first then 1 else 0 end,
    case when v_first then v_run.held_usd_nanos else 0 end, p_reason, p_now
  );
end
$$;

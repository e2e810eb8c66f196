-- Gives a task's quota back; the run's last live task also gives back its run and what is left of its hold, whose row it closes.
-- p_reason: the state that it went to, 'lapsed' or 'displaced'.
-- The caller holds the tenant's and the run's lock, has seen that the task held quota, and has
-- marked it as holding none. Needs lock_scheduler.
create function release_quota(
  p_tenant_id text, p_run_id text, p_task_id text, p_cpu numeric, p_memory_gb numeric, p_reason text, p_now timestamptz
) returns void
language plpgsql as $$
declare
  v_held_before bigint;
  v_last boolean;
  v_over boolean;
begin
  select held_usd_nanos into v_held_before from runs where tenant_id = p_tenant_id and run_id = p_run_id;
  update runs set live_tasks = live_tasks - 1 where tenant_id = p_tenant_id and run_id = p_run_id
  returning live_tasks = 0 into v_last;
  update tenants set
    cpu_held = cpu_held - p_cpu,
    memory_gb_held = memory_gb_held - p_memory_gb,
    runs_held = runs_held - case when v_last then 1 else 0 end,
    answers_version = answers_version + 1
  where tenant_id = p_tenant_id;
  if v_last then
    perform move_held(p_tenant_id, -v_held_before);
    update holds set released_at = p_now, released_usd_nanos = v_held_before, released_reason = p_reason
    where tenant_id = p_tenant_id and run_id = p_run_id and released_at is null;
  else
    -- It may have been the place in the line that kept the hold without end.
    update holds set expires_at = p_now + make_interval(secs => grace_seconds)
    where tenant_id = p_tenant_id and run_id = p_run_id and released_at is null and expires_at is null;
  end if;
  -- Only a tenant that held more than a limit has marks to give back.
  select exists (
    select 1 from tenants n join tenant_quotas q using (tenant_id)
    where n.tenant_id = p_tenant_id
      and (q.resource = 'cpu' and n.cpu_held + p_cpu > q.limit_value
        or q.resource = 'memory' and n.memory_gb_held + p_memory_gb > q.limit_value)
  ) into v_over;
  if v_over then
    perform mark_burst(p_tenant_id);
  end if;
  insert into tenant_usage (tenant_id, run_id, task_id, kind, cpu, memory_gb, runs, cost_usd_nanos, reason, at)
  values (
    p_tenant_id, p_run_id, p_task_id, 'release', p_cpu, p_memory_gb, case when v_last then 1 else 0 end,
    case when v_last then v_held_before else 0 end, p_reason, p_now
  );
end
$$;

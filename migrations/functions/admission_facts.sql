-- Everything that an admission is judged on, read at one instant and stored with the decision, so that judging the stored
-- facts again gives the same answer (R5). Amounts in vCPU, GB and USD. p_run is null for a new run.
-- p_ask: {taskId, class, cpu, memoryGb, ..}.
create function admission_facts(p_tenant tenants, p_pool pool, p_run runs, p_ask jsonb, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_limits jsonb := quota_limits(p_tenant.tenant_id, p_policy);
  v_room record;
  v_promised record;
  v_cpu numeric := (p_ask->>'cpu')::numeric;
  v_memory_gb numeric := (p_ask->>'memoryGb')::numeric;
  v_fits boolean;
begin
  select * into v_room from pool_room(p_pool, p_now, null, null);
  select * into v_promised from promised_quota(p_tenant.tenant_id, null, p_now);
  v_fits := coalesce(v_room.tasks >= 1, true) and v_cpu <= coalesce(v_room.cpu, v_cpu) and v_memory_gb <= coalesce(v_room.memory_gb, v_memory_gb);
  return jsonb_build_object(
    'tenant', jsonb_build_object(
      'cpuHeld', p_tenant.cpu_held, 'memoryGbHeld', p_tenant.memory_gb_held, 'runsHeld', p_tenant.runs_held,
      'cpuInUse', p_tenant.cpu_in_use, 'memoryGbInUse', p_tenant.memory_gb_in_use,
      'throttledUntil', iso_time(p_tenant.throttled_until), 'weight', p_tenant.weight, 'qualityGate', p_tenant.quality_gate
    ),
    'policy', p_tenant.policy,
    'limits', v_limits,
    'money', money_levels(p_tenant, p_now),
    'promisedQuota', jsonb_build_object('cpu', v_promised.cpu, 'memoryGb', v_promised.memory_gb, 'runs', v_promised.runs),
    'pool', jsonb_build_object(
      'cpu', p_pool.cpu, 'memoryGb', p_pool.memory_gb, 'tasks', p_pool.tasks,
      'cpuUsed', p_pool.cpu_used, 'memoryGbUsed', p_pool.memory_gb_used, 'tasksUsed', p_pool.tasks_used,
      'cpuRoom', v_room.cpu, 'memoryGbRoom', v_room.memory_gb, 'tasksRoom', v_room.tasks, 'version', p_pool.version
    ),
    'lineBlocks', v_fits and line_blocks(
      p_tenant.tenant_id, (p_ask->>'class')::smallint,
      coalesce(p_tenant.cpu_held + v_promised.cpu + v_cpu > (v_limits->'cpu'->>'limit')::numeric, false)
        or coalesce(p_tenant.memory_gb_held + v_promised.memory_gb + v_memory_gb > (v_limits->'memory'->>'limit')::numeric, false),
      p_ask->>'taskId', v_room.cpu, v_room.memory_gb, v_room.tasks, p_policy, p_now
    ),
    'quotaLineBlocks', quota_line_blocks(p_tenant, (p_ask->>'class')::smallint, coalesce(p_run.live_tasks, 0) = 0, v_room.cpu, v_room.memory_gb, v_room.tasks, p_policy, p_now),
    'run', case when p_run.run_id is not null then jsonb_build_object(
      'liveTasks', p_run.live_tasks, 'limitUSD', usd(p_run.limit_usd_nanos), 'spentUSD', usd(p_run.period_spent_usd_nanos),
      'heldUSD', usd(p_run.held_usd_nanos), 'holdStands', p_run.live_tasks > 0 and hold_stands(p_tenant.tenant_id, p_run.run_id, p_now),
      'pausePercent', coalesce(p_run.pause_percent, p_tenant.pause_percent),
      'periodEndsAt', iso_time(p_run.period_ends_at), 'budgetPaused', p_run.budget_paused,
      'closedGate', case when p_tenant.quality_gate <> 'off' then closed_gate(p_tenant.tenant_id, p_run.run_id) end
    ) end
  );
end
$$;

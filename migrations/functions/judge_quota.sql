-- Whether a task that waits for quota fits it now: cpu, memory and concurrent runs, beside what is promised to others, and
-- the money that its run would hold. Returns the burst part {cpu, memoryGb} that it would borrow, both 0 when the limits hold
-- it, with {cpuMark, memoryGbMark}, what of it would be held above the limits at once: a promise is not held yet. Null when it
-- does not fit. p_borrow false: within the limits only.
create function judge_quota(p_tenant tenants, p_run runs, p_task tasks, p_borrow boolean, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_limits jsonb := quota_limits(p_tenant.tenant_id, p_policy);
  v_promised record;
  v_over numeric;
  v_burst_cpu numeric := 0;
  v_burst_memory_gb numeric := 0;
  v_cpu_mark numeric := 0;
  v_memory_gb_mark numeric := 0;
begin
  select * into v_promised from promised_quota(p_tenant.tenant_id, p_task.task_id, p_now);
  if v_limits ? 'cpu' and p_task.cpu > 0 then
    v_over := p_tenant.cpu_held + v_promised.cpu + p_task.cpu - (v_limits->'cpu'->>'limit')::numeric;
    if v_over > (case when p_borrow then (v_limits->'cpu'->>'burst')::numeric else 0 end) then
      return null;
    end if;
    v_burst_cpu := least(greatest(v_over, 0), p_task.cpu);
    v_cpu_mark := least(greatest(v_over - v_promised.cpu, 0), p_task.cpu);
  end if;
  if v_limits ? 'memory' and p_task.memory_gb > 0 then
    v_over := p_tenant.memory_gb_held + v_promised.memory_gb + p_task.memory_gb - (v_limits->'memory'->>'limit')::numeric;
    if v_over > (case when p_borrow then (v_limits->'memory'->>'burst')::numeric else 0 end) then
      return null;
    end if;
    v_burst_memory_gb := least(greatest(v_over, 0), p_task.memory_gb);
    v_memory_gb_mark := least(greatest(v_over - v_promised.memory_gb, 0), p_task.memory_gb);
  end if;
  if v_limits ? 'concurrent_runs' and p_run.live_tasks = 0
    and p_tenant.runs_held + v_promised.runs + 1 > (v_limits->'concurrent_runs'->>'limit')::numeric
  then
    return null;
  end if;
  if not money_fits(p_tenant, p_run, v_limits, p_now) then
    return null;
  end if;
  return jsonb_build_object('cpu', v_burst_cpu, 'memoryGb', v_burst_memory_gb, 'cpuMark', v_cpu_mark, 'memoryGbMark', v_memory_gb_mark);
end
$$;

-- Whether a task that waits for quota fits now: cpu, memory and concurrent runs within the limits (never on burst), and
-- the money that its run would hold.
create function judge_quota(p_tenant tenants, p_run runs, p_cpu numeric, p_memory_gb numeric, p_now timestamptz) returns boolean
language plpgsql stable as $$
declare
  v_quota tenant_quotas;
  v_fits boolean := true;
  v_needed_nanos bigint := case when p_run.live_tasks = 0 then greatest(p_run.limit_usd_nanos - p_run.spent_usd_nanos, 0) else 0 end;
  v_spent_nanos bigint;
begin
  for v_quota in select * from tenant_quotas where tenant_id = p_tenant.tenant_id and limit_value is not null loop
    if v_quota.resource = 'cost' then
      select coalesce(sum(spent_usd_nanos), 0) into v_spent_nanos from tenant_spend
      where tenant_id = p_tenant.tenant_id and (v_quota.period = 'none' or period_start = date_trunc('month', p_now, 'UTC'));
    end if;
    v_fits := v_fits and case v_quota.resource
      when 'cpu' then p_cpu = 0 or p_tenant.cpu_held + p_cpu <= v_quota.limit_value
      when 'memory' then p_memory_gb = 0 or p_tenant.memory_gb_held + p_memory_gb <= v_quota.limit_value
      when 'concurrent_runs' then p_run.live_tasks > 0 or p_tenant.runs_held + 1 <= v_quota.limit_value
      when 'cost' then v_needed_nanos = 0
        or v_spent_nanos + p_tenant.cost_held_usd_nanos + v_needed_nanos <= v_quota.limit_value * 1000000000
          and v_spent_nanos * 100.0 < v_quota.limit_value * 1000000000 * p_tenant.pause_percent
      else true
    end;
  end loop;
  return v_fits;
end
$$;

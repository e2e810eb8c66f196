-- Keeps the burst marks equal to what a tenant holds above its cpu and memory limits (A5, A15). When it holds less than is
-- marked, the tasks accepted first lose their marks first; when a limit was lowered below what is held, the excess is
-- marked on the tasks accepted last, those that may be preempted before the others: they are the first victims.
-- Needs lock_scheduler; takes the locks of the runs whose tasks it marks before theirs.
create function mark_burst(p_tenant_id text) returns void
language plpgsql as $$
declare
  v_cpu numeric;
  v_memory_gb numeric;
begin
  -- How much the marks have to grow or, negative, to shrink.
  select
    greatest(n.cpu_held - coalesce(max(q.limit_value) filter (where q.resource = 'cpu'), n.cpu_held), 0) - m.cpu,
    greatest(n.memory_gb_held - coalesce(max(q.limit_value) filter (where q.resource = 'memory'), n.memory_gb_held), 0) - m.memory_gb
  into v_cpu, v_memory_gb
  from tenants n
  left join tenant_quotas q on q.tenant_id = n.tenant_id
  cross join lateral (
    select coalesce(sum(burst_cpu), 0) as cpu, coalesce(sum(burst_memory_gb), 0) as memory_gb
    from tasks t where t.tenant_id = n.tenant_id and t.quota_held and t.ended_at is null
  ) m
  where n.tenant_id = p_tenant_id
  group by n.tenant_id, m.cpu, m.memory_gb;
  if v_cpu = 0 and v_memory_gb = 0 then
    return;
  end if;
  perform 1 from runs r
  where r.tenant_id = p_tenant_id and r.live_tasks > 0
  order by r.run_id for no key update;
  with held as (
    select task_id, cpu, memory_gb, burst_cpu, burst_memory_gb, accepted_at, overridable
    from tasks where tenant_id = p_tenant_id and quota_held and ended_at is null
  ), placed as (
    select task_id,
      sum(burst_cpu) over oldest - burst_cpu as marked_cpu_before, sum(burst_memory_gb) over oldest - burst_memory_gb as marked_memory_gb_before,
      sum(cpu - burst_cpu) over newest - (cpu - burst_cpu) as free_cpu_before,
      sum(memory_gb - burst_memory_gb) over newest - (memory_gb - burst_memory_gb) as free_memory_gb_before
    from held
    window oldest as (order by accepted_at, task_id), newest as (order by overridable desc, accepted_at desc, task_id desc)
  )
  update tasks t set
    burst_cpu = t.burst_cpu
      - greatest(least(t.burst_cpu, -v_cpu - p.marked_cpu_before), 0)
      + greatest(least(t.cpu - t.burst_cpu, v_cpu - p.free_cpu_before), 0),
    burst_memory_gb = t.burst_memory_gb
      - greatest(least(t.burst_memory_gb, -v_memory_gb - p.marked_memory_gb_before), 0)
      + greatest(least(t.memory_gb - t.burst_memory_gb, v_memory_gb - p.free_memory_gb_before), 0)
  from placed p
  where t.tenant_id = p_tenant_id and t.task_id = p.task_id;
end
$$;

-- Of burst marks: a tenant's tasks are marked for exactly what it holds above its limits (A5). A part of counter_drift.
-- The sum says that marks are wrong, not which task's; mark_burst sets them.
create function drift_in_burst_marks(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select 'burst_marks', jsonb_build_object('tenant_id', t.tenant_id), null::text, c.counter,
    trim_scale(c.marked)::text, trim_scale(c.over_limit)::text
  from (
    select tenant_id, sum(cpu) as cpu, sum(memory_gb) as memory_gb, sum(burst_cpu) as burst_cpu, sum(burst_memory_gb) as burst_memory_gb
    from tasks
    where holds_quota(state, waiting_for) and (p_tenants is null or tenant_id = any (p_tenants))
    group by tenant_id
  ) t
  left join tenant_quotas q_cpu on q_cpu.tenant_id = t.tenant_id and q_cpu.resource = 'cpu'
  left join tenant_quotas q_memory on q_memory.tenant_id = t.tenant_id and q_memory.resource = 'memory'
  cross join lateral (values
    -- Without a limit nothing is above it.
    ('burst_cpu', t.burst_cpu, greatest(t.cpu - coalesce(q_cpu.limit_value, t.cpu), 0)),
    ('burst_memory_gb', t.burst_memory_gb, greatest(t.memory_gb - coalesce(q_memory.limit_value, t.memory_gb), 0))
  ) c (counter, marked, over_limit)
  where c.marked <> c.over_limit
$$;

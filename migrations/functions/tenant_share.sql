-- A tenant's weighted share of the pool in use, which orders the line (A10): the larger of its cpu and memory shares,
-- over its weight; 0 where the pool has no bound. A lapsed lease does not count, swept or not (A12).
create function tenant_share(p_tenant tenants, p_pool pool, p_now timestamptz) returns numeric
language sql stable parallel safe as $$
  select greatest(
    coalesce((p_tenant.cpu_in_use - l.cpu) / nullif(p_pool.cpu, 0), 0),
    coalesce((p_tenant.memory_gb_in_use - l.memory_gb) / nullif(p_pool.memory_gb, 0), 0)
  ) / p_tenant.weight
  from (
    select coalesce(sum(t.cpu), 0) as cpu, coalesce(sum(t.memory_gb), 0) as memory_gb
    from tasks t where t.room_until <= p_now and t.tenant_id = p_tenant.tenant_id
  ) l
$$;

-- A tenant's weighted share of the pool in use, which orders the line (A10): the larger of its cpu and memory shares,
-- over its weight; 0 where the pool has no bound.
create function tenant_share(p_tenant tenants, p_pool pool) returns numeric
language sql immutable parallel safe as $$
  select greatest(
    coalesce(p_tenant.cpu_in_use / nullif(p_pool.cpu, 0), 0), coalesce(p_tenant.memory_gb_in_use / nullif(p_pool.memory_gb, 0), 0)
  ) / p_tenant.weight
$$;

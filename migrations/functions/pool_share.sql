-- The largest share of the pool that an amount takes; 0 where the pool has no bound.
create function pool_share(p_pool pool, p_cpu numeric, p_memory_gb numeric, p_tasks numeric) returns double precision
language sql immutable parallel safe as $$
  select greatest(
    coalesce(p_cpu::double precision / nullif(p_pool.cpu, 0)::double precision, 0),
    coalesce(p_memory_gb::double precision / nullif(p_pool.memory_gb, 0)::double precision, 0),
    coalesce(p_tasks::double precision / nullif(p_pool.tasks, 0)::double precision, 0)
  )
$$;

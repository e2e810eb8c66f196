-- Adds to (or, negative, takes from) the pool room in use, and moves the plan version on. Needs lock_scheduler.
create function move_room(p_tenant_id text, p_cpu numeric, p_memory_gb numeric) returns void
language plpgsql as $$
begin
  update pool set cpu_used = cpu_used + p_cpu, memory_gb_used = memory_gb_used + p_memory_gb, version = version + 1;
  update tenants set cpu_in_use = cpu_in_use + p_cpu, memory_gb_in_use = memory_gb_in_use + p_memory_gb
  where tenant_id = p_tenant_id;
end
$$;

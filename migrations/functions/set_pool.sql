-- Sets the pool's capacity; null = no bound. A smaller pool stops new work and kills nothing (A15).
create function set_pool(p_cpu numeric, p_memory_gb numeric, p_now timestamptz) returns void
language plpgsql as $$
begin
  perform lock_scheduler('{}');
  update pool set cpu = p_cpu, memory_gb = p_memory_gb, version = version + 1;
end
$$;

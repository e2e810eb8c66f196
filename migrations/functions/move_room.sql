-- Adds a task to (p_sign 1) or takes it from (-1) the pool room in use, and moves the plan version on. Also keeps the
-- tenant's recent use (A10): the share it had in use since the last change is summed, decaying by half every
-- `recent_half_life_seconds`, and every start is charged `entry_charge_seconds` of its share at once, so that a stream of
-- tasks too short to be seen in use is not free. Needs lock_scheduler.
create function move_room(p_tenant_id text, p_cpu numeric, p_memory_gb numeric, p_sign integer, p_policy jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_pool pool;
  v_decay double precision := ln(2) / policy_number(p_policy, 'recent_half_life_seconds')::double precision;
begin
  update pool set
    cpu_used = cpu_used + p_sign * p_cpu, memory_gb_used = memory_gb_used + p_sign * p_memory_gb,
    tasks_used = tasks_used + p_sign, version = version + 1
  returning * into v_pool;
  update tenants n set
    recent_share_seconds = n.recent_share_seconds * d.kept
      + pool_share(v_pool, n.cpu_in_use, n.memory_gb_in_use, n.tasks_in_use) * (1 - d.kept) / v_decay
      + case when p_sign > 0 then pool_share(v_pool, p_cpu, p_memory_gb, 1) * policy_number(p_policy, 'entry_charge_seconds')::double precision else 0 end,
    recent_at = greatest(n.recent_at, p_now),
    last_start_at = case when p_sign > 0 then greatest(n.last_start_at, p_now) else n.last_start_at end,
    cpu_in_use = n.cpu_in_use + p_sign * p_cpu, memory_gb_in_use = n.memory_gb_in_use + p_sign * p_memory_gb,
    tasks_in_use = n.tasks_in_use + p_sign
  from (
    select exp(-least(v_decay * greatest(extract(epoch from p_now - coalesce(t.recent_at, p_now))::double precision, 0), 700)) as kept
    from tenants t where t.tenant_id = p_tenant_id
  ) d
  where n.tenant_id = p_tenant_id;
end
$$;

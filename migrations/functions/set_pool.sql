-- Sets the pool's capacity; null = no bound. A smaller pool stops new work, kills nothing by itself, and marks what is in
-- use above it as first victims (A15): overridable tasks in the order of victims (`victims.ts`), until they cover the excess.
create function set_pool(p_cpu numeric, p_memory_gb numeric, p_tasks integer, p_policy jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_pool pool;
begin
  perform lock_scheduler('{}');
  update pool set cpu = p_cpu, memory_gb = p_memory_gb, tasks = p_tasks, version = version + 1 returning * into v_pool;
  update tasks set first_victim = false where first_victim;
  if v_pool.cpu_used <= coalesce(v_pool.cpu, v_pool.cpu_used) and v_pool.memory_gb_used <= coalesce(v_pool.memory_gb, v_pool.memory_gb_used)
    and v_pool.tasks_used <= coalesce(v_pool.tasks, v_pool.tasks_used)
  then
    return;
  end if;
  update tasks t set first_victim = true
  from (
    select r.tenant_id, r.task_id,
      sum(r.cpu) over w - r.cpu as cpu_before, sum(r.memory_gb) over w - r.memory_gb as memory_gb_before, count(*) over w - 1 as tasks_before
    from tasks r
    join tenant_shares(p_policy, array(select n.tenant_id from tenants n where n.tasks_in_use > 0), p_now) s on s.tenant_id = r.tenant_id
    where r.state in ('granted', 'running') and r.overridable and r.queue_class > 0 and r.room_until > p_now
    window w as (
      order by r.on_burst desc, r.queue_class desc, s.share desc, r.spent_usd_nanos - r.spent_at_checkpoint_usd_nanos, r.running_since desc nulls first,
        r.task_id, r.tenant_id
    )
  ) v
  where t.tenant_id = v.tenant_id and t.task_id = v.task_id
    and (v.cpu_before < v_pool.cpu_used - v_pool.cpu or v.memory_gb_before < v_pool.memory_gb_used - v_pool.memory_gb
      or v.tasks_before < v_pool.tasks_used - v_pool.tasks);
end
$$;

-- Whether a newcomer that fits the free room must still wait behind the line (A11): somebody ahead of it fits that room
-- too and will be granted it, or the head has waited so long that nothing may pass any more.
create function line_blocks(
  p_tenant tenants, p_pool pool, p_ask jsonb, p_room_cpu numeric, p_room_memory_gb numeric, p_policy jsonb, p_now timestamptz
) returns boolean
language plpgsql stable as $$
declare
  v_patience_ends timestamptz := p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision);
  v_class integer := (p_ask->>'class')::integer;
  v_task_id text := p_ask->>'taskId';
  v_share numeric := (select s.share from tenant_shares(p_now) s where s.tenant_id = p_tenant.tenant_id);
  v_head record;
begin
  if exists (
    select 1 from tasks t
    join tenant_shares(p_now) s on s.tenant_id = t.tenant_id
    left join aged_tasks(p_policy, p_now) a on a.tenant_id = t.tenant_id and a.task_id = t.task_id
    where t.state = 'queued' and t.waiting_for = 'pool'
      and t.cpu <= coalesce(p_room_cpu, t.cpu) and t.memory_gb <= coalesce(p_room_memory_gb, t.memory_gb)
      and (coalesce(a.effective_class, t.queue_class), t.burst_cpu > 0 or t.burst_memory_gb > 0, s.share, t.accepted_at, t.task_id)
        < (v_class, false, v_share, p_now, v_task_id collate "C")
      and not (t.preempted_by is not null and exists (
        select 1 from tasks w
        where w.tenant_id = t.preempted_by_tenant and w.task_id = t.preempted_by and w.promised
          and (w.promised_until is null or w.promised_until > p_now)
      ))
  ) then
    return true;
  end if;
  if not exists (select 1 from tasks where state = 'queued' and waiting_for = 'pool' and waiting_since <= v_patience_ends) then
    return false;
  end if;
  select h.* into v_head from waiting_heads(p_policy, 200, p_now) h
  where h.waiting_for = 'pool'
    -- One that a smaller pool can no longer hold keeps nobody waiting.
    and h.cpu <= coalesce(p_pool.cpu, h.cpu) and h.memory_gb <= coalesce(p_pool.memory_gb, h.memory_gb)
  order by h.line_position limit 1;
  return found and v_head.waiting_since <= v_patience_ends
    and (v_head.effective_class, v_head.uses_burst, v_head.share, v_head.accepted_at, v_head.task_id)
      < (v_class, false, v_share, p_now, v_task_id collate "C");
end
$$;

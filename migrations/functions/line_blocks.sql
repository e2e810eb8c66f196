-- Whether a newcomer that fits the free room must still wait behind the line (A11): somebody ahead of it fits that room
-- too and will be granted it, or the head has waited so long that nothing may pass any more.
create function line_blocks(
  p_tenant tenants, p_pool pool, p_ask jsonb, p_room_cpu numeric, p_room_memory_gb numeric, p_policy jsonb, p_now timestamptz
) returns boolean
language plpgsql stable as $$
declare
  v_share numeric;
begin
  if not exists (select 1 from tasks where state = 'queued' and waiting_for = 'pool') then
    return false;
  end if;
  v_share := greatest(
    coalesce(p_tenant.cpu_in_use / nullif(p_pool.cpu, 0), 0), coalesce(p_tenant.memory_gb_in_use / nullif(p_pool.memory_gb, 0), 0)
  ) / p_tenant.weight;
  return exists (
    select 1 from (
      select l.*, row_number() over (order by l.line_position) as ahead
      from waiting_line(p_policy, p_now) l
      where l.waiting_for = 'pool' and not l.held_back
    ) l
    where (l.effective_class, l.uses_burst, l.share, l.accepted_at, l.task_id collate "C")
        < ((p_ask->>'class')::integer, false, v_share, p_now, p_ask->>'taskId')
      and (
        (l.cpu <= coalesce(p_room_cpu, l.cpu) and l.memory_gb <= coalesce(p_room_memory_gb, l.memory_gb))
        or (l.ahead = 1 and l.waiting_since <= p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision))
      )
  );
end
$$;

-- Whether a newcomer that fits the free room must still wait behind the line (A11): somebody ahead of it fits that room
-- too and will be granted it, or the head has waited so long that nothing may pass any more.
create function line_blocks(
  p_tenant_id text, p_class smallint, p_task_id text, p_cpu numeric, p_memory_gb numeric, p_tasks numeric, p_policy jsonb, p_now timestamptz
) returns boolean
language plpgsql stable as $$
declare
  v_share record;
  v_head record;
begin
  if not exists (select 1 from waiting_lines l where l.tasks > 0) then
    return false;
  end if;
  select s.share, s.recent into v_share from tenant_shares(p_policy, array[p_tenant_id], p_now) s;
  -- First whether anything fits at all, by an index on sizes: mostly nothing does, or it would have been granted.
  if exists (
    select 1 from tasks t
    where t.state = 'queued' and t.waiting_for = 'pool'
      and t.cpu <= coalesce(p_cpu, 'Infinity') and t.memory_gb <= coalesce(p_memory_gb, 'Infinity')
  ) then
    select h.* into v_head from waiting_heads(p_policy, 3, true, p_cpu, p_memory_gb, p_tasks, -1, false, p_now) h
    join tasks t on t.tenant_id = h.tenant_id and t.task_id = h.task_id
    -- A promise is room of its own.
    where not t.promised
    order by h.effective_class, h.overdue desc, h.on_burst, h.share, h.recent, h.accepted_at, h.task_id, h.tenant_id
    limit 1;
    if found and (v_head.effective_class, not v_head.overdue, v_head.on_burst, v_head.share, v_head.recent, v_head.accepted_at, v_head.task_id)
      < (p_class, true, false, v_share.share, v_share.recent, p_now, p_task_id collate "C")
    then
      return true;
    end if;
  end if;
  if not exists (
    select 1 from tasks
    where state = 'queued' and waiting_since <= p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision)
  ) then
    return false;
  end if;
  select h.* into v_head from line_head(p_policy, 1, p_now) h;
  return found and v_head.waiting_since <= p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision)
    and (v_head.effective_class, not v_head.overdue, v_head.on_burst, v_head.share, v_head.recent, v_head.accepted_at, v_head.task_id)
      < (p_class, true, false, v_share.share, v_share.recent, p_now, p_task_id collate "C");
end
$$;

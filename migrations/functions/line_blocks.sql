-- Whether a newcomer that fits the free room must still wait behind the line (A11): somebody ahead of it fits that room
-- too and will be granted it, or the head has waited so long that nothing may pass any more.
create function line_blocks(
  p_tenant_id text, p_class smallint, p_on_burst boolean, p_task_id text, p_cpu numeric, p_memory_gb numeric, p_tasks numeric, p_policy jsonb, p_now timestamptz
) returns boolean
-- One plan for all arguments: see `scheduler_snapshot`.
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_standings tenant_standing[];
  v_share tenant_standing;
  v_head line_place;
begin
  if not exists (select 1 from waiting_lines l where l.tasks > 0) then
    return false;
  end if;
  v_standings := array(
    select s from tenant_shares(p_policy, array(select l.tenant_id from waiting_lines l where l.tasks > 0 union select p_tenant_id), p_now) s
  );
  select * into v_share from unnest(v_standings) s where s.tenant_id = p_tenant_id;
  -- First whether anything fits at all, by an index on sizes: mostly nothing does, or it would have been granted.
  if exists (
    select 1 from tasks t
    where t.state = 'queued' and t.waiting_for = 'pool'
      and t.cpu <= coalesce(p_cpu, 'Infinity') and t.memory_gb <= coalesce(p_memory_gb, 'Infinity')
  ) then
    select h.* into v_head from waiting_heads(p_policy, 3, v_standings, true, p_cpu, p_memory_gb, p_tasks, -1, false, p_now) h
    join tasks t on t.tenant_id = h.tenant_id and t.task_id = h.task_id
    -- A promise is room of its own.
    where not t.promised
    order by h.effective_class, h.overdue desc, h.on_burst, h.share, h.recent, h.accepted_at, h.task_id, h.tenant_id
    limit 1;
    if found and (v_head.effective_class, not v_head.overdue, v_head.on_burst, v_head.share, v_head.recent, v_head.accepted_at, v_head.task_id)
      < (p_class, true, p_on_burst, v_share.share, v_share.recent, p_now, p_task_id collate "C")
    then
      return true;
    end if;
  end if;
  -- So may those who wait for quota, once it is there; who would have to borrow stands behind its class (A16).
  if exists (select 1 from waiting_lines l where l.waiting_for = 'quota' and l.tasks > 0) and exists (
    select 1 from quota_heads(p_policy, 20, v_standings, p_cpu, p_memory_gb, p_tasks, -1, false, p_now) q0 cross join lateral (select (q0.place).*) h
    join tasks t on t.tenant_id = h.tenant_id and t.task_id = h.task_id
    join runs r on r.tenant_id = t.tenant_id and r.run_id = t.run_id
    join tenants n on n.tenant_id = t.tenant_id
    cross join lateral judge_quota(n, r, t, true, p_policy, p_now) q (burst)
    where not t.promised and q.burst is not null
      and t.cpu <= coalesce(p_cpu, t.cpu) and t.memory_gb <= coalesce(p_memory_gb, t.memory_gb) and coalesce(p_tasks >= 1, true)
      and (h.effective_class, not h.overdue, (q.burst->>'cpu')::numeric > 0 or (q.burst->>'memoryGb')::numeric > 0, h.share, h.recent, h.accepted_at, h.task_id)
        < (p_class, true, p_on_burst, v_share.share, v_share.recent, p_now, p_task_id collate "C")
  ) then
    return true;
  end if;
  if not exists (
    select 1 from tasks
    where state = 'queued' and waiting_since <= p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision)
  ) then
    return false;
  end if;
  select h.* into v_head from line_head(p_policy, 1, v_standings, p_now) h;
  return found and (select t.waiting_since <= p_now - make_interval(secs => policy_number(p_policy, 'backfill_wait_seconds')::double precision)
      from tasks t where t.tenant_id = v_head.tenant_id and t.task_id = v_head.task_id)
    and (v_head.effective_class, not v_head.overdue, v_head.on_burst, v_head.share, v_head.recent, v_head.accepted_at, v_head.task_id)
      < (p_class, true, p_on_burst, v_share.share, v_share.recent, p_now, p_task_id collate "C");
end
$$;

-- The first p_max of the waiting line that may start, whose quota holds them, that has no promise and fits the empty pool: nothing
-- passes it once it has waited long enough (A11). One that a smaller pool can no longer hold keeps nobody waiting (A15), nor
-- does a promised one, whose room is its own.
create function line_head(p_policy jsonb, p_max integer, p_standings tenant_standing[], p_now timestamptz) returns setof line_place
language plpgsql stable rows 5 as $$
declare
  v_pool pool := (select p from pool p);
begin
  return query
  select h.*
  from (
    select w.* from waiting_heads(p_policy, p_max + 2, p_standings, true, v_pool.cpu, v_pool.memory_gb, v_pool.tasks, -1, false, p_now) w
    union all
    select (q.place).*
    from quota_heads(p_policy, p_max, p_standings, v_pool.cpu, v_pool.memory_gb, v_pool.tasks, -1, false, p_now) q
    join tenants n on n.tenant_id = (q.place).tenant_id
    join tasks w on w.tenant_id = (q.place).tenant_id and w.task_id = (q.place).task_id
    join runs r on r.tenant_id = w.tenant_id and r.run_id = w.run_id
    -- Who would have to borrow keeps no room: what is borrowed is idle (A5).
    where q.quota_fits and judge_quota(n, r, w, false, p_policy, p_now) is not null
  ) h
  join tasks t on t.tenant_id = h.tenant_id and t.task_id = h.task_id
  where not t.promised
  order by h.effective_class, h.overdue desc, h.on_burst, h.share, h.recent, h.accepted_at, h.task_id, h.tenant_id
  limit p_max;
end
$$;

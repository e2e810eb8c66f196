-- The waiting tasks that hold a promise (P3), with the keys of the line's order (see `waiting_heads`): they are few, and have
-- room of their own wherever they stand.
create function promised_heads(p_policy jsonb, p_standings tenant_standing[], p_now timestamptz) returns setof line_place
language plpgsql stable rows 5 as $$
declare
  v_tenants text[] := array(select distinct t.tenant_id from tasks t where t.promised);
begin
  if v_tenants = '{}' then
    return;
  end if;
  return query
  select t.tenant_id, t.task_id, coalesce(a.effective_class, t.queue_class), coalesce(a.overdue, false), t.on_burst, s.share, s.recent, t.accepted_at
  from tasks t
  join unnest(p_standings) s on s.tenant_id = t.tenant_id
  left join aged_tasks(p_policy, v_tenants, p_now) a on a.tenant_id = t.tenant_id and a.task_id = t.task_id
  where t.promised and not held_back(t.tenant_id, t.run_id, t.preempted_by_tenant, t.preempted_by, t.preempted_for_promise, p_now);
end
$$;

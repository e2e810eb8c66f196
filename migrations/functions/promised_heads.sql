-- The waiting tasks that hold a promise (P3), with the keys of the line's order (see `waiting_heads`): they are few, and have
-- room of their own wherever they stand.
create function promised_heads(p_policy jsonb, p_now timestamptz)
returns table (
  tenant_id text, task_id text, effective_class smallint, overdue boolean, on_burst boolean, share double precision,
  recent double precision, accepted_at timestamptz
)
language plpgsql stable rows 5 as $$
#variable_conflict use_column
declare
  v_tenants text[] := array(select distinct t.tenant_id from tasks t where t.promised);
begin
  if v_tenants = '{}' then
    return;
  end if;
  return query
  select t.tenant_id, t.task_id, coalesce(a.effective_class, t.queue_class), coalesce(a.overdue, false), t.on_burst, s.share, s.recent, t.accepted_at
  from tasks t
  join tenant_shares(p_policy, v_tenants, p_now) s on s.tenant_id = t.tenant_id
  left join aged_tasks(p_policy, v_tenants, p_now) a on a.tenant_id = t.tenant_id and a.task_id = t.task_id
  where t.promised and not held_back(t.tenant_id, t.run_id, t.preempted_by_tenant, t.preempted_by, p_now);
end
$$;

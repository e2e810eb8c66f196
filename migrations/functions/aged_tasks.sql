-- The waiting tasks that stand elsewhere than their line does (A10): raised one step per aging step waited, never into P0,
-- and only among each tenant's oldest few waiting tasks. A tenant's very oldest is overdue, ahead of everything else in P1,
-- once it has stood in P1 for a further step while nothing of its tenant has started for one: so a tenant that has more than
-- its share in use, and would come last in P1 for ever, starts one task per step all the same.
-- p_tenants null: of all that wait.
-- The line they come from stays theirs for counting: `queue_class`, `on_burst` and `waiting_for`.
create function aged_tasks(p_policy jsonb, p_tenants text[], p_now timestamptz)
returns table (
  tenant_id text, task_id text, run_id text, queue_class smallint, on_burst boolean, waiting_for text, accepted_at timestamptz,
  waiting_since timestamptz, effective_class smallint, overdue boolean
)
language plpgsql stable rows 1000 as $$
#variable_conflict use_column
declare
  v_step_seconds double precision := policy_number(p_policy, 'aging_step_seconds');
  v_step interval := make_interval(secs => v_step_seconds);
  v_tasks_max integer := policy_number(p_policy, 'aging_tasks_max');
begin
  if p_tenants = '{}' or not exists (select 1 from tasks t where t.state = 'queued' and t.waiting_since <= p_now - v_step) then
    return;
  end if;
  return query
  select t.tenant_id, t.task_id, t.run_id, t.queue_class, t.on_burst, t.waiting_for, t.accepted_at, t.waiting_since,
    greatest(least(1, t.queue_class), t.queue_class - floor(extract(epoch from p_now - t.waiting_since)::double precision / v_step_seconds))::smallint,
    o.overdue
  from (
    select distinct l.tenant_id from waiting_lines l where p_tenants is null and l.tasks > 0
    union all select u from unnest(p_tenants) u
  ) w
  join tenants n on n.tenant_id = w.tenant_id
  cross join lateral (
    select q.tenant_id, q.task_id, q.run_id, q.queue_class, q.on_burst, q.waiting_for, q.accepted_at, q.waiting_since,
      row_number() over (order by q.accepted_at, q.task_id) as place
    from tasks q
    where q.state = 'queued' and q.tenant_id = n.tenant_id
    order by q.accepted_at, q.task_id
    limit v_tasks_max
  ) t
  cross join lateral (
    select t.place = 1 and t.waiting_since <= p_now - t.queue_class * v_step and coalesce(n.last_start_at <= p_now - v_step, true) as overdue
  ) o
  where t.queue_class > 0 and t.waiting_since <= p_now - v_step and (t.queue_class > 1 or o.overdue);
end
$$;

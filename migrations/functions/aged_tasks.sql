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
  v_tasks_max integer := policy_number(p_policy, 'aging_tasks_max');
begin
  if p_tenants = '{}' or not exists (select 1 from tasks t where t.state = 'queued' and t.waiting_since <= p_now - make_interval(secs => v_step_seconds)) then
    return;
  end if;
  return query
  select a.* from (
    select distinct l.tenant_id from waiting_lines l where p_tenants is null and l.tasks > 0
    union all select u from unnest(p_tenants) u
  ) w
  join tenants n on n.tenant_id = w.tenant_id
  cross join lateral aged_of_tenant(n.tenant_id, n.last_start_at, v_step_seconds, v_tasks_max, p_now) a;
end
$$;

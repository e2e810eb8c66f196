-- The waiting tasks whose effective class is above that of their queue (A10): raised one step per aging step waited,
-- never into P0, and only among each tenant's oldest few waiting tasks.
create function aged_tasks(p_policy jsonb, p_now timestamptz)
returns table (tenant_id text, task_id text, effective_class integer)
language plpgsql stable rows 20 as $$
#variable_conflict use_column
declare
  v_step_seconds double precision := policy_number(p_policy, 'aging_step_seconds');
  v_tasks_max integer := policy_number(p_policy, 'aging_tasks_max');
begin
  return query
  select t.tenant_id, t.task_id,
    greatest(1, t.queue_class - floor(extract(epoch from p_now - t.waiting_since)::double precision / v_step_seconds))::integer
  from tenants n
  cross join lateral (
    select w.* from tasks w
    where w.state = 'queued' and w.tenant_id = n.tenant_id
    order by w.accepted_at, w.task_id
    limit v_tasks_max
  ) t
  where t.queue_class > 1 and t.waiting_since <= p_now - make_interval(secs => v_step_seconds);
end
$$;

-- A tenant's waiting tasks that stand elsewhere than their line does, as `aged_tasks` says. In plain SQL, so that it becomes a part
-- of the statement that asks: 5 rows by index tasks_waiting_of_tenant, with no call of a function for each tenant.
create function aged_of_tenant(
  p_tenant_id text, p_last_start_at timestamptz, p_step_seconds double precision, p_tasks_max integer, p_now timestamptz
)
returns table (
  tenant_id text, task_id text, run_id text, queue_class smallint, on_burst boolean, waiting_for text, accepted_at timestamptz,
  waiting_since timestamptz, effective_class smallint, overdue boolean
)
language sql stable rows 5 as $$
  select t.tenant_id, t.task_id, t.run_id, t.queue_class, t.on_burst, t.waiting_for, t.accepted_at, t.waiting_since,
    greatest(least(1, t.queue_class), t.queue_class - floor(t.waited_seconds / p_step_seconds))::smallint,
    t.place = 1 and t.waited_seconds >= t.queue_class * p_step_seconds and coalesce(p_last_start_at <= p_now - make_interval(secs => p_step_seconds), true)
  from (
    select q.tenant_id, q.task_id, q.run_id, q.queue_class, q.on_burst, q.waiting_for, q.accepted_at, q.waiting_since,
      row_number() over (order by q.accepted_at, q.task_id) as place,
      extract(epoch from p_now - q.waiting_since)::double precision as waited_seconds
    from tasks q
    where q.tenant_id = p_tenant_id and q.state = 'queued'
    order by q.accepted_at, q.task_id
    limit p_tasks_max
  ) t
  where t.queue_class > 0 and t.waited_seconds >= p_step_seconds
    and (t.queue_class > 1 or t.place = 1 and coalesce(p_last_start_at <= p_now - make_interval(secs => p_step_seconds), true))
$$;

-- Of tasks: their part of the ledger, whether they hold quota by their state, and promises kept for nobody's room.
-- A part of counter_drift.
create function drift_in_tasks(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select 'tasks', jsonb_build_object('tenant_id', t.tenant_id, 'task_id', t.task_id, 'run_id', t.run_id), null::text,
    c.counter, c.stored, c.derived
  from tasks t
  left join (
    select tenant_id, task_id, sum(cost_usd_nanos) as spent from cost_events
    where task_id is not null and (p_tenants is null or tenant_id = any (p_tenants))
    group by tenant_id, task_id
  ) l using (tenant_id, task_id)
  cross join lateral (values
    ('spent_usd_nanos', t.spent_usd_nanos::text, coalesce(l.spent, 0)::text),
    ('quota_held', t.quota_held::text, holds_quota(t.state, t.waiting_for)::text),
    -- A promise without an end waits for its victims to leave (P3): with none on the way out it would last for ever.
    ('promised', t.promised::text, (t.promised and (t.promised_until is not null or exists (
      select 1 from tasks v
      where v.state = 'preempting' and v.preempted_by_tenant = t.tenant_id and v.preempted_by = t.task_id
        and v.preempted_for_promise = t.promises
    )))::text)
  ) c (counter, stored, derived)
  where (p_tenants is null or t.tenant_id = any (p_tenants)) and c.stored <> c.derived
$$;

-- Of waiting_lines: each line has as many tasks as wait in it. A part of counter_drift.
create function drift_in_lines(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select 'waiting_lines',
    jsonb_build_object('tenant_id', tenant_id, 'queue_class', queue_class, 'on_burst', on_burst, 'waiting_for', waiting_for),
    format('P%s for %s%s', queue_class, waiting_for, case when on_burst then ' on burst' else '' end),
    'tasks', sum(stored)::text, sum(derived)::text
  from (
    select tenant_id, queue_class, on_burst, waiting_for, tasks, 0 from waiting_lines
    union all
    select tenant_id, queue_class, on_burst, waiting_for, 0, 1 from tasks where state = 'queued'
  ) both_sides (tenant_id, queue_class, on_burst, waiting_for, stored, derived)
  where p_tenants is null or tenant_id = any (p_tenants)
  group by tenant_id, queue_class, on_burst, waiting_for
  having sum(stored) <> sum(derived)
$$;

-- Of tenant_usage: what was allocated to a run and not released is what its tasks hold (A4). A part of counter_drift.
create function drift_in_usage(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  with booked as (
    select tenant_id, run_id, sum(sign * cpu) as cpu, sum(sign * memory_gb) as memory_gb, sum(sign * runs) as runs
    from tenant_usage cross join lateral (values (case kind when 'allocate' then 1 else -1 end)) s (sign)
    where p_tenants is null or tenant_id = any (p_tenants)
    group by tenant_id, run_id
  ), held as (
    select tenant_id, run_id, sum(cpu) as cpu, sum(memory_gb) as memory_gb, 1 as runs
    from tasks
    where holds_quota(state, waiting_for) and (p_tenants is null or tenant_id = any (p_tenants))
    group by tenant_id, run_id
  )
  select 'tenant_usage', jsonb_build_object('tenant_id', tenant_id, 'run_id', run_id), null::text, c.counter,
    trim_scale(c.stored)::text, trim_scale(c.derived)::text
  from booked b full join held h using (tenant_id, run_id)
  cross join lateral (values
    ('cpu', coalesce(b.cpu, 0), coalesce(h.cpu, 0)),
    ('memory_gb', coalesce(b.memory_gb, 0), coalesce(h.memory_gb, 0)),
    ('runs', coalesce(b.runs, 0), coalesce(h.runs, 0))
  ) c (counter, stored, derived)
  where c.stored <> c.derived
$$;

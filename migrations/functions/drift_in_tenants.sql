-- Of tenants: what they hold of quota and money, what they have in the pool, and the number of their last event without a run.
-- A part of counter_drift.
create function drift_in_tenants(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  with live_runs as (
    select tenant_id, run_id, sum(cpu) as cpu, sum(memory_gb) as memory_gb, count(room_until) as tasks_in_room,
      sum(cpu) filter (where room_until is not null) as cpu_in_room,
      sum(memory_gb) filter (where room_until is not null) as memory_gb_in_room
    from tasks
    where holds_quota(state, waiting_for) and (p_tenants is null or tenant_id = any (p_tenants))
    group by tenant_id, run_id
  ), derived as (
    select l.tenant_id, sum(l.cpu) as cpu_held, sum(l.memory_gb) as memory_gb_held, count(*) as runs_held,
      -- What the run may still spend (B3).
      sum(greatest(r.limit_usd_nanos - s.spent, 0)) as cost_held,
      coalesce(sum(l.cpu_in_room), 0) as cpu_in_use, coalesce(sum(l.memory_gb_in_room), 0) as memory_gb_in_use,
      sum(l.tasks_in_room) as tasks_in_use
    from live_runs l
    join runs r using (tenant_id, run_id)
    cross join lateral (
      select coalesce(sum(cost_usd_nanos), 0) as spent from cost_events e
      where e.tenant_id = l.tenant_id and e.run_id = l.run_id and (r.period_ends_at is null or e.occurred_at >= r.period_start)
    ) s
    group by l.tenant_id
  )
  select 'tenants', jsonb_build_object('tenant_id', n.tenant_id), null::text, c.counter,
    trim_scale(c.stored)::text, trim_scale(coalesce(c.derived, 0))::text
  from tenants n
  left join derived d using (tenant_id)
  cross join lateral (
    select max(sequence) as last_sequence from events e where e.kind = 'event' and e.tenant_id = n.tenant_id and e.run_id is null
  ) e
  cross join lateral (values
    ('cpu_held', n.cpu_held, d.cpu_held),
    ('memory_gb_held', n.memory_gb_held, d.memory_gb_held),
    ('runs_held', n.runs_held, d.runs_held),
    ('cost_held_usd_nanos', n.cost_held_usd_nanos, d.cost_held),
    ('cpu_in_use', n.cpu_in_use, d.cpu_in_use),
    ('memory_gb_in_use', n.memory_gb_in_use, d.memory_gb_in_use),
    ('tasks_in_use', n.tasks_in_use, d.tasks_in_use),
    ('event_sequence', n.event_sequence, e.last_sequence)
  ) c (counter, stored, derived)
  where (p_tenants is null or n.tenant_id = any (p_tenants)) and c.stored <> coalesce(c.derived, 0)
$$;

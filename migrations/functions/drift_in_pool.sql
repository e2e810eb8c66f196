-- Of the pool: its room in use is that of the tasks in it. A part of counter_drift.
create function drift_in_pool()
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select 'pool', jsonb_build_object('singleton', true), null::text, c.counter, trim_scale(c.stored)::text, trim_scale(c.derived)::text
  from pool p
  cross join (
    select coalesce(sum(cpu), 0) as cpu, coalesce(sum(memory_gb), 0) as memory_gb, count(*) as tasks
    from tasks where room_until is not null
  ) d
  cross join lateral (values
    ('cpu_used', p.cpu_used, d.cpu),
    ('memory_gb_used', p.memory_gb_used, d.memory_gb),
    ('tasks_used', p.tasks_used, d.tasks)
  ) c (counter, stored, derived)
  where c.stored <> c.derived
$$;

-- A page of the waiting line: those after position p_after, in order, with their places in the whole line; of one tenant
-- or of one class's queue where given. The order is that of `waiting_heads`. Lines that tie are counted as one group; only
-- the groups that the page touches are read, each from its front (index tasks_waiting).
create function waiting_page(p_policy jsonb, p_tenant_id text, p_class smallint, p_after bigint, p_limit integer, p_now timestamptz)
returns table (line_position bigint, ahead_in_tenant bigint, tenant_id text, task_id text)
-- One plan for all arguments: see `scheduler_snapshot`.
language plpgsql stable rows 100 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_step_seconds double precision := policy_number(p_policy, 'aging_step_seconds');
  v_aging_max integer := policy_number(p_policy, 'aging_tasks_max');
  v_aging boolean := exists (select 1 from tasks t where t.state = 'queued' and t.waiting_since <= p_now - make_interval(secs => v_step_seconds));
begin
  return query
  with shares as materialized (
    select s.* from tenant_shares(p_policy, null, p_now) s
  ), aged as materialized (
    select a.*, s.share, s.recent
    from shares s cross join lateral aged_of_tenant(s.tenant_id, s.last_start_at, v_step_seconds, v_aging_max, p_now) a
    where v_aging
  ), moved as (
    -- Aged tasks stand in groups of their own making and are taken out of those of their lines.
    select a.tenant_id, a.queue_class, a.on_burst, a.waiting_for, count(*) as tasks from aged a group by 1, 2, 3, 4
  ), parts as (
    select l.queue_class as class, false as overdue, l.on_burst, s.share, s.recent, l.tenant_id, l.tasks - coalesce(m.tasks, 0)::integer as tasks
    from waiting_lines l
    join shares s on s.tenant_id = l.tenant_id
    left join moved m on (m.tenant_id, m.queue_class, m.on_burst, m.waiting_for) = (l.tenant_id, l.queue_class, l.on_burst, l.waiting_for)
    where l.tasks > 0
    union all
    select a.effective_class, a.overdue, a.on_burst, a.share, a.recent, a.tenant_id, 1 from aged a
  ), groups as (
    select p.class, p.overdue, p.on_burst, p.share, p.recent, sum(p.tasks) as tasks, array_agg(distinct p.tenant_id) as tenants,
      -- In whole numbers and by rows, since no two groups tie.
      sum(sum(p.tasks)::integer) over (order by p.class, p.overdue desc, p.on_burst, p.share, p.recent rows unbounded preceding) - sum(p.tasks) as before
    from parts p
    group by p.class, p.overdue, p.on_burst, p.share, p.recent
  ), touched as materialized (
    select g.*, row_number() over () as group_id from groups g
    where g.before + g.tasks > p_after and (p_tenant_id is null or p_tenant_id = any (g.tenants))
      -- An aged task is listed under the class of its queue, which is no better.
      and (p_class is null or g.class <= p_class)
      and (p_tenant_id is not null or p_class is not null or g.before < p_after + p_limit)
  ), members as (
    select g.group_id, t.tenant_id, t.task_id, t.accepted_at, t.queue_class
    from touched g
    cross join unnest(g.tenants) u (tenant_id)
    cross join lateral (
      select q.tenant_id, q.task_id, q.accepted_at, q.queue_class from (values ('pool'), ('quota')) w (waiting_for)
      cross join lateral (
        select r.tenant_id, r.task_id, r.accepted_at, r.queue_class from tasks r
        where r.state = 'queued' and r.tenant_id = u.tenant_id and r.queue_class = g.class and r.on_burst = g.on_burst
          and r.waiting_for = w.waiting_for and not g.overdue
        order by r.accepted_at, r.task_id
        -- Enough of each line's front for this page; all of it where one tenant's places among others that tie are asked for.
        limit case when p_tenant_id is null or cardinality(g.tenants) = 1
          then greatest(p_after - g.before, 0) + p_limit + v_aging_max end
      ) q
    ) t
    where not exists (select 1 from aged a where a.tenant_id = t.tenant_id and a.task_id = t.task_id)
    union all
    select g.group_id, a.tenant_id, a.task_id, a.accepted_at, a.queue_class
    from touched g join aged a
      on (a.effective_class, a.overdue, a.on_burst, a.share, a.recent) = (g.class, g.overdue, g.on_burst, g.share, g.recent)
  ), placed as (
    select g.class, g.overdue, g.on_burst, m.*,
      g.before + row_number() over (partition by m.group_id order by m.accepted_at, m.task_id, m.tenant_id) as place,
      row_number() over (partition by m.group_id, m.tenant_id order by m.accepted_at, m.task_id) - 1 as own_before
    from members m join touched g on g.group_id = m.group_id
  ), page as (
    select p.* from placed p
    where p.place > p_after and (p_tenant_id is null or p.tenant_id = p_tenant_id) and (p_class is null or p.queue_class = p_class)
    order by p.place
    limit p_limit
  ), ahead_by_aging as materialized (
    select p.place, count(*) filter (where (a.effective_class, not a.overdue, a.on_burst) < (p.class, not p.overdue, p.on_burst))
      - count(*) filter (where (a.queue_class, true, a.on_burst) < (p.class, not p.overdue, p.on_burst)) as tasks
    from page p join aged a on a.tenant_id = p.tenant_id
    group by p.place
  )
  select p.place::bigint, (p.own_before
      -- Its tenant's lines ahead of this group, and those of its aged tasks that have moved ahead of it.
      + (select coalesce(sum(l.tasks), 0) from waiting_lines l where l.tenant_id = p.tenant_id
          and (l.queue_class, true, l.on_burst) < (p.class, not p.overdue, p.on_burst))
      + coalesce(m.tasks, 0))::bigint,
    p.tenant_id, p.task_id
  from page p left join ahead_by_aging m on m.place = p.place
  order by p.place;
end
$$;

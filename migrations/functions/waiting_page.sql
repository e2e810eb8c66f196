-- A page of the waiting line: those after position p_after, in order, with their places in the whole line; of one tenant
-- or of one class's queue where given. The order is that of `waiting_heads`. Groups of lines that tie are counted; only
-- those that the page touches are read.
create function waiting_page(p_policy jsonb, p_tenant_id text, p_class smallint, p_after bigint, p_limit integer, p_now timestamptz)
returns table (line_position bigint, ahead_in_tenant bigint, tenant_id text, task_id text)
language plpgsql stable rows 100 as $$
#variable_conflict use_column
declare
  v_group record;
  v_before bigint := 0;
  v_listed integer := 0;
  v_rows integer;
  v_aged jsonb;
begin
  -- Aged tasks stand in groups of their own making and are taken out of those of their lines.
  select coalesce(jsonb_agg(to_jsonb(a) || jsonb_build_object('share', s.share, 'recent', s.recent)), '[]') into v_aged
  from aged_tasks(p_policy, p_now) a join tenant_shares(p_policy, null, p_now) s on s.tenant_id = a.tenant_id;
  for v_group in
    with shares as materialized (
      select * from tenant_shares(p_policy, null, p_now)
    ), aged as materialized (
      select * from jsonb_to_recordset(v_aged) as a (
        tenant_id text, queue_class smallint, on_burst boolean, waiting_for text, effective_class smallint, overdue boolean,
        share double precision, recent double precision
      )
    ), parts as (
      select l.queue_class as class, false as overdue, l.on_burst, s.share, s.recent, l.tenant_id, l.tasks
        - (select count(*) from aged a where (a.tenant_id, a.queue_class, a.on_burst, a.waiting_for) = (l.tenant_id, l.queue_class, l.on_burst, l.waiting_for)) as tasks,
        array[l.tenant_id] as tenants
      from waiting_lines l join shares s on s.tenant_id = l.tenant_id where l.tasks > 0
      union all
      select a.effective_class, a.overdue, a.on_burst, a.share, a.recent, a.tenant_id, 1, '{}' from aged a
    )
    select p.class, p.overdue, p.on_burst, p.share, p.recent, sum(p.tasks) as tasks, array_agg(distinct l.tenant_id) filter (where l.tenant_id is not null) as tenants,
      coalesce(sum(p.tasks) filter (where p.tenant_id = p_tenant_id), 0) as own_tasks
    from parts p left join lateral unnest(p.tenants) l (tenant_id) on true
    group by p.class, p.overdue, p.on_burst, p.share, p.recent
    order by p.class, p.overdue desc, p.on_burst, p.share, p.recent
  loop
    if v_before + v_group.tasks > p_after and (p_tenant_id is null or v_group.own_tasks > 0)
      -- An aged task is listed under the class of its queue.
      and (p_class is null or v_group.class = p_class or v_group.class < p_class)
    then
      return query
      with members as (
        select t.tenant_id, t.task_id, t.accepted_at, t.queue_class
        from unnest(v_group.tenants) u (tenant_id)
        cross join lateral (
          select q.tenant_id, q.task_id, q.accepted_at, q.queue_class from (values ('pool'), ('quota')) w (waiting_for)
          cross join lateral (
            select r.tenant_id, r.task_id, r.accepted_at, r.queue_class from tasks r
            where r.state = 'queued' and r.tenant_id = u.tenant_id and r.queue_class = v_group.class and r.on_burst = v_group.on_burst
              and r.waiting_for = w.waiting_for and not v_group.overdue
            order by r.accepted_at, r.task_id
            limit case when p_tenant_id is null and p_class is null
              then greatest(p_after - v_before, 0) + p_limit - v_listed + jsonb_array_length(v_aged) end
          ) q
        ) t
        where not exists (
          select 1 from jsonb_to_recordset(v_aged) as a (tenant_id text, task_id text) where a.tenant_id = t.tenant_id and a.task_id = t.task_id
        )
        union all
        select a.tenant_id, a.task_id, a.accepted_at, a.queue_class
        from jsonb_to_recordset(v_aged) as a (
          tenant_id text, task_id text, accepted_at timestamptz, queue_class smallint, effective_class smallint, overdue boolean,
          on_burst boolean, share double precision, recent double precision
        )
        where (a.effective_class, a.overdue, a.on_burst, a.share, a.recent)
          = (v_group.class, v_group.overdue, v_group.on_burst, v_group.share, v_group.recent)
      ), placed as (
        select v_before + row_number() over (order by m.accepted_at, m.task_id collate "C", m.tenant_id collate "C") as position,
          row_number() over (partition by m.tenant_id order by m.accepted_at, m.task_id collate "C") - 1 as own_before, m.*
        from members m
      )
      select p.position, p.own_before
          + (select coalesce(sum(l.tasks), 0) from waiting_lines l where l.tenant_id = p.tenant_id
              and (l.queue_class, true, l.on_burst) < (v_group.class, not v_group.overdue, v_group.on_burst))
          + (select count(*) filter (where (a.effective_class, not a.overdue, a.on_burst) < (v_group.class, not v_group.overdue, v_group.on_burst))
                - count(*) filter (where (a.queue_class, true, a.on_burst) < (v_group.class, not v_group.overdue, v_group.on_burst))
              from jsonb_to_recordset(v_aged) as a (tenant_id text, queue_class smallint, effective_class smallint, overdue boolean, on_burst boolean)
              where a.tenant_id = p.tenant_id),
        p.tenant_id, p.task_id
      from placed p
      where p.position > p_after and (p_tenant_id is null or p.tenant_id = p_tenant_id) and (p_class is null or p.queue_class = p_class)
      order by p.position
      limit p_limit - v_listed;
      get diagnostics v_rows = row_count;
      v_listed := v_listed + v_rows;
      exit when v_listed >= p_limit;
    end if;
    v_before := v_before + v_group.tasks;
  end loop;
end
$$;

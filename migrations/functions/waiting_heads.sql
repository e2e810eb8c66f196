-- The first p_max tasks of the waiting line, in its order (see `waiting_line`), of those that may start at all: not those
-- whose preemptor still waits on its promise (P3), whose run's budget is used up (B5), or whose quota cannot hold them now.
-- Reads no more than the first such p_max of each tenant's class, by index, so that a long line costs what a short one does.
create function waiting_heads(p_policy jsonb, p_max integer, p_now timestamptz)
returns table (
  line_position bigint, tenant_id text, task_id text, run_id text, queue_class integer, effective_class integer,
  uses_burst boolean, share numeric, cpu numeric, memory_gb numeric, waiting_for text, waiting_since timestamptz,
  accepted_at timestamptz, promised boolean
)
language plpgsql stable rows 200 as $$
#variable_conflict use_column
begin
  return query
  with shares as materialized (
    select n.tenant_id, w.share,
      (select q.limit_value from tenant_quotas q where q.tenant_id = n.tenant_id and q.resource = 'cpu') - n.cpu_held as cpu_left,
      (select q.limit_value from tenant_quotas q where q.tenant_id = n.tenant_id and q.resource = 'memory') - n.memory_gb_held as memory_gb_left
    from tenants n join tenant_shares(p_now) w on w.tenant_id = n.tenant_id
  ), aged as materialized (
    select a.* from aged_tasks(p_policy, p_now) a
  ), candidates as (
    select t.tenant_id, t.task_id, t.run_id, t.queue_class, t.queue_class::integer as effective_class, false as uses_burst, s.share,
      t.cpu, t.memory_gb, t.waiting_for, t.waiting_since, t.accepted_at, t.promised, t.promised_until
    from shares s cross join (values (0), (1), (2), (3)) c (class)
    cross join lateral (
      select * from tasks w
      where w.state = 'queued' and w.tenant_id = s.tenant_id and w.queue_class = c.class and w.burst_cpu = 0 and w.burst_memory_gb = 0
        -- Most tasks wait for nothing but room, or for quota that is plainly used up: both are seen without the call.
        and (
          w.waiting_for = 'pool' or (w.cpu <= coalesce(s.cpu_left, w.cpu) or w.cpu = 0)
          and (w.memory_gb <= coalesce(s.memory_gb_left, w.memory_gb) or w.memory_gb = 0)
        )
        and (
          w.preempted_by is null and w.waiting_for = 'pool' and not exists (
            select 1 from runs r where r.tenant_id = w.tenant_id and r.run_id = w.run_id and r.budget_paused
          ) or may_start(w, p_now)
        )
      order by w.accepted_at, w.task_id
      limit p_max
    ) t
    union all
    select t.tenant_id, t.task_id, t.run_id, t.queue_class, t.queue_class::integer, true, s.share,
      t.cpu, t.memory_gb, t.waiting_for, t.waiting_since, t.accepted_at, t.promised, t.promised_until
    from tasks t join shares s on s.tenant_id = t.tenant_id
    where t.state = 'queued' and (t.burst_cpu > 0 or t.burst_memory_gb > 0) and may_start(t, p_now)
    union all
    select t.tenant_id, t.task_id, t.run_id, t.queue_class, a.effective_class, t.burst_cpu > 0 or t.burst_memory_gb > 0, s.share,
      t.cpu, t.memory_gb, t.waiting_for, t.waiting_since, t.accepted_at, t.promised, t.promised_until
    from aged a join shares s on s.tenant_id = a.tenant_id join tasks t on t.tenant_id = a.tenant_id and t.task_id = a.task_id
    where may_start(t, p_now)
  ), once as (
    -- An aged task comes twice: its better class counts.
    select distinct on (c.tenant_id, c.task_id) c.* from candidates c order by c.tenant_id, c.task_id, c.effective_class
  )
  select row_number() over line, o.tenant_id, o.task_id, o.run_id, o.queue_class::integer, o.effective_class, o.uses_burst, o.share,
    o.cpu, o.memory_gb, o.waiting_for, o.waiting_since, o.accepted_at,
    o.promised and (o.promised_until is null or o.promised_until > p_now)
  from once o
  window line as (order by o.effective_class, o.uses_burst, o.share, o.accepted_at, o.task_id, o.tenant_id)
  order by 1
  limit p_max;
end
$$;

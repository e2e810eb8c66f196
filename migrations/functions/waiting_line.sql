-- The waiting tasks in the order of A10, a total order:
--   1. effective class: the queue's class, raised by waiting (`aged_tasks`);
--   2. within the tenant's limit before burst (A5);
--   3. the tenant with the smallest weighted share of the pool in use (`tenant_shares`);
--   4. acceptance time; 5. task id; 6. tenant id.
-- `held_back`: a preempted task whose preemptor still waits on its promise may not start before it (P3).
-- Reads the whole line; decisions take `waiting_heads` and `queue_place`, which do not.
create function waiting_line(p_policy jsonb, p_now timestamptz)
returns table (
  line_position bigint, tenant_id text, task_id text, run_id text, effective_class integer, uses_burst boolean, share numeric,
  cpu numeric, memory_gb numeric, waiting_for text, waiting_since timestamptz, accepted_at timestamptz,
  promised boolean, held_back boolean, ahead_in_tenant bigint
)
language sql stable as $$
  with judged as (
    select t.*, coalesce(a.effective_class, t.queue_class) as effective_class,
      t.burst_cpu > 0 or t.burst_memory_gb > 0 as uses_burst, s.share,
      t.preempted_by is not null and exists (
        select 1 from tasks w
        where w.tenant_id = t.preempted_by_tenant and w.task_id = t.preempted_by and w.promised
          and (w.promised_until is null or w.promised_until > p_now)
      ) as held_back
    from tasks t
    join tenant_shares(p_now) s on s.tenant_id = t.tenant_id
    left join aged_tasks(p_policy, p_now) a on a.tenant_id = t.tenant_id and a.task_id = t.task_id
    where t.state = 'queued'
  )
  select
    row_number() over line, j.tenant_id, j.task_id, j.run_id, j.effective_class, j.uses_burst, j.share,
    j.cpu, j.memory_gb, j.waiting_for, j.waiting_since, j.accepted_at,
    j.promised and (j.promised_until is null or j.promised_until > p_now), j.held_back,
    row_number() over (partition by j.tenant_id order by j.effective_class, j.uses_burst, j.share, j.accepted_at, j.task_id) - 1
  from judged j
  window line as (order by j.effective_class, j.uses_burst, j.share, j.accepted_at, j.task_id, j.tenant_id)
$$;

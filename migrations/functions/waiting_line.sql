-- The waiting tasks in the order of A10, a total order:
--   1. effective class: the queue's class, raised one step per aging step waited, never into P0, and only for the
--      tenant's oldest few waiting tasks;
--   2. within the tenant's limit before burst (A5);
--   3. the tenant with the smallest weighted share of the pool in use (the larger of its cpu and memory shares);
--   4. acceptance time; 5. task id; 6. tenant id.
-- `held_back`: a preempted task whose preemptor still waits on its promise may not start before it (P3).
create function waiting_line(p_policy jsonb, p_now timestamptz)
returns table (
  line_position bigint, tenant_id text, task_id text, run_id text, effective_class integer, uses_burst boolean, share numeric,
  cpu numeric, memory_gb numeric, waiting_for text, waiting_since timestamptz, accepted_at timestamptz,
  promised boolean, held_back boolean, ahead_in_tenant bigint
)
language sql stable as $$
  with ranked as (
    select t.*, row_number() over (partition by t.tenant_id order by t.accepted_at, t.task_id) as tenant_rank
    from tasks t where t.state = 'queued'
  ), judged as (
    select r.*,
      case
        when r.queue_class = 0 or r.tenant_rank > policy_number(p_policy, 'aging_tasks_max') then r.queue_class::integer
        else greatest(1, r.queue_class - floor(
          greatest(extract(epoch from p_now - r.waiting_since), 0) / policy_number(p_policy, 'aging_step_seconds')
        ))::integer
      end as effective_class,
      r.burst_cpu > 0 or r.burst_memory_gb > 0 as uses_burst,
      greatest(
        coalesce(n.cpu_in_use / nullif(p.cpu, 0), 0), coalesce(n.memory_gb_in_use / nullif(p.memory_gb, 0), 0)
      ) / n.weight as share,
      exists (
        select 1 from tasks w
        where w.tenant_id = r.preempted_by_tenant and w.task_id = r.preempted_by and w.promised
          and (w.promised_until is null or w.promised_until > p_now)
      ) as held_back
    from ranked r join tenants n on n.tenant_id = r.tenant_id cross join pool p
  )
  select
    row_number() over line, j.tenant_id, j.task_id, j.run_id, j.effective_class, j.uses_burst, j.share,
    j.cpu, j.memory_gb, j.waiting_for, j.waiting_since, j.accepted_at,
    j.promised and (j.promised_until is null or j.promised_until > p_now), j.held_back,
    row_number() over (partition by j.tenant_id order by j.effective_class, j.uses_burst, j.share, j.accepted_at, j.task_id) - 1
  from judged j
  window line as (order by j.effective_class, j.uses_burst, j.share, j.accepted_at, j.task_id, j.tenant_id)
$$;

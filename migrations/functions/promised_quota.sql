-- How much of a tenant's free quota is spoken for: what tasks that preempted their own tenant's tasks for quota ask, less what
-- those victims still hold (P3). A task's own promise is left out for the task itself.
create function promised_quota(
  p_tenant_id text, p_but_task_id text, p_now timestamptz, out cpu numeric, out memory_gb numeric, out runs integer
)
language plpgsql stable as $$
begin
  select coalesce(sum(greatest(w.cpu - coalesce(v.cpu, 0), 0)), 0), coalesce(sum(greatest(w.memory_gb - coalesce(v.memory_gb, 0), 0)), 0),
    coalesce(sum(case when r.live_tasks = 0 then greatest(1 - coalesce(v.runs, 0), 0) else 0 end), 0)
  into cpu, memory_gb, runs
  from tasks w
  join runs r on r.tenant_id = w.tenant_id and r.run_id = w.run_id
  left join lateral (
    select sum(l.cpu) as cpu, sum(l.memory_gb) as memory_gb, count(*) filter (where lr.live_tasks = 1) as runs
    from tasks l join runs lr on lr.tenant_id = l.tenant_id and lr.run_id = l.run_id
    where l.state = 'preempting' and l.tenant_id = w.tenant_id and l.preempted_by = w.task_id and l.preempted_by_tenant = w.tenant_id
      and l.preempted_for_promise = w.promises and l.room_until > p_now
  ) v on true
  where w.tenant_id = p_tenant_id and w.task_id is distinct from p_but_task_id
    and w.promised and (w.promised_until is null or w.promised_until > p_now) and w.waiting_for = 'quota';
end
$$;

-- Once the last of a newcomer's victims has left, its promise lasts for a limited time (P3).
create function start_promise_clock(p_tenant_id text, p_task_id text, p_policy jsonb, p_now timestamptz) returns void
language plpgsql as $$
begin
  update tasks w set promised_until = p_now + make_interval(secs => policy_number(p_policy, 'promise_seconds')::double precision)
  where w.tenant_id = p_tenant_id and w.task_id = p_task_id and w.promised and w.promised_until is null
    and not exists (
      select 1 from tasks v
      where v.state = 'preempting' and v.preempted_by_tenant = p_tenant_id and v.preempted_by = p_task_id and v.preempted_for_promise = w.promises
    );
end
$$;

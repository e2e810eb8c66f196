-- Claims up to p_max granted tasks, best first: class, then acceptance time, then id. Answers at once.
-- p_tenant_id null takes any tenant's. A task that another caller claims first is passed over, and so is one whose run is
-- busy with another call: this call holds the runs that it has claimed from, and waiting then could close a circle.
create function claim_tasks(p_tenant_id text, p_classes smallint[], p_max integer, p_lease_seconds integer, p_now timestamptz)
returns setof jsonb
language plpgsql as $$
declare
  v_candidate record;
  v_answer jsonb;
  v_claimed integer := 0;
begin
  for v_candidate in
    select tenant_id, task_id from tasks
    where state = 'granted' and room_until > p_now
      and (p_tenant_id is null or tenant_id = p_tenant_id)
      and (p_classes is null or queue_class = any (p_classes))
    order by queue_class, accepted_at, task_id, tenant_id
    limit p_max + 50
  loop
    exit when v_claimed >= p_max;
    perform 1 from runs r join tasks t using (tenant_id, run_id)
    where t.tenant_id = v_candidate.tenant_id and t.task_id = v_candidate.task_id
    for no key update of r skip locked;
    continue when not found;
    v_answer := claim_task(v_candidate.tenant_id, v_candidate.task_id, p_lease_seconds, p_now);
    if v_answer->>'kind' = 'claimed' then
      v_claimed := v_claimed + 1;
      return next v_answer;
    end if;
  end loop;
end
$$;

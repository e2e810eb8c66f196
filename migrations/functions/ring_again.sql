-- Rings the doorbell again for grants that nobody has claimed for a while: a lost message never loses a task (A14).
create function ring_again(p_after_seconds integer, p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_task tasks;
  v_rung integer := 0;
begin
  for v_task in
    select t.* from tasks t
    where t.state = 'granted' and t.granted_at <= p_now - make_interval(secs => p_after_seconds) and t.room_until > p_now
      and not exists (
        select 1 from events e
        where e.kind = 'doorbell' and e.tenant_id = t.tenant_id and e.run_id = t.run_id and e.task_id = t.task_id
          and e.sequence = t.epoch and e.occurred_at > p_now - make_interval(secs => p_after_seconds)
      )
  loop
    perform ring_doorbell(v_task, case when v_task.first_started_at is null then 'start' else 'resume' end, p_now);
    v_rung := v_rung + 1;
  end loop;
  return v_rung;
end
$$;

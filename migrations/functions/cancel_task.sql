-- Cancels a task that has not ended. Its runner hears of it in its next heartbeat. Repeating it changes nothing.
create function cancel_task(p_tenant_id text, p_task_id text, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_task tasks;
begin
  v_task := lock_task(p_tenant_id, p_task_id);
  if v_task.task_id is null then
    return jsonb_build_object('kind', 'not_found');
  elsif v_task.state = 'cancelled' then
    return task_answer('ended', p_tenant_id, p_task_id, p_now);
  elsif v_task.ended_at is not null then
    return task_answer('already_ended', p_tenant_id, p_task_id, p_now);
  end if;
  perform end_task(v_task, 'cancelled', null, null, p_policy, p_now);
  return task_answer('ended', p_tenant_id, p_task_id, p_now);
end
$$;

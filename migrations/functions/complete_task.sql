-- The runner ends its task (P4: completion within the grace time is completion). A runner whose lease lapsed may still
-- deliver as long as the task was not given away: its epoch is then still the newest.
-- Returns task_answer with kind 'ended', 'already_ended', 'stale_epoch' or 'not_found'.
create function complete_task(
  p_tenant_id text, p_task_id text, p_epoch bigint, p_outcome text, p_error text, p_policy jsonb, p_now timestamptz
) returns jsonb
language plpgsql as $$
declare
  v_task tasks;
begin
  v_task := lock_task(p_tenant_id, p_task_id);
  if v_task.task_id is null then
    return jsonb_build_object('kind', 'not_found');
  elsif v_task.epoch <> p_epoch then
    return task_answer('stale_epoch', p_tenant_id, p_task_id, p_now);
  elsif v_task.ended_at is not null then
    return task_answer(case when v_task.state = p_outcome then 'ended' else 'already_ended' end, p_tenant_id, p_task_id, p_now);
  elsif v_task.state in ('running', 'preempting') or (v_task.state = 'queued' and v_task.lapsed) then
    perform end_task(v_task, p_outcome, case when p_outcome = 'failed' then 'runner_failed' end, p_error, p_policy, p_now);
    return task_answer('ended', p_tenant_id, p_task_id, p_now);
  end if;
  return task_answer('stale_epoch', p_tenant_id, p_task_id, p_now);
end
$$;

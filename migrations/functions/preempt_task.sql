-- An operator preempts one running task. Returns task_answer with kind 'preempting', 'not_running', 'not_overridable' or 'not_found'.
create function preempt_task(p_tenant_id text, p_task_id text, p_reason text, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_task tasks;
begin
  v_task := lock_task(p_tenant_id, p_task_id);
  if v_task.task_id is null then
    return jsonb_build_object('kind', 'not_found');
  elsif not v_task.overridable then
    return task_answer('not_overridable', p_tenant_id, p_task_id, p_now);
  elsif v_task.state not in ('running', 'preempting') then
    return task_answer('not_running', p_tenant_id, p_task_id, p_now);
  end if;
  perform begin_preemption(v_task, 'checkpoint', p_reason, null, null, null, p_policy, p_now);
  return task_answer('preempting', p_tenant_id, p_task_id, p_now);
end
$$;

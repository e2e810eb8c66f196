-- Resumes a paused task if its run's budget allows. Returns task_answer with kind 'queued', 'not_paused',
-- 'budget_exhausted' or 'not_found'.
create function resume_task(p_tenant_id text, p_task_id text, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_task tasks;
begin
  v_task := lock_task(p_tenant_id, p_task_id);
  if v_task.task_id is null then
    return jsonb_build_object('kind', 'not_found');
  elsif v_task.state <> 'paused' then
    return task_answer('not_paused', p_tenant_id, p_task_id, p_now);
  end if;
  -- A new period may have lifted the pause, and resumes all of the run's tasks at once (B5, B8).
  if roll_run(p_tenant_id, v_task.run_id, p_policy, p_now)
    and not exists (select 1 from tasks where tenant_id = p_tenant_id and task_id = p_task_id and state = 'paused')
  then
    return task_answer('queued', p_tenant_id, p_task_id, p_now);
  end if;
  if (select budget_paused from runs where tenant_id = p_tenant_id and run_id = v_task.run_id) then
    return task_answer('budget_exhausted', p_tenant_id, p_task_id, p_now);
  end if;
  perform unpause_task(p_tenant_id, p_task_id, p_policy, p_now);
  perform refresh_run(p_tenant_id, v_task.run_id, null, p_now);
  return task_answer('queued', p_tenant_id, p_task_id, p_now);
end
$$;

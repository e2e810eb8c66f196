-- Locks everything that ending, requeueing or preempting one task touches, in the one order, and returns the task.
create function lock_task(p_tenant_id text, p_task_id text) returns tasks
language plpgsql as $$
declare
  v_task tasks;
begin
  perform lock_scheduler(array[p_tenant_id]);
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  perform 1 from runs where tenant_id = p_tenant_id and run_id = v_task.run_id for no key update;
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id for no key update;
  return v_task;
end
$$;

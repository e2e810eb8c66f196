-- A waiting task gives its quota to a better one of its own tenant and waits for quota itself, at its old place (A16).
-- Needs lock_scheduler; takes the run's and the task's lock.
create function displace_task(p_tenant_id text, p_task_id text, p_by_task_id text, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_task tasks;
begin
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id;
  perform 1 from runs where tenant_id = p_tenant_id and run_id = v_task.run_id for no key update;
  select * into v_task from tasks where tenant_id = p_tenant_id and task_id = p_task_id for no key update;
  if v_task.state is distinct from 'queued' or v_task.waiting_for <> 'pool' then
    return false;
  end if;
  update tasks set waiting_for = 'quota', quota_held = false, burst_cpu = 0, burst_memory_gb = 0, promised = false, promised_until = null
  where tenant_id = p_tenant_id and task_id = p_task_id;
  perform release_quota(p_tenant_id, v_task.run_id, p_task_id, v_task.cpu, v_task.memory_gb, 'displaced', p_now);
  perform emit_event(p_tenant_id, v_task.run_id, p_task_id, 'run-queued', jsonb_build_object(
    'runId', v_task.run_id, 'taskId', p_task_id, 'phase', v_task.phase, 'class', 'P' || v_task.queue_class, 'waitingFor', 'quota', 'displacedBy', p_by_task_id
  ), null, p_now);
  update pool set version = version + 1;
  return true;
end
$$;

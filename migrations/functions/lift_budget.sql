-- Lifts what a budget had brought about once it no longer does (B5): demoted tasks queue in their own class again, paused ones are
-- back in line, once, at their old places. p_before and p_run: the run before and after the change; p_approval {approvedBy, reason}
-- goes into run-resumed. Needs lock_scheduler and the run's lock.
create function lift_budget(p_before runs, p_run runs, p_approval jsonb, p_policy jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_task tasks;
  v_cause uuid;
begin
  if p_before.demoted and not p_run.demoted then
    update tasks set queue_class = class where tenant_id = p_run.tenant_id and run_id = p_run.run_id and ended_at is null;
  end if;
  if p_before.budget_paused and not p_run.budget_paused then
    if exists (select 1 from tasks where tenant_id = p_run.tenant_id and run_id = p_run.run_id and state in ('paused', 'preempting')) then
      v_cause := emit_event(p_run.tenant_id, p_run.run_id, null, 'run-resumed',
        jsonb_build_object('runId', p_run.run_id) || p_approval || jsonb_build_object('limitUSD', usd(p_run.limit_usd_nanos)), null, p_now);
    end if;
    -- Tasks on their way out go back to the line instead of pausing.
    update tasks set preempt_action = 'checkpoint'
    where tenant_id = p_run.tenant_id and run_id = p_run.run_id and state = 'preempting' and preempt_action = 'pause';
    for v_task in
      select * from tasks where tenant_id = p_run.tenant_id and run_id = p_run.run_id and state = 'paused' order by accepted_at, task_id for no key update
    loop
      perform unpause_task(p_run.tenant_id, v_task.task_id, p_policy, p_now);
    end loop;
  end if;
  update pool set version = version + 1;
  perform refresh_run(p_run.tenant_id, p_run.run_id, v_cause, p_now);
end
$$;

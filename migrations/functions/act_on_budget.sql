-- Carries out a fired threshold's action on the run's tasks (B5), once, whether the bus or the sweep asks first (E2).
-- 80 %: overridable tasks are preempted and queue as P3. 95 %: every task leaves or is paused at once, P0 too.
-- Returns {kind: 'acted'|'already'|'not_found'}. Takes the scheduler's lock.
create function act_on_budget(
  p_tenant_id text, p_run_id text, p_level text, p_by text, p_cause_id uuid, p_policy jsonb, p_now timestamptz
) returns jsonb
language plpgsql as $$
declare
  v_run runs;
  v_task tasks;
begin
  perform lock_scheduler(array[p_tenant_id]);
  -- A period that has ended takes its open actions with it (B8).
  perform roll_run(p_tenant_id, p_run_id, p_policy, p_now);
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = p_run_id for no key update;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  end if;
  update budget_events set acted_at = p_now, acted_by = p_by
  where tenant_id = p_tenant_id and run_id = p_run_id and level = p_level and acted_at is null;
  if not found then
    return jsonb_build_object('kind', 'already');
  end if;
  for v_task in
    select * from tasks where tenant_id = p_tenant_id and run_id = p_run_id and ended_at is null order by task_id for no key update
  loop
    if p_level = 'throttle' and v_task.overridable then
      update tasks set queue_class = 3 where tenant_id = p_tenant_id and task_id = v_task.task_id;
      v_task.queue_class := 3;
      if v_task.state = 'running' then
        perform begin_preemption(v_task, 'checkpoint', 'budget_exceeded', null, null, p_cause_id, p_policy, p_now);
      end if;
    elsif p_level = 'pause' then
      if v_task.state in ('running', 'preempting') then
        perform begin_preemption(v_task, 'pause', 'budget_exceeded', null, null, p_cause_id, p_policy, p_now);
      elsif v_task.state = 'granted' then
        perform leave_room(v_task, 'paused', 'paused', false, p_policy, p_now);
      elsif v_task.state = 'queued' then
        update tasks set state = 'paused', waiting_for = null, waiting_since = null, quota_held = false, promised = false,
          promised_until = null, lapsed = false
        where tenant_id = p_tenant_id and task_id = v_task.task_id;
        if v_task.quota_held then
          perform release_quota(p_tenant_id, p_run_id, v_task.task_id, v_task.cpu, v_task.memory_gb, 'paused', p_now);
        end if;
      end if;
    end if;
  end loop;
  update pool set version = version + 1;
  perform refresh_run(p_tenant_id, p_run_id, p_cause_id, p_now);
  return jsonb_build_object('kind', 'acted');
end
$$;

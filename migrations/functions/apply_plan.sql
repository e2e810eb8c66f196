-- Carries out a scheduler's plan: grants, and preemptions with the promise that goes with them (A11, P2, P3).
-- p_version is the pool version that the plan was made on: anything that changed since makes the whole plan stale, and it
-- changes nothing. Every item is checked again all the same, so that a faulty plan cannot break an invariant.
-- p_plan: {planId, snapshot, grants: [{tenantId, taskId, displaced: [taskId], decisionId}],
--          preemptions: [{tenantId, taskId, reason, decisionId, victims: [{tenantId, taskId, epoch}], displaced: [taskId]}]}.
-- Returns {applied, refused, granted: [..], preempting: [..]}; refused says that an item did not hold any more.
create function apply_plan(p_plan jsonb, p_version bigint, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql as $$
declare
  v_pool pool;
  v_item jsonb;
  v_victim jsonb;
  v_task tasks;
  v_victim_task tasks;
  v_granted jsonb := '[]';
  v_preempting jsonb := '[]';
  v_valid boolean;
  v_refused boolean := false;
begin
  v_pool := lock_scheduler(array(
    select item->>'tenantId' from jsonb_array_elements(p_plan->'grants') g (item)
    union select item->>'tenantId' from jsonb_array_elements(p_plan->'preemptions') p (item)
    union select victim->>'tenantId' from jsonb_array_elements(p_plan->'preemptions') p (item), jsonb_array_elements(item->'victims') v (victim)
  ));
  if v_pool.version <> p_version then
    return jsonb_build_object('applied', false);
  end if;
  perform keep_policy(p_policy, p_now);
  insert into plans (plan_id, policy_version, snapshot, at) values (p_plan->>'planId', p_policy->>'version', p_plan->'snapshot', p_now);

  for v_item in select item from jsonb_array_elements(p_plan->'grants') g (item) loop
    v_task := grant_task(
      v_item->>'tenantId', v_item->>'taskId', array(select jsonb_array_elements_text(v_item->'displaced')), p_policy, p_now
    );
    v_refused := v_refused or v_task.task_id is null;
    if v_task.task_id is not null then
      v_granted := v_granted || jsonb_build_object('tenantId', v_task.tenant_id, 'taskId', v_task.task_id);
      insert into decisions (decision_id, kind, tenant_id, run_id, task_id, result, policy_version, inputs, counters, answer, at, plan_id)
      select v_item->>'decisionId', 'grant', v_task.tenant_id, v_task.run_id, v_task.task_id, 'granted', p_policy->>'version',
        jsonb_build_object('taskId', v_task.task_id, 'expectedWaitSeconds', v_task.expected_wait_seconds, 'class', v_task.queue_class,
          'waitedSeconds', round(extract(epoch from p_now - coalesce(v_task.waiting_since, p_now)), 3)),
        jsonb_build_object('poolVersion', p_version), jsonb_build_object('epoch', v_task.epoch, 'displaced', v_item->'displaced'), p_now, p_plan->>'planId';
    end if;
  end loop;

  for v_item in select item from jsonb_array_elements(p_plan->'preemptions') p (item) loop
    select * into v_task from tasks where tenant_id = v_item->>'tenantId' and task_id = v_item->>'taskId';
    v_valid := v_task.state = 'queued' and not (v_task.promised and coalesce(v_task.promised_until > p_now, true))
      -- A cost report does not take the scheduler's lock: the run may have been paused since the plan was made.
      and not (select r.budget_paused from runs r where r.tenant_id = v_task.tenant_id and r.run_id = v_task.run_id);
    for v_victim in select victim from jsonb_array_elements(v_item->'victims') v (victim) loop
      select * into v_victim_task from tasks
      where tenant_id = v_victim->>'tenantId' and task_id = v_victim->>'taskId';
      v_valid := v_valid and v_victim_task.state = 'running' and v_victim_task.overridable and v_victim_task.queue_class > 0
        and v_victim_task.epoch = (v_victim->>'epoch')::bigint and v_victim_task.room_until > p_now
        and (v_victim_task.queue_class > v_task.queue_class
          or (v_victim_task.queue_class = v_task.queue_class and v_victim_task.on_burst and not v_task.on_burst));
    end loop;
    v_refused := v_refused or not v_valid;
    continue when not v_valid;

    update tasks set promised = true, promised_until = null, promises = promises + 1
    where tenant_id = v_task.tenant_id and task_id = v_task.task_id;
    insert into decisions (decision_id, kind, tenant_id, run_id, task_id, result, policy_version, inputs, counters, answer, at, plan_id)
    select v_item->>'decisionId', 'preempt', v_task.tenant_id, v_task.run_id, v_task.task_id, 'preempting', p_policy->>'version',
      jsonb_build_object('taskId', v_task.task_id, 'reason', v_item->'reason'), jsonb_build_object('poolVersion', p_version),
      jsonb_build_object('victims', v_item->'victims', 'displaced', v_item->'displaced'), p_now, p_plan->>'planId';
    -- Whose quota it takes waits behind it from now on, and cannot start with it in the meantime.
    perform displace_task(v_task.tenant_id, displaced, v_task.task_id, p_now) from jsonb_array_elements_text(v_item->'displaced') d (displaced);
    for v_victim in
      select victim from jsonb_array_elements(v_item->'victims') v (victim) order by victim->>'tenantId', victim->>'taskId'
    loop
      select * into v_victim_task from tasks where tenant_id = v_victim->>'tenantId' and task_id = v_victim->>'taskId';
      perform 1 from runs where tenant_id = v_victim_task.tenant_id and run_id = v_victim_task.run_id for no key update;
      perform 1 from tasks where tenant_id = v_victim_task.tenant_id and task_id = v_victim_task.task_id for no key update;
      perform begin_preemption(
        v_victim_task, 'checkpoint', v_item->>'reason', v_task.tenant_id, v_task.task_id, null, p_policy, p_now
      );
      v_preempting := v_preempting || jsonb_build_object('tenantId', v_victim_task.tenant_id, 'taskId', v_victim_task.task_id);
    end loop;
  end loop;
  return jsonb_build_object('applied', true, 'refused', v_refused, 'granted', v_granted, 'preempting', v_preempting);
end
$$;

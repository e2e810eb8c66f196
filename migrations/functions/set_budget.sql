-- Changes a run's limit (B4, B5): a new version re-arms the thresholds that are again below, lifts what the old limit
-- had brought about, and resumes paused tasks once, at their old places. A raise is judged against the tenant's money.
-- Returns {kind: 'changed'|'budget_exhausted'|'not_found', budget, ...}. Takes the scheduler's lock.
create function set_budget(
  p_tenant_id text, p_run_id text, p_limit_nanos bigint, p_reason text, p_actor text, p_policy jsonb, p_now timestamptz
) returns jsonb
language plpgsql as $$
declare
  v_tenant tenants;
  v_run runs;
  v_before runs;
  v_cost tenant_quotas;
  v_spent_nanos bigint;
  v_floor numeric;
  v_task tasks;
  v_cause uuid;
begin
  perform lock_scheduler(array[p_tenant_id]);
  select * into v_before from runs where tenant_id = p_tenant_id and run_id = p_run_id for no key update;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  end if;
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  select * into v_cost from tenant_quotas where tenant_id = p_tenant_id and resource = 'cost' and limit_value is not null;
  -- Money never waits, so that a raise for paused tasks is judged too, although they hold nothing yet.
  if found and p_limit_nanos > v_before.limit_usd_nanos
    and exists (select 1 from tasks where tenant_id = p_tenant_id and run_id = p_run_id and ended_at is null)
  then
    select coalesce(sum(spent_usd_nanos), 0) into v_spent_nanos from tenant_spend
    where tenant_id = p_tenant_id and (v_cost.period = 'none' or period_start = date_trunc('month', p_now, 'UTC'));
    if v_spent_nanos + v_tenant.cost_held_usd_nanos - v_before.held_usd_nanos + greatest(p_limit_nanos - v_before.spent_usd_nanos, 0)
      > v_cost.limit_value * 1000000000
      or v_spent_nanos * 100.0 >= v_cost.limit_value * 1000000000 * v_tenant.pause_percent
    then
      return jsonb_build_object('kind', 'budget_exhausted', 'limit', v_cost.limit_value, 'used', usd(v_spent_nanos),
        'held', usd(v_tenant.cost_held_usd_nanos), 'asked', usd(p_limit_nanos - v_before.limit_usd_nanos));
    end if;
  end if;

  -- Thresholds fired before and still reached stay fired: a raise re-arms only what is again below.
  select coalesce(max(percent), 0) into v_floor
  from budget_thresholds(v_tenant)
  where v_before.spent_usd_nanos * 100.0 >= percent * p_limit_nanos
    and (percent <= v_before.fired_floor_percent or exists (
      select 1 from budget_events e
      where e.tenant_id = p_tenant_id and e.run_id = p_run_id and e.budget_version = v_before.budget_version and e.threshold = percent
    ));
  -- An open action falls away with its cause; where the threshold is still reached it stays to be done.
  update budget_events set acted_at = p_now, acted_by = 'none'
  where tenant_id = p_tenant_id and run_id = p_run_id and acted_at is null
    and v_before.spent_usd_nanos * 100.0 < threshold * p_limit_nanos;
  update runs set
    limit_usd_nanos = p_limit_nanos,
    budget_version = budget_version + 1,
    fired_floor_percent = v_floor,
    demoted = demoted and spent_usd_nanos * 100.0 >= v_tenant.throttle_percent * p_limit_nanos,
    budget_paused = budget_paused and spent_usd_nanos * 100.0 >= v_tenant.pause_percent * p_limit_nanos
  where tenant_id = p_tenant_id and run_id = p_run_id
  returning * into v_run;
  update tenants set cost_held_usd_nanos = cost_held_usd_nanos + v_run.held_usd_nanos - v_before.held_usd_nanos,
    answers_version = answers_version + 1
  where tenant_id = p_tenant_id;
  insert into budget_changes (tenant_id, run_id, budget_version, limit_usd_nanos, reason, actor, at)
  values (p_tenant_id, p_run_id, v_run.budget_version, p_limit_nanos, p_reason, p_actor, p_now);
  perform fire_thresholds(p_tenant_id, p_run_id, null, p_now);
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = p_run_id;

  if v_before.demoted and not v_run.demoted then
    update tasks set queue_class = class where tenant_id = p_tenant_id and run_id = p_run_id and ended_at is null;
  end if;
  if v_before.budget_paused and not v_run.budget_paused then
    if exists (select 1 from tasks where tenant_id = p_tenant_id and run_id = p_run_id and state in ('paused', 'preempting')) then
      v_cause := emit_event(p_tenant_id, p_run_id, null, 'run-resumed', jsonb_build_object(
        'runId', p_run_id, 'approvedBy', p_actor, 'reason', p_reason, 'limitUSD', usd(p_limit_nanos)
      ), null, p_now);
    end if;
    -- Those still on their way out go back to the line instead of pausing.
    update tasks set preempt_action = 'checkpoint'
    where tenant_id = p_tenant_id and run_id = p_run_id and state = 'preempting' and preempt_action = 'pause';
    for v_task in
      select * from tasks where tenant_id = p_tenant_id and run_id = p_run_id and state = 'paused' order by accepted_at, task_id for no key update
    loop
      perform unpause_task(p_tenant_id, v_task.task_id, p_policy, p_now);
    end loop;
  end if;
  update pool set version = version + 1;
  perform refresh_run(p_tenant_id, p_run_id, v_cause, p_now);
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  return jsonb_build_object(
    'kind', 'changed', 'budget', budget_snapshot(v_tenant, v_run, p_run_id, null)
  );
end
$$;

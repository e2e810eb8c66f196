-- Brings a run whose period is over into the one that holds p_now (B8): nothing spent, thresholds armed again, demotion lifted,
-- paused tasks back in line once (B5), and the whole limit held again. Where the budgets above cannot hold that, its tasks
-- give their room and their place back and wait until they can: limits of children may exceed the parent's, spending may not (B6).
-- Does nothing within a period. Needs lock_scheduler; takes the run's and its tasks' locks.
create function roll_run(p_tenant_id text, p_run_id text, p_policy jsonb, p_now timestamptz) returns boolean
language plpgsql as $$
declare
  v_before runs;
  v_run runs;
  v_tenant tenants;
  v_task tasks;
  v_fits boolean;
begin
  select * into v_before from runs where tenant_id = p_tenant_id and run_id = p_run_id for no key update;
  if not coalesce(v_before.period_ends_at <= p_now, false) then
    return false;
  end if;
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  v_fits := v_before.live_tasks = 0 or v_before.limit_usd_nanos <= v_before.held_usd_nanos
    or money_refusals(money_levels(v_tenant, p_now), usd(v_before.limit_usd_nanos - v_before.held_usd_nanos)) = '[]';
  -- An open action falls away with the period that asked for it.
  update budget_events set acted_at = p_now, acted_by = 'none' where tenant_id = p_tenant_id and run_id = p_run_id and acted_at is null;
  update runs set
    period_start = period_start(period, p_now), period_ends_at = period_end(period, p_now), period_spent_usd_nanos = 0,
    fired_floor_percent = 0, demoted = false, budget_paused = false
  where tenant_id = p_tenant_id and run_id = p_run_id
  returning * into v_run;
  perform move_held(p_tenant_id, v_run.held_usd_nanos - v_before.held_usd_nanos);
  update tenants set answers_version = answers_version + 1 where tenant_id = p_tenant_id;
  perform lift_budget(v_before, v_run, jsonb_build_object('approvedBy', 'period', 'reason', 'a new period has begun'), p_policy, p_now);
  -- After it, since what was paused is back in line under the same hold.
  if not v_fits then
    for v_task in
      select * from tasks where tenant_id = p_tenant_id and run_id = p_run_id and quota_held order by task_id for no key update
    loop
      if v_task.state = 'queued' then
        perform displace_task(p_tenant_id, v_task.task_id, null, p_now);
      elsif v_task.state = 'granted' then
        perform leave_room(v_task, 'queued', 'short_of_money', false, p_policy, p_now);
      else
        perform begin_preemption(v_task, 'checkpoint', 'short_of_money', null, null, null, p_policy, p_now);
      end if;
    end loop;
    perform refresh_run(p_tenant_id, p_run_id, null, p_now);
  end if;
  return true;
end
$$;

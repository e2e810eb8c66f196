-- Fires every threshold that settled spend has reached, lowest first, each once per period and limit version (B4), and sets off its
-- action (B5): the rows and the events that start the chain. Needs the tenant's and the run's lock.
create function fire_thresholds(p_tenant_id text, p_run_id text, p_cause_id uuid, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_tenant tenants;
  v_run runs;
  v_threshold record;
  v_task tasks;
  v_percent numeric;
  v_alert uuid;
  v_inserted integer;
begin
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = p_run_id;
  v_percent := round(100.0 * v_run.period_spent_usd_nanos / v_run.limit_usd_nanos, 3);
  for v_threshold in
    select * from run_thresholds(v_tenant, v_run)
    -- Compared as products: exact, where a rounded percentage could fire a hair early.
    where v_run.period_spent_usd_nanos * 100.0 >= percent * v_run.limit_usd_nanos and percent > v_run.fired_floor_percent
    order by percent
  loop
    insert into budget_events (
      budget_event_id, tenant_id, run_id, threshold, level, budget_version, period_start, percent_used, limit_usd_nanos, spent_usd_nanos,
      triggered_at, acted_at, acted_by
    ) values (
      gen_random_uuid()::text, p_tenant_id, p_run_id, v_threshold.percent, v_threshold.level, v_run.budget_version, v_run.period_start, v_percent,
      v_run.limit_usd_nanos, v_run.period_spent_usd_nanos, p_now,
      case when v_threshold.level = 'warning' then p_now end, case when v_threshold.level = 'warning' then 'none' end
    ) on conflict on constraint threshold_fires_once do nothing;
    get diagnostics v_inserted = row_count;
    continue when v_inserted = 0;
    v_alert := emit_event(p_tenant_id, p_run_id, null, 'budget-alert', jsonb_build_object(
      'runId', p_run_id, 'level', v_threshold.level, 'threshold', trim_scale(v_threshold.percent), 'percentUsed', trim_scale(v_percent),
      'limitUSD', usd(v_run.limit_usd_nanos), 'spentUSD', usd(v_run.period_spent_usd_nanos)
    ), p_cause_id, p_now);
    if v_threshold.level = 'throttle' then
      update runs set demoted = true where tenant_id = p_tenant_id and run_id = p_run_id;
      for v_task in
        select * from tasks
        where tenant_id = p_tenant_id and run_id = p_run_id and overridable and state in ('queued', 'granted', 'running', 'preempting')
        order by task_id
      loop
        perform emit_event(p_tenant_id, p_run_id, v_task.task_id, 'preempt-for-budget', jsonb_build_object(
          'taskId', v_task.task_id, 'runId', p_run_id, 'reason', 'budget_exceeded', 'threshold', trim_scale(v_threshold.percent)
        ), v_alert, p_now);
      end loop;
    elsif v_threshold.level = 'pause' then
      update runs set budget_paused = true where tenant_id = p_tenant_id and run_id = p_run_id;
      perform emit_event(p_tenant_id, p_run_id, null, 'run-paused-for-budget', jsonb_build_object(
        'runId', p_run_id, 'threshold', trim_scale(v_threshold.percent), 'timestamp', iso_time(p_now)
      ), v_alert, p_now);
    end if;
  end loop;
end
$$;

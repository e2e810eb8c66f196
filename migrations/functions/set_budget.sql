-- Changes a run's limit, and with p_terms {period, thresholds} its period or thresholds (B4, B5): a new version re-arms the thresholds
-- that are again below, lifts what the old limit had brought about, and resumes paused tasks once, at their old places. A raise
-- is judged against the budgets above.
-- Returns {kind: 'changed'|'budget_exhausted'|'not_found', budget, refusals}. Takes the scheduler's lock.
create function set_budget(
  p_tenant_id text, p_run_id text, p_limit_nanos bigint, p_terms jsonb, p_reason text, p_actor text, p_policy jsonb, p_now timestamptz
) returns jsonb
language plpgsql as $$
declare
  v_tenant tenants;
  v_run runs;
  v_before runs;
  v_period jsonb;
  v_period_spent bigint;
  v_refusals jsonb;
  v_floor numeric;
begin
  perform lock_scheduler(array[p_tenant_id]);
  perform roll_run(p_tenant_id, p_run_id, p_policy, p_now);
  select * into v_before from runs where tenant_id = p_tenant_id and run_id = p_run_id for no key update;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  end if;
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  v_period := coalesce(nullif(p_terms->'period', 'null'), v_before.period);
  v_period_spent := case
    when v_period = v_before.period then v_before.period_spent_usd_nanos
    when v_period->>'kind' = 'none' then v_before.spent_usd_nanos
    else (select coalesce(sum(cost_usd_nanos), 0) from cost_events
      where tenant_id = p_tenant_id and run_id = p_run_id and occurred_at >= period_start(v_period, p_now))
  end;
  -- Money never waits, so that a raise for paused tasks is judged too, although they hold nothing yet.
  if (p_limit_nanos > v_before.limit_usd_nanos or v_period <> v_before.period)
    and exists (select 1 from tasks where tenant_id = p_tenant_id and run_id = p_run_id and ended_at is null)
  then
    v_refusals := money_refusals(money_levels(v_tenant, p_now), usd(greatest(p_limit_nanos - v_period_spent, 0) - v_before.held_usd_nanos));
    if v_refusals <> '[]' then
      return jsonb_build_object('kind', 'budget_exhausted', 'refusals', v_refusals);
    end if;
  end if;

  update runs set
    limit_usd_nanos = p_limit_nanos,
    budget_version = budget_version + 1,
    period = v_period,
    period_start = period_start(v_period, p_now),
    period_ends_at = period_end(v_period, p_now),
    period_spent_usd_nanos = v_period_spent,
    warn_percent = coalesce((p_terms->'thresholds'->>'warn')::numeric, warn_percent),
    throttle_percent = coalesce((p_terms->'thresholds'->>'throttle')::numeric, throttle_percent),
    pause_percent = coalesce((p_terms->'thresholds'->>'pause')::numeric, pause_percent),
    alert_percents = case when p_terms->'thresholds' ? 'alerts'
      then array(select value::numeric from jsonb_array_elements_text(p_terms->'thresholds'->'alerts') order by 1) else alert_percents end
  where tenant_id = p_tenant_id and run_id = p_run_id
  returning * into v_run;
  -- Thresholds fired before and still reached stay fired: a raise re-arms only what is again below. One that acts and has not
  -- fired as such does so now, even where another had fired at its percentage or above.
  with reached as (
    select t.percent, t.level, exists (
      select 1 from budget_events e
      where e.tenant_id = p_tenant_id and e.run_id = p_run_id and e.budget_version = v_before.budget_version
        and e.period_start = v_before.period_start and e.threshold = t.percent and e.level = t.level
    ) or t.percent <= v_before.fired_floor_percent and exists (
      select 1 from run_thresholds(v_tenant, v_before) b where b.percent = t.percent and b.level = t.level
    ) as fired
    from run_thresholds(v_tenant, v_run) t
    where v_period_spent * 100.0 >= t.percent * p_limit_nanos
  )
  select coalesce(max(percent), 0) into v_floor from reached
  where fired and percent < all (
    select r.percent from reached r
    where not r.fired and (r.level = 'pause' or r.level = 'throttle' and not exists (select 1 from reached p where p.fired and p.level = 'pause'))
  );
  -- An open action falls away with its cause; where the threshold is still reached it stays to be done.
  update budget_events set acted_at = p_now, acted_by = 'none'
  where tenant_id = p_tenant_id and run_id = p_run_id and acted_at is null
    and v_period_spent * 100.0 < threshold * p_limit_nanos;
  update runs set
    fired_floor_percent = v_floor,
    demoted = demoted and v_period_spent * 100.0 >= coalesce(throttle_percent, v_tenant.throttle_percent) * p_limit_nanos,
    budget_paused = budget_paused and v_period_spent * 100.0 >= coalesce(pause_percent, v_tenant.pause_percent) * p_limit_nanos
  where tenant_id = p_tenant_id and run_id = p_run_id
  returning * into v_run;
  perform move_held(p_tenant_id, v_run.held_usd_nanos - v_before.held_usd_nanos);
  update tenants set answers_version = answers_version + 1 where tenant_id = p_tenant_id;
  insert into budget_changes (tenant_id, run_id, budget_version, limit_usd_nanos, period, reason, actor, at)
  values (p_tenant_id, p_run_id, v_run.budget_version, p_limit_nanos, v_period, p_reason, p_actor, p_now);
  perform fire_thresholds(p_tenant_id, p_run_id, null, p_now);
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = p_run_id;
  perform lift_budget(v_before, v_run, jsonb_build_object('approvedBy', p_actor, 'reason', p_reason), p_policy, p_now);
  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  return jsonb_build_object('kind', 'changed', 'budget', budget_snapshot(v_tenant, v_run, p_run_id, null, p_now));
end
$$;

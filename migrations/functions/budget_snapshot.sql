-- A run's budget in 1e-9 USD for the answer, in the period that holds p_now: {limitNanos, spentNanos, heldNanos, version, fired,
-- percents, periodStart, periodEndsAt, totalNanos, approved: {by, reason, at}}. For a run that is not booked (a dry run) the limit
-- asked for stands in.
create function budget_snapshot(p_tenant tenants, p_run runs, p_run_id text, p_asked_nanos bigint, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_run runs;
  v_over boolean;
begin
  select * into v_run from runs where tenant_id = p_tenant.tenant_id and run_id = p_run_id;
  if not found then
    return jsonb_build_object(
      'limitNanos', p_asked_nanos::text, 'spentNanos', '0', 'heldNanos', p_asked_nanos::text, 'version', 1, 'fired', '[]'::jsonb,
      'percents', jsonb_build_array(p_tenant.warn_percent, p_tenant.throttle_percent, p_tenant.pause_percent),
      'periodStart', null, 'periodEndsAt', null, 'totalNanos', '0', 'approved', null
    );
  end if;
  -- A period that is over has nothing of the next one, whether or not a call has written that down (B8).
  v_over := coalesce(v_run.period_ends_at <= p_now, false);
  return jsonb_build_object(
    'limitNanos', v_run.limit_usd_nanos::text,
    'spentNanos', (case when v_over then 0 else v_run.period_spent_usd_nanos end)::text,
    'heldNanos', (case when not v_over then v_run.held_usd_nanos when v_run.live_tasks > 0 then v_run.limit_usd_nanos else 0 end)::text,
    'version', v_run.budget_version,
    'fired', case when v_over then '[]'::jsonb else (
      select coalesce(jsonb_agg(threshold order by threshold), '[]') from (
        select threshold::numeric from budget_events
        where tenant_id = v_run.tenant_id and run_id = v_run.run_id and budget_version = v_run.budget_version and period_start = v_run.period_start
        union
        select percent from run_thresholds(p_tenant, v_run) where percent <= v_run.fired_floor_percent
      ) fired
    ) end,
    'percents', jsonb_build_array(
      coalesce(v_run.warn_percent, p_tenant.warn_percent), coalesce(v_run.throttle_percent, p_tenant.throttle_percent),
      coalesce(v_run.pause_percent, p_tenant.pause_percent)
    ),
    'periodStart', case when v_run.period_ends_at is not null then iso_time(case when v_over then period_start(v_run.period, p_now) else v_run.period_start end) end,
    'periodEndsAt', iso_time(case when v_over then period_end(v_run.period, p_now) else v_run.period_ends_at end),
    'totalNanos', v_run.spent_usd_nanos::text,
    -- Who allowed this limit; of the first one, whoever started the run.
    'approved', case when v_run.budget_version > 1 then (
      select jsonb_build_object('by', c.actor, 'reason', c.reason, 'at', iso_time(c.at)) from budget_changes c
      where c.tenant_id = v_run.tenant_id and c.run_id = v_run.run_id and c.budget_version = v_run.budget_version
    ) end
  );
end
$$;

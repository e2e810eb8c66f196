-- A run's budget in 1e-9 USD for the answer: {limitNanos, spentNanos, heldNanos, version, fired, percents}.
-- For a run that is not booked (a dry run) the limit asked for stands in.
create function budget_snapshot(p_tenant tenants, p_run runs, p_run_id text, p_asked_nanos bigint) returns jsonb
language plpgsql stable as $$
declare
  v_run runs;
begin
  select * into v_run from runs where tenant_id = p_tenant.tenant_id and run_id = p_run_id;
  if not found then
    return jsonb_build_object(
      'limitNanos', p_asked_nanos::text, 'spentNanos', '0', 'heldNanos', p_asked_nanos::text, 'version', 1, 'fired', '[]'::jsonb,
      'percents', jsonb_build_array(p_tenant.warn_percent, p_tenant.throttle_percent, p_tenant.pause_percent)
    );
  end if;
  return jsonb_build_object(
    'limitNanos', v_run.limit_usd_nanos::text, 'spentNanos', v_run.spent_usd_nanos::text, 'heldNanos', v_run.held_usd_nanos::text,
    'version', v_run.budget_version,
    'fired', (
      select coalesce(jsonb_agg(threshold order by threshold), '[]') from (
        select threshold::numeric from budget_events
        where tenant_id = v_run.tenant_id and run_id = v_run.run_id and budget_version = v_run.budget_version
        union
        select percent from budget_thresholds(p_tenant) where percent <= v_run.fired_floor_percent
      ) fired
    ),
    'percents', jsonb_build_array(p_tenant.warn_percent, p_tenant.throttle_percent, p_tenant.pause_percent)
  );
end
$$;

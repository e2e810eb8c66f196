-- Whether a tenant's cost quota can hold what a run would hold once it has a live task (B3, B6). Money never waits, but a task
-- that waited for other quota takes money only when it starts.
create function money_fits(p_tenant tenants, p_run runs, p_limits jsonb, p_now timestamptz) returns boolean
language plpgsql stable as $$
declare
  v_needed_nanos bigint := case when p_run.live_tasks = 0 then greatest(p_run.limit_usd_nanos - p_run.spent_usd_nanos, 0) else 0 end;
  v_spent_nanos bigint;
begin
  if not p_limits ? 'cost' or v_needed_nanos = 0 then
    return true;
  end if;
  v_spent_nanos := tenant_spent(p_tenant.tenant_id, p_limits->'cost'->>'period', p_now);
  return v_spent_nanos + p_tenant.cost_held_usd_nanos + v_needed_nanos <= (p_limits->'cost'->>'limit')::numeric * 1000000000
    and v_spent_nanos * 100.0 < (p_limits->'cost'->>'limit')::numeric * 1000000000 * p_tenant.pause_percent;
end
$$;

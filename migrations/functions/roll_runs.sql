-- Rolls every run of a tenant (null: of all) that something depends on and whose period is over (B8): in the order of their tasks in
-- line, so that those ahead take their money first. At most p_max of them (null: all). Returns how many.
-- With a tenant it needs lock_scheduler; without one it takes it.
create function roll_runs(p_tenant_id text, p_policy jsonb, p_max integer, p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_run record;
  v_rolled integer := 0;
  v_tenants text[] := array[p_tenant_id];
begin
  -- Two questions, each with a plan of its own on the index runs_period_over: every admission asks the first.
  if p_tenant_id is not null then
    if not exists (
      select 1 from runs where tenant_id = p_tenant_id and period_ends_at <= p_now and (live_tasks > 0 or budget_paused or demoted)
    ) then
      return 0;
    end if;
  elsif not exists (select 1 from runs where period_ends_at <= p_now and (live_tasks > 0 or budget_paused or demoted)) then
    return 0;
  else
    v_tenants := array(
      select distinct tenant_id from runs where period_ends_at <= p_now and (live_tasks > 0 or budget_paused or demoted)
    );
    perform lock_scheduler(v_tenants);
  end if;
  for v_run in
    select r.tenant_id, r.run_id
    from runs r
    left join lateral (
      select min(t.queue_class) as class, min(t.accepted_at) as accepted_at from tasks t
      where t.tenant_id = r.tenant_id and t.run_id = r.run_id and t.ended_at is null
    ) t on true
    -- Only of tenants that are locked: others may have become due while this call waited.
    where r.tenant_id = any (v_tenants) and r.period_ends_at <= p_now and (r.live_tasks > 0 or r.budget_paused or r.demoted)
    order by t.class, t.accepted_at, r.run_id, r.tenant_id
    limit p_max
  loop
    v_rolled := v_rolled + roll_run(v_run.tenant_id, v_run.run_id, p_policy, p_now)::integer;
  end loop;
  return v_rolled;
end
$$;

-- Books cost events (B1): deduplicates, adds up per run, task and period of every budget above, and fires thresholds, in one
-- transaction. Validated and priced events only; exact integers of 1e-9 USD. Never refused for money (B3).
-- p_events: [{eventId, taskId, epoch, kind, costNanos (text), provider, model, usage, priceVersion, unitPrices,
--   priceMismatch, occurredAt, costStated, corrects}]; events of tasks that the run does not have are left out.
-- p_price_table: the version of the operator's price table that they were priced by; null when none of them was. If another
-- is in force nothing is written, and the answer is that of newer_prices.
-- Returns {kind, accepted: [eventId], unknownTasks: [taskId], budget, run, tasks: [rows that the caller's directive is
--   made from: the live ones and those reported on]}. Locks organisation, tenant, run.
create function record_costs(
  p_tenant_id text, p_run_id text, p_events jsonb, p_policy jsonb, p_now timestamptz, p_price_table integer default null
) returns jsonb
language plpgsql as $$
declare
  v_tenant tenants;
  v_org orgs;
  v_run runs;
  v_held_before bigint;
  v_tenant_period_start timestamptz;
  v_org_period_start timestamptz;
  v_total bigint;
  v_period_total bigint;
  v_accepted text[];
  v_unknown text[];
begin
  v_tenant := lock_costs(p_tenant_id, p_run_id, p_policy, p_now);
  select * into v_org from orgs where org_id = v_tenant.org_id;
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = p_run_id;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  end if;
  if p_price_table is not null and p_price_table <> (select coalesce(max(version), 0) from price_tables) then
    return newer_prices(p_price_table);
  end if;
  v_held_before := v_run.held_usd_nanos;
  -- Nearly every event is of the periods that hold p_now, which are worked out once.
  v_tenant_period_start := period_start(v_tenant.cost_period, p_now);
  v_org_period_start := period_start(v_org.period, p_now);

  select coalesce(array_agg(distinct e->>'taskId'), '{}') into v_unknown
  from jsonb_array_elements(p_events) as list (e)
  where e->>'taskId' is not null and not exists (
    select 1 from tasks t where t.tenant_id = p_tenant_id and t.run_id = p_run_id and t.task_id = e->>'taskId'
  );

  with given as (
    select distinct on (e->>'eventId') e, t.epoch as task_epoch
    from jsonb_array_elements(p_events) with ordinality as list (e, place)
    left join tasks t on t.tenant_id = p_tenant_id and t.run_id = p_run_id and t.task_id = e->>'taskId'
    where e->>'taskId' is null or t.task_id is not null
    order by e->>'eventId', place
  ), booked as (
    insert into cost_events (
      tenant_id, run_id, event_id, task_id, epoch, kind, cost_usd_nanos, provider, model, usage, price_version, unit_prices,
      price_mismatch, stale_epoch, occurred_at, recorded_at, cost_stated, corrects, org_id
    )
    select p_tenant_id, p_run_id, e->>'eventId', e->>'taskId', (e->>'epoch')::bigint, e->>'kind', (e->>'costNanos')::bigint,
      e->>'provider', e->>'model', nullif(e->'usage', 'null'), e->>'priceVersion', nullif(e->'unitPrices', 'null'),
      coalesce((e->>'priceMismatch')::boolean, false), coalesce((e->>'epoch')::bigint < task_epoch, false),
      (e->>'occurredAt')::timestamptz, p_now, (e->>'costStated')::boolean, e->>'corrects', v_tenant.org_id
    from given
    on conflict on constraint cost_event_once do nothing
    returning event_id, task_id, cost_usd_nanos, occurred_at
  ), by_task as (
    update tasks t set spent_usd_nanos = t.spent_usd_nanos + s.cost
    from (select task_id, sum(cost_usd_nanos)::bigint as cost from booked where task_id is not null group by task_id) s
    where t.tenant_id = p_tenant_id and t.task_id = s.task_id
  ), by_period as (
    insert into account_spend as s (scope, account_id, period_start, spent_usd_nanos)
    select 'tenant', p_tenant_id, case when occurred_at >= v_tenant_period_start then v_tenant_period_start else period_start(v_tenant.cost_period, occurred_at) end,
      sum(cost_usd_nanos)
    from booked group by 3
    union all
    select 'org', v_org.org_id, case when occurred_at >= v_org_period_start then v_org_period_start else period_start(v_org.period, occurred_at) end,
      sum(cost_usd_nanos)
    from booked where v_org.org_id is not null group by 3
    on conflict (scope, account_id, period_start) do update set spent_usd_nanos = s.spent_usd_nanos + excluded.spent_usd_nanos
  )
  select coalesce(array_agg(event_id), '{}'), coalesce(sum(cost_usd_nanos), 0),
    coalesce(sum(cost_usd_nanos) filter (where v_run.period_ends_at is null or occurred_at >= v_run.period_start), 0)
  into v_accepted, v_total, v_period_total from booked;

  -- Amounts that cancel out may still be of different periods of the budgets above.
  if cardinality(v_accepted) > 0 then
    update runs set spent_usd_nanos = spent_usd_nanos + v_total, period_spent_usd_nanos = period_spent_usd_nanos + v_period_total where tenant_id = p_tenant_id and run_id = p_run_id
    returning * into v_run;
    -- Spending moves money from held to settled (B3).
    perform move_held(p_tenant_id, v_run.held_usd_nanos - v_held_before);
    perform fire_thresholds(p_tenant_id, p_run_id, null, p_now);
    perform fire_account_thresholds('tenant', p_tenant_id, p_tenant_id, false, p_now);
    if v_org.org_id is not null then
      perform fire_account_thresholds('org', v_org.org_id, p_tenant_id, false, p_now);
    end if;
  end if;

  select * into v_tenant from tenants where tenant_id = p_tenant_id;
  return jsonb_build_object(
    'kind', 'booked', 'accepted', to_jsonb(v_accepted), 'unknownTasks', to_jsonb(v_unknown),
    'budget', budget_snapshot(v_tenant, v_run, p_run_id, null, p_now),
    'tasks', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.preempt_deadline nulls last, t.task_id), '[]') from tasks t
      where t.tenant_id = p_tenant_id and t.run_id = p_run_id and (
        t.ended_at is null or t.task_id in (select e->>'taskId' from jsonb_array_elements(p_events) as list (e))
      )
    ),
    'run', (select jsonb_build_object('startedAt', started_at, 'maxDurationMs', max_duration_ms, 'status', status, 'budgetPaused', budget_paused)
      from runs where tenant_id = p_tenant_id and run_id = p_run_id)
  );
end
$$;

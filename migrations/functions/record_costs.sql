-- Books cost events (B1): deduplicates, adds up per run, task and period of every budget above, and fires thresholds, in one
-- transaction. Validated and priced events only; exact integers of 1e-9 USD. Never refused for money (B3).
-- p_events: [{eventId, costNanos (text), costStated, taskId, epoch, kind, provider, model, usage, price or priceVersion and
--   unitPrices, priceMismatch, occurredAt, corrects}]; what is null or left out is absent, of kind 'usage', no mismatch, and
--   occurred at p_now. Events of tasks that the run does not have are left out.
-- p_prices: [{priceVersion, unitPrices}], of which `price` is the place: a batch has few price lists and many events.
-- p_price_table: the version of the operator's price table that they were priced by; null when none of them was. If another
-- is in force nothing is written, and the answer is that of newer_prices.
-- Returns {kind, accepted: [eventId], unknownTasks: [taskId], budget, run, tasks: [rows that the caller's directive is
--   made from: the live ones and those reported on]}. Locks organisation, tenant, run.
create function record_costs(
  p_tenant_id text, p_run_id text, p_events jsonb, p_policy jsonb, p_now timestamptz, p_price_table integer default null,
  p_prices jsonb default '[]'
) returns jsonb
-- Planning takes longer than a batch of one does.
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_tenant tenants;
  v_org orgs;
  v_run runs;
  v_held_before bigint;
  v_named jsonb;
  v_epochs jsonb := '{}';
  v_unknown text[] := '{}';
  v_accepted text[];
  v_tasks text[];
  v_costs bigint[];
  v_times timestamptz[];
  v_total bigint;
  v_period_total bigint;
  v_first_at timestamptz;
  v_tenant_spent bigint;
  v_org_spent bigint;
  v_limit_nanos numeric;
begin
  v_tenant := lock_costs(p_tenant_id, p_run_id, p_policy, p_now);
  select * into v_run from runs where tenant_id = p_tenant_id and run_id = p_run_id;
  if not found then
    return jsonb_build_object('kind', 'not_found');
  end if;
  if p_price_table is not null and p_price_table <> (select coalesce(max(version), 0) from price_tables) then
    return newer_prices(p_price_table);
  end if;
  if v_tenant.org_id is not null then
    select * into v_org from orgs where org_id = v_tenant.org_id;
  end if;
  v_held_before := v_run.held_usd_nanos;

  -- Of the tasks that are named: their epochs, and which the run does not have. Most reports name none.
  v_named := jsonb_path_query_array(p_events, '$[*].taskId ? (@ != null)');
  if v_named <> '[]' then
    select coalesce(jsonb_object_agg(n.task_id, t.epoch) filter (where t.task_id is not null), '{}'),
      coalesce(array_agg(n.task_id) filter (where t.task_id is null), '{}')
    into v_epochs, v_unknown
    from (select distinct jsonb_array_elements_text(v_named) as task_id) n
    left join tasks t on t.tenant_id = p_tenant_id and t.run_id = p_run_id and t.task_id = n.task_id;
  end if;

  -- Read once, in the order of the list: of events with one id the first is booked, since the conflict is also with rows of this
  -- very statement.
  with booked as (
    insert into cost_events (
      tenant_id, run_id, event_id, task_id, epoch, kind, cost_usd_nanos, provider, model, usage, price_version, unit_prices,
      price_mismatch, stale_epoch, occurred_at, recorded_at, cost_stated, corrects, org_id
    )
    select p_tenant_id, p_run_id, e."eventId", e."taskId", e.epoch, coalesce(e.kind, 'usage'), e."costNanos", e.provider, e.model, e.usage,
      coalesce(e."priceVersion", p_prices->e.price->>'priceVersion'), coalesce(e."unitPrices", p_prices->e.price->'unitPrices'),
      coalesce(e."priceMismatch", false), coalesce(e.epoch < (v_epochs->>e."taskId")::bigint, false),
      coalesce(e."occurredAt", p_now), p_now, e."costStated", e.corrects, v_tenant.org_id
    from jsonb_to_recordset(p_events) as e (
      "eventId" text, "costNanos" bigint, "costStated" boolean, "taskId" text, epoch bigint, kind text, provider text, model text, usage jsonb,
      price integer, "priceVersion" text, "unitPrices" jsonb, "priceMismatch" boolean, "occurredAt" timestamptz, corrects text
    )
    where e."taskId" is null or v_epochs ? e."taskId"
    on conflict on constraint cost_event_once do nothing
    returning event_id, task_id, cost_usd_nanos, occurred_at
  )
  select coalesce(array_agg(event_id), '{}'), array_agg(task_id), array_agg(cost_usd_nanos), array_agg(occurred_at),
    coalesce(sum(cost_usd_nanos), 0),
    coalesce(sum(cost_usd_nanos) filter (where v_run.period_ends_at is null or occurred_at >= v_run.period_start), 0), min(occurred_at)
  into v_accepted, v_tasks, v_costs, v_times, v_total, v_period_total, v_first_at from booked;

  if v_accepted <> '{}' then
    if v_named <> '[]' then
      update tasks t set spent_usd_nanos = t.spent_usd_nanos + s.cost
      from (
        select task_id, sum(cost)::bigint as cost from unnest(v_tasks, v_costs) as b (task_id, cost) where task_id is not null group by task_id
      ) s
      where t.tenant_id = p_tenant_id and t.task_id = s.task_id;
    end if;
    v_tenant_spent := add_spend('tenant', p_tenant_id, v_tenant.cost_period, v_total, v_first_at, v_costs, v_times, p_now);
    if v_org.org_id is not null then
      v_org_spent := add_spend('org', v_org.org_id, v_org.period, v_total, v_first_at, v_costs, v_times, p_now);
    end if;
    -- Whatever the sum: amounts that cancel out may be of different periods of the budgets above.
    update runs set spent_usd_nanos = spent_usd_nanos + v_total, period_spent_usd_nanos = period_spent_usd_nanos + v_period_total where tenant_id = p_tenant_id and run_id = p_run_id
    returning * into v_run;
    -- Spending moves money from held to settled (B3).
    perform move_held(p_tenant_id, v_run.held_usd_nanos - v_held_before);
    if may_fire(
      v_run.period_spent_usd_nanos, v_run.limit_usd_nanos, coalesce(v_run.warn_percent, v_tenant.warn_percent),
      coalesce(v_run.throttle_percent, v_tenant.throttle_percent), coalesce(v_run.pause_percent, v_tenant.pause_percent),
      coalesce(v_run.alert_percents, v_tenant.alert_percents)
    ) then
      perform fire_thresholds(p_tenant_id, p_run_id, null, p_now);
      select * into v_run from runs where tenant_id = p_tenant_id and run_id = p_run_id;
    end if;
    select limit_value * 1000000000 into v_limit_nanos from tenant_quotas where tenant_id = p_tenant_id and resource = 'cost';
    if may_fire(v_tenant_spent, v_limit_nanos, v_tenant.warn_percent, v_tenant.throttle_percent, v_tenant.pause_percent, v_tenant.alert_percents) then
      perform fire_account_thresholds('tenant', p_tenant_id, p_tenant_id, false, p_now);
    end if;
    if v_org.org_id is not null and may_fire(
      v_org_spent, v_org.limit_usd_nanos, v_org.warn_percent, v_org.throttle_percent, v_org.pause_percent, v_org.alert_percents
    ) then
      perform fire_account_thresholds('org', v_org.org_id, p_tenant_id, false, p_now);
    end if;
  end if;

  return jsonb_build_object(
    'kind', 'booked', 'accepted', to_jsonb(v_accepted), 'unknownTasks', to_jsonb(v_unknown),
    'budget', budget_snapshot(v_tenant, v_run, p_run_id, null, p_now),
    'tasks', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.preempt_deadline nulls last, t.task_id), '[]') from tasks t
      where t.tenant_id = p_tenant_id and t.run_id = p_run_id and (t.ended_at is null or v_epochs ? t.task_id)
    ),
    'run', jsonb_build_object(
      'startedAt', v_run.started_at, 'maxDurationMs', v_run.max_duration_ms, 'status', v_run.status, 'budgetPaused', v_run.budget_paused
    )
  );
end
$$;

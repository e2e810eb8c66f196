-- Judges one request against throttle, quotas, money and pool, and names every failing dimension (A1, A2). Pure: what it
-- knows is in p_facts (`admission_facts`), so that the live call (under locks), the dry run (A8) and the explanation of a
-- stored decision (R5) cannot disagree.
-- The tenant's own numbers of the policy are among the facts, and laid over p_policy.
-- p_ask: {phase, cpu, memoryGb, maxCostNanos (null for a further phase), ..}.
-- Returns {reasons, burstCpu, burstMemoryGb, startable, quotaCanWait, quotaMustWait, advice}; an empty list of reasons means
-- accepted, startable that it need not wait for the pool, quotaMustWait that others of its tenant wait for quota ahead of it.
-- advice, a rejected score that the caller is to hear of and that blocks nothing, is there only where there is one.
create function judge_admission(p_facts jsonb, p_ask jsonb, p_policy jsonb, p_now timestamptz) returns jsonb
language plpgsql immutable as $$
declare
  v_tenant jsonb := p_facts->'tenant';
  v_limits jsonb := p_facts->'limits';
  v_pool jsonb := p_facts->'pool';
  v_run jsonb := nullif(p_facts->'run', 'null');
  v_gate jsonb := nullif(p_facts->'run'->'closedGate', 'null');
  v_reasons jsonb := '[]';
  v_over jsonb := '[]';
  v_refusals jsonb;
  v_never boolean := false;
  v_starts_run boolean := v_run is null or (v_run->>'liveTasks')::integer = 0;
  v_throttled boolean := coalesce((v_tenant->>'throttledUntil')::timestamptz > p_now, false);
  -- Facts stored before tenants had numbers of their own name none.
  v_policy jsonb := p_policy || coalesce(p_facts->'policy', '{}');
  v_retry_at text := iso_time(p_now + make_interval(secs => policy_number(v_policy, 'retry_seconds')::double precision));
  v_quota_must_wait boolean := (p_facts->>'quotaLineBlocks')::boolean;
  v_startable boolean;
  v_advice jsonb := '{}';
  v_quota record;
  v_burst_cpu numeric := 0;
  v_burst_memory_gb numeric := 0;
begin
  v_startable := not (p_facts->>'lineBlocks')::boolean and not v_quota_must_wait
    and coalesce((v_pool->>'tasksRoom')::numeric >= 1, true)
    and coalesce((p_ask->>'cpu')::numeric <= (v_pool->>'cpuRoom')::numeric, true)
    and coalesce((p_ask->>'memoryGb')::numeric <= (v_pool->>'memoryGbRoom')::numeric, true);

  if v_throttled then
    v_reasons := v_reasons || jsonb_build_object('code', 'throttled', 'level', 'tenant', 'retryAt', v_tenant->'throttledUntil');
  end if;

  -- cpu and memory: within the limit, or within the burst out of idle room, or later, or never.
  for v_quota in
    select 1 as place, 'cpu' as resource, (p_ask->>'cpu')::numeric as asked,
      (v_tenant->>'cpuHeld')::numeric + (p_facts->'promisedQuota'->>'cpu')::numeric as held, (p_facts->'promisedQuota'->>'cpu')::numeric as promised,
      (v_tenant->>'cpuInUse')::numeric as used,
      (v_pool->>'cpu')::numeric as capacity, (v_pool->>'cpuUsed')::numeric as pool_used
    union all
    select 2, 'memory', (p_ask->>'memoryGb')::numeric,
      (v_tenant->>'memoryGbHeld')::numeric + (p_facts->'promisedQuota'->>'memoryGb')::numeric, (p_facts->'promisedQuota'->>'memoryGb')::numeric, (v_tenant->>'memoryGbInUse')::numeric,
      (v_pool->>'memoryGb')::numeric, (v_pool->>'memoryGbUsed')::numeric
    union all
    -- Every task takes one slot of the pool; no tenant has a limit of them.
    select 3, 'tasks', 1, 0, 0, 0, (v_pool->>'tasks')::numeric, (v_pool->>'tasksUsed')::numeric
    order by place
  loop
    if v_limits ? v_quota.resource then
      declare
        v_limit numeric := (v_limits->v_quota.resource->>'limit')::numeric;
        v_burst numeric := (v_limits->v_quota.resource->>'burst')::numeric;
        v_reason jsonb := jsonb_build_object(
          'resource', v_quota.resource, 'level', 'tenant', 'limit', v_limit, 'burst', v_burst,
          'used', v_quota.used, 'held', v_quota.held, 'asked', v_quota.asked
        );
        v_borrowed numeric := least(v_quota.asked, v_quota.held + v_quota.asked - v_limit);
      begin
        if v_quota.asked > v_limit + v_burst then
          v_never := true;
          v_reasons := v_reasons || (v_reason || jsonb_build_object('code', 'never_fits'));
        elsif v_borrowed > 0 then
          if v_quota.held + v_quota.asked <= v_limit + v_burst and v_startable and not v_throttled then
            -- Marked is what the tenant holds above its limit; what is promised to others it does not hold yet.
            if v_quota.resource = 'cpu' then
              v_burst_cpu := least(v_quota.asked, greatest(v_quota.held - v_quota.promised + v_quota.asked - v_limit, 0));
            else
              v_burst_memory_gb := least(v_quota.asked, greatest(v_quota.held - v_quota.promised + v_quota.asked - v_limit, 0));
            end if;
          else
            v_over := v_over || (v_reason || jsonb_build_object('code', 'quota_exceeded', 'retryAt', v_retry_at));
          end if;
        end if;
      end;
    end if;
    if v_quota.asked > v_quota.capacity then
      v_never := true;
      v_reasons := v_reasons || jsonb_build_object(
        'code', 'never_fits', 'resource', v_quota.resource, 'level', 'pool', 'limit', v_quota.capacity, 'burst', 0,
        'used', v_quota.pool_used, 'held', v_quota.pool_used, 'asked', v_quota.asked
      );
    end if;
  end loop;

  if v_starts_run and v_limits ? 'concurrent_runs' then
    declare
      v_limit numeric := (v_limits->'concurrent_runs'->>'limit')::numeric;
      v_held numeric := (v_tenant->>'runsHeld')::numeric + (p_facts->'promisedQuota'->>'runs')::numeric;
      v_reason jsonb := jsonb_build_object(
        'resource', 'concurrent_runs', 'level', 'tenant', 'limit', v_limit, 'burst', 0, 'used', v_tenant->'runsHeld', 'held', v_held, 'asked', 1
      );
    begin
      if v_limit < 1 then
        v_never := true;
        v_reasons := v_reasons || (v_reason || jsonb_build_object('code', 'never_fits'));
      elsif v_held + 1 > v_limit then
        v_over := v_over || (v_reason || jsonb_build_object('code', 'quota_exceeded', 'retryAt', v_retry_at));
      end if;
    end;
  end if;

  -- The quality gate: a plan that was rejected blocks the run's next phase until a later score passes (D5); to revise it, its own
  -- phase may come again. Facts stored before the gate knew its score say only how the last one was judged.
  if v_tenant->>'qualityGate' = 'enforce' and v_gate->>'phase' <> p_ask->>'phase' then
    v_reasons := v_reasons || jsonb_build_object('code', 'quality_gate', 'level', 'run', 'score', v_gate);
  elsif v_tenant->>'qualityGate' = 'enforce' and v_run->>'lastVerdict' = 'reject' then
    v_reasons := v_reasons || jsonb_build_object('code', 'quality_gate', 'level', 'run');
  elsif v_gate is not null then
    v_advice := jsonb_build_object('advice', v_gate);
  end if;

  v_reasons := v_reasons || v_over;

  -- Money: the budgets above the run, nearest first, then the run's own. Money never waits.
  v_refusals := money_refusals(p_facts->'money', case
    when v_run is null then (p_ask->>'maxCostNanos')::numeric / 1000000000
    -- Facts stored before holds were rows do not say whether the run's stands.
    when v_starts_run or not coalesce((v_run->>'holdStands')::boolean, true) then greatest((v_run->>'limitUSD')::numeric - (v_run->>'spentUSD')::numeric, 0)
    else 0
  end);
  v_reasons := v_reasons || v_refusals;
  v_never := v_never or v_refusals @> '[{"code": "never_fits"}]';
  if v_run is not null and (
    (v_run->>'budgetPaused')::boolean
    or (v_run->>'spentUSD')::numeric * 100 >= (v_run->>'limitUSD')::numeric * (v_run->>'pausePercent')::numeric
  ) then
    v_reasons := v_reasons || jsonb_build_object(
      'code', 'budget_exhausted', 'resource', 'cost', 'level', 'run', 'limit', v_run->'limitUSD', 'burst', 0,
      'used', v_run->'spentUSD', 'held', v_run->'heldUSD', 'asked', 0, 'retryAt', v_run->'periodEndsAt'
    );
  end if;

  return jsonb_build_object(
    -- The leading code comes first (A2); within a code, the order in which the dimensions were judged.
    'reasons', (
      select coalesce(jsonb_agg(reason order by
        array_position(array['throttled', 'never_fits', 'quality_gate', 'quota_exceeded', 'budget_exhausted'], reason->>'code'), place
      ), '[]')
      from jsonb_array_elements(v_reasons) with ordinality as listed (reason, place)
    ),
    'burstCpu', v_burst_cpu, 'burstMemoryGb', v_burst_memory_gb, 'startable', v_startable,
    -- Only quota stands in the way, and it can hold the request later (A16).
    'quotaCanWait', not v_never and jsonb_array_length(v_over) > 0 and jsonb_array_length(v_over) = jsonb_array_length(v_reasons),
    'quotaMustWait', v_quota_must_wait
  ) || v_advice;
end
$$;

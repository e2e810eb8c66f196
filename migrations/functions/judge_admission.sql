-- Judges one request against throttle, quotas, money and pool, and names every failing dimension (A1, A2). Reads only;
-- the same function serves the live call (under locks) and the dry run (A8), so they cannot disagree.
-- p_run is null for a new run. p_ask: {taskId, class, cpu, memoryGb, maxCostNanos}.
-- Returns {reasons, burstCpu, burstMemoryGb, startable, quotaCanWait, counters}; an empty list of reasons means accepted,
-- and startable that it need not wait for the pool.
create function judge_admission(
  p_tenant tenants, p_pool pool, p_run runs, p_ask jsonb, p_policy jsonb, p_now timestamptz
) returns jsonb
language plpgsql stable as $$
declare
  v_reasons jsonb := '[]';
  v_cpu numeric := (p_ask->>'cpu')::numeric;
  v_memory_gb numeric := (p_ask->>'memoryGb')::numeric;
  v_starts_run boolean := p_run.run_id is null or p_run.live_tasks = 0;
  v_cost_nanos bigint := case
    when p_run.run_id is null then (p_ask->>'maxCostNanos')::bigint
    when p_run.live_tasks = 0 then greatest(p_run.limit_usd_nanos - p_run.spent_usd_nanos, 0)
    else 0
  end;
  v_throttled boolean := coalesce(p_tenant.throttled_until > p_now, false);
  v_retry_at timestamptz := p_now + make_interval(secs => policy_number(p_policy, 'retry_seconds')::double precision);
  v_room record;
  v_startable boolean;
  v_quota record;
  v_limits jsonb;
  v_spent_nanos bigint;
  v_burst numeric[] := array[0, 0];
  v_never boolean := false;
  v_over jsonb := '[]';
  v_gate text;
  v_index integer;
begin
  select jsonb_object_agg(resource, jsonb_build_object(
    'limit', limit_value, 'burstShare', coalesce(burst_share, policy_number(p_policy, 'burst_share')), 'period', coalesce(period, 'month')
  )) into v_limits
  from tenant_quotas where tenant_id = p_tenant.tenant_id and limit_value is not null;
  v_limits := coalesce(v_limits, '{}');
  select * into v_room from pool_room(p_pool, p_now, null, null);
  v_startable := (v_room.cpu is null or v_cpu <= v_room.cpu) and (v_room.memory_gb is null or v_memory_gb <= v_room.memory_gb)
    and not line_blocks(p_tenant, p_pool, p_ask, v_room.cpu, v_room.memory_gb, p_policy, p_now);
  select coalesce(sum(spent_usd_nanos), 0) into v_spent_nanos from tenant_spend
  where tenant_id = p_tenant.tenant_id
    and (v_limits->'cost'->>'period' = 'none' or period_start = date_trunc('month', p_now, 'UTC'));

  if v_throttled then
    v_reasons := v_reasons || jsonb_build_object(
      'code', 'throttled', 'level', 'tenant', 'retryAt', iso_time(p_tenant.throttled_until)
    );
  end if;

  -- cpu and memory: within the limit, or within the burst out of idle room, or later, or never.
  for v_quota in
    select 1 as place, 'cpu' as resource, v_cpu as asked, p_tenant.cpu_held as held, p_tenant.cpu_in_use as used, p_pool.cpu as capacity
    union all
    select 2, 'memory', v_memory_gb, p_tenant.memory_gb_held, p_tenant.memory_gb_in_use, p_pool.memory_gb
    order by place
  loop
    v_index := v_quota.place;
    if v_limits ? v_quota.resource then
      declare
        v_limit numeric := (v_limits->v_quota.resource->>'limit')::numeric;
        v_burst_limit numeric := v_limit * (1 + (v_limits->v_quota.resource->>'burstShare')::numeric);
        v_reason jsonb := jsonb_build_object(
          'resource', v_quota.resource, 'level', 'tenant', 'limit', v_limit, 'burst', v_burst_limit - v_limit,
          'used', v_quota.used, 'held', v_quota.held, 'asked', v_quota.asked
        );
      begin
        if v_quota.asked > v_burst_limit then
          v_never := true;
          v_reasons := v_reasons || (v_reason || jsonb_build_object('code', 'never_fits'));
        elsif v_quota.held + v_quota.asked > v_limit and v_quota.asked > 0 then
          if v_quota.held + v_quota.asked <= v_burst_limit and v_startable and not v_throttled then
            v_burst[v_index] := least(v_quota.asked, v_quota.held + v_quota.asked - v_limit);
          else
            v_over := v_over || (v_reason || jsonb_build_object(
              'code', 'quota_exceeded', 'retryAt', iso_time(v_retry_at), 'canWait', v_quota.asked <= v_limit
            ));
          end if;
        end if;
      end;
    end if;
    if v_quota.capacity is not null and v_quota.asked > v_quota.capacity then
      v_never := true;
      v_reasons := v_reasons || jsonb_build_object(
        'code', 'never_fits', 'resource', v_quota.resource, 'level', 'pool', 'limit', v_quota.capacity, 'burst', 0,
        'used', case v_index when 1 then p_pool.cpu_used else p_pool.memory_gb_used end,
        'held', case v_index when 1 then p_pool.cpu_used else p_pool.memory_gb_used end, 'asked', v_quota.asked
      );
    end if;
  end loop;

  if v_starts_run and v_limits ? 'concurrent_runs' then
    declare
      v_limit numeric := (v_limits->'concurrent_runs'->>'limit')::numeric;
      v_reason jsonb := jsonb_build_object(
        'resource', 'concurrent_runs', 'level', 'tenant', 'limit', v_limit, 'burst', 0,
        'used', p_tenant.runs_held, 'held', p_tenant.runs_held, 'asked', 1
      );
    begin
      if v_limit < 1 then
        v_never := true;
        v_reasons := v_reasons || (v_reason || jsonb_build_object('code', 'never_fits'));
      elsif p_tenant.runs_held + 1 > v_limit then
        v_over := v_over || (v_reason || jsonb_build_object('code', 'quota_exceeded', 'retryAt', iso_time(v_retry_at), 'canWait', true));
      end if;
    end;
  end if;

  -- The quality gate: a plan that was rejected blocks the run's next phase until a later score passes (D5).
  if p_run.run_id is not null and p_tenant.quality_gate = 'enforce' then
    select recommendation into v_gate from deliberation_scores
    where tenant_id = p_tenant.tenant_id and run_id = p_run.run_id and recommendation in ('pass', 'reject')
    order by created_at desc, score_id desc limit 1;
    if v_gate = 'reject' then
      v_reasons := v_reasons || jsonb_build_object('code', 'quality_gate', 'level', 'run');
    end if;
  end if;

  v_reasons := v_reasons || v_over;

  -- Money: the tenant's cost quota, then the run's own budget. Money never waits.
  if v_limits ? 'cost' and v_cost_nanos > 0 then
    declare
      v_limit_nanos bigint := ((v_limits->'cost'->>'limit')::numeric * 1000000000)::bigint;
      v_reason jsonb := jsonb_build_object(
        'resource', 'cost', 'level', 'tenant', 'limit', usd(v_limit_nanos), 'burst', 0, 'used', usd(v_spent_nanos),
        'held', usd(p_tenant.cost_held_usd_nanos), 'asked', usd(v_cost_nanos)
      );
    begin
      if v_cost_nanos > v_limit_nanos then
        v_never := true;
        v_reasons := v_reasons || (v_reason || jsonb_build_object('code', 'never_fits'));
      elsif v_spent_nanos + p_tenant.cost_held_usd_nanos + v_cost_nanos > v_limit_nanos
        -- From the pause threshold on the tenant gets no new holds, however small (B6).
        or v_spent_nanos * 100.0 >= v_limit_nanos * p_tenant.pause_percent
      then
        v_reasons := v_reasons || (v_reason || jsonb_build_object(
          'code', 'budget_exhausted',
          'retryAt', case when v_limits->'cost'->>'period' = 'month'
            then iso_time(date_trunc('month', p_now, 'UTC') + interval '1 month') end
        ));
      end if;
    end;
  end if;
  if p_run.run_id is not null and (
    p_run.budget_paused or p_run.spent_usd_nanos * 100.0 >= p_run.limit_usd_nanos * p_tenant.pause_percent
  ) then
    v_reasons := v_reasons || jsonb_build_object(
      'code', 'budget_exhausted', 'resource', 'cost', 'level', 'run', 'limit', usd(p_run.limit_usd_nanos), 'burst', 0,
      'used', usd(p_run.spent_usd_nanos), 'held', usd(p_run.held_usd_nanos), 'asked', 0
    );
  end if;

  return jsonb_build_object(
    -- The leading code comes first (A2); within a code, the order in which the dimensions were judged.
    'reasons', (
      select coalesce(jsonb_agg(reason - 'canWait' order by
        array_position(array['throttled', 'never_fits', 'quality_gate', 'quota_exceeded', 'budget_exhausted'], reason->>'code'), place
      ), '[]')
      from jsonb_array_elements(v_reasons) with ordinality as listed (reason, place)
    ),
    'burstCpu', v_burst[1], 'burstMemoryGb', v_burst[2], 'startable', v_startable,
    -- Only quota stands in the way, and it can hold the request later (A16).
    'quotaCanWait', not v_never and jsonb_array_length(v_over) > 0 and (
      select bool_and(reason->>'code' = 'quota_exceeded' and coalesce((reason->>'canWait')::boolean, false))
      from jsonb_array_elements(v_reasons) as listed (reason)
    ),
    'counters', jsonb_build_object(
      'tenant', jsonb_build_object(
        'cpuHeld', p_tenant.cpu_held, 'memoryGbHeld', p_tenant.memory_gb_held, 'runsHeld', p_tenant.runs_held,
        'costHeldUSD', usd(p_tenant.cost_held_usd_nanos), 'costSpentUSD', usd(v_spent_nanos),
        'throttledUntil', iso_time(p_tenant.throttled_until), 'weight', p_tenant.weight
      ),
      'limits', v_limits,
      'pool', jsonb_build_object(
        'cpu', p_pool.cpu, 'memoryGb', p_pool.memory_gb, 'cpuUsed', p_pool.cpu_used, 'memoryGbUsed', p_pool.memory_gb_used,
        'cpuRoom', v_room.cpu, 'memoryGbRoom', v_room.memory_gb, 'version', p_pool.version
      )
    )
  );
end
$$;

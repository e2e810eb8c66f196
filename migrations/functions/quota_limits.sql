-- A tenant's limits as decisions read them: {cpu: {limit, burst}, memory: {..}, cost: {limit}, concurrent_runs: {limit}},
-- with only those that are set. Burst is an amount here, whether it was given as one or as a share of the limit (A5).
create function quota_limits(p_tenant_id text, p_policy jsonb) returns jsonb
language plpgsql stable as $$
begin
  return (
    select coalesce(jsonb_object_agg(resource, jsonb_strip_nulls(jsonb_build_object(
      'limit', limit_value,
      'burst', case when resource in ('cpu', 'memory')
        then trim_scale(coalesce(burst_value, limit_value * coalesce(burst_share, policy_number(p_policy, 'burst_share')))) end
    ))), '{}')
    from tenant_quotas where tenant_id = p_tenant_id and limit_value is not null
  );
end
$$;

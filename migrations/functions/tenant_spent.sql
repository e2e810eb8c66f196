-- What a tenant has spent in the period of its cost quota that holds p_now, in 1e-9 USD.
create function tenant_spent(p_tenant_id text, p_period text, p_now timestamptz) returns bigint
language plpgsql stable as $$
begin
  return (
    select coalesce(sum(spent_usd_nanos), 0) from tenant_spend
    where tenant_id = p_tenant_id and (p_period = 'none' or period_start = date_trunc('month', p_now, 'UTC'))
  );
end
$$;

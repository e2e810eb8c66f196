-- Whether a run's open hold has expired (see `expired_holds`) and what it held does not fit the budgets above any more: then it has to
-- be given up, and taken again once it fits (B3).
create function hold_is_lost(p_tenant_id text, p_run_id text, p_now timestamptz) returns boolean
language plpgsql stable as $$
begin
  return run_hold_has_expired(p_tenant_id, p_run_id, p_now) and money_refusals(
    money_levels((select n from tenants n where n.tenant_id = p_tenant_id), p_now),
    usd((select r.held_usd_nanos from runs r where r.tenant_id = p_tenant_id and r.run_id = p_run_id))
  ) <> '[]';
end
$$;

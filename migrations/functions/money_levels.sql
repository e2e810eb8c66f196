-- The budgets above a run, nearest first, as decisions read them (B6): [{level: 'tenant'|'org', id, limitUSD (null = no bound),
-- spentUSD of the period that holds p_now, heldUSD without what has expired, pausePercent, periodEndsAt}].
create function money_levels(p_tenant tenants, p_now timestamptz) returns jsonb
language plpgsql stable as $$
declare
  v_org orgs;
  v_levels jsonb := jsonb_build_array(jsonb_build_object(
    'level', 'tenant', 'id', p_tenant.tenant_id,
    'limitUSD', (select limit_value from tenant_quotas where tenant_id = p_tenant.tenant_id and resource = 'cost'),
    'spentUSD', usd(account_spent('tenant', p_tenant.tenant_id, p_tenant.cost_period, p_now)),
    'heldUSD', usd(p_tenant.cost_held_usd_nanos - expired_holds('tenant', p_tenant.tenant_id, p_now)),
    'pausePercent', p_tenant.pause_percent, 'periodEndsAt', iso_time(period_end(p_tenant.cost_period, p_now))
  ));
begin
  if p_tenant.org_id is null then
    return v_levels;
  end if;
  select * into v_org from orgs where org_id = p_tenant.org_id;
  return v_levels || jsonb_build_object(
    'level', 'org', 'id', v_org.org_id, 'limitUSD', usd(v_org.limit_usd_nanos),
    'spentUSD', usd(account_spent('org', v_org.org_id, v_org.period, p_now)),
    'heldUSD', usd(v_org.cost_held_usd_nanos - expired_holds('org', v_org.org_id, p_now)),
    'pausePercent', v_org.pause_percent, 'periodEndsAt', iso_time(period_end(v_org.period, p_now))
  );
end
$$;

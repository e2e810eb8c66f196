-- Locks a tenant and its organisation, in the one order (see lock_scheduler), and returns the tenant. One that changed its
-- organisation while this waited has the wrong one locked: to take the right one now would be against the order, and a deadlock
-- with whoever books on it. The call is given up at once, to be made again.
create function lock_accounts(p_tenant_id text) returns tenants
language plpgsql as $$
declare
  v_tenant tenants;
  v_org_id text;
begin
  select org_id into v_org_id from tenants where tenant_id = p_tenant_id;
  perform 1 from orgs where org_id = v_org_id for no key update;
  select * into v_tenant from tenants where tenant_id = p_tenant_id for no key update;
  if v_tenant.org_id is distinct from v_org_id then
    raise serialization_failure using message = format('tenant %s has just changed its organisation; make the call again', p_tenant_id);
  end if;
  return v_tenant;
end
$$;

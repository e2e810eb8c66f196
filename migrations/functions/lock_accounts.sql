-- Locks a tenant and its organisation, in the one order (see lock_scheduler), and returns the tenant.
create function lock_accounts(p_tenant_id text) returns tenants
language plpgsql as $$
declare
  v_tenant tenants;
begin
  perform 1 from orgs where org_id = (select org_id from tenants where tenant_id = p_tenant_id) for no key update;
  select * into v_tenant from tenants where tenant_id = p_tenant_id for no key update;
  return v_tenant;
end
$$;

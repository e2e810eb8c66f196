-- The policy as it is for one tenant: the stage's numbers, with the tenant's own laid over them.
create function tenant_policy(p_tenant_id text, p_policy jsonb) returns jsonb
language plpgsql stable as $$
begin
  return (select p_policy || policy from tenants where tenant_id = p_tenant_id);
end
$$;

-- Money that moved into (or, negative, out of) the holds of a tenant's runs, counted in every budget above them.
-- Needs the locks of `lock_accounts`.
create function move_held(p_tenant_id text, p_nanos bigint) returns void
language plpgsql as $$
declare
  v_org_id text;
begin
  if p_nanos = 0 then
    return;
  end if;
  update tenants set cost_held_usd_nanos = cost_held_usd_nanos + p_nanos where tenant_id = p_tenant_id returning org_id into v_org_id;
  if v_org_id is not null then
    update orgs set cost_held_usd_nanos = cost_held_usd_nanos + p_nanos where org_id = v_org_id;
  end if;
end
$$;

-- Takes the locks of every change of room, quota or line, in the one order: the pool row, then organisations by id, then tenants
-- by id. A tenant changes its organisation only under the pool's lock and both organisations' (`set_quotas`).
-- `no key`: no key of any row ever changes, and a check of a foreign key, which a row written twice in one transaction makes
-- again, would otherwise wait for the tenant while it holds the run: against this order, and a deadlock.
create function lock_scheduler(p_tenants text[]) returns pool
language plpgsql as $$
declare
  v_pool pool;
begin
  select * into v_pool from pool for no key update;
  perform 1 from orgs where org_id = any (array(
    select org_id from tenants where tenant_id = any (p_tenants) and org_id is not null
  )) order by org_id for no key update;
  perform 1 from tenants where tenant_id = any (p_tenants) order by tenant_id for no key update;
  return v_pool;
end
$$;

-- Takes the locks of every change of room, quota or line, in the one order: the pool row, then tenants by id.
-- `no key`: no key of any row ever changes, and a check of a foreign key, which a row written twice in one transaction makes
-- again, would otherwise wait for the tenant while it holds the run: against this order, and a deadlock.
create function lock_scheduler(p_tenants text[]) returns pool
language plpgsql as $$
declare
  v_pool pool;
begin
  select * into v_pool from pool for no key update;
  perform 1 from tenants where tenant_id = any (p_tenants) order by tenant_id for no key update;
  return v_pool;
end
$$;

-- Takes the locks of every change of room, quota or line, in the one order: the pool row, then tenants by id.
create function lock_scheduler(p_tenants text[]) returns pool
language plpgsql as $$
declare
  v_pool pool;
begin
  select * into v_pool from pool for update;
  perform 1 from tenants where tenant_id = any (p_tenants) order by tenant_id for update;
  return v_pool;
end
$$;

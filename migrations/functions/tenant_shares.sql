-- Every tenant's weighted share of the pool in use, which orders the line (A10): the larger of its cpu and memory shares,
-- over its weight; 0 where the pool has no bound. A lapsed lease does not count, swept or not (A12).
create function tenant_shares(p_now timestamptz) returns table (tenant_id text, share numeric)
language plpgsql stable rows 50 as $$
#variable_conflict use_column
begin
  return query
  select n.tenant_id, greatest(
    coalesce((n.cpu_in_use - coalesce(l.cpu, 0)) / nullif(p.cpu, 0), 0),
    coalesce((n.memory_gb_in_use - coalesce(l.memory_gb, 0)) / nullif(p.memory_gb, 0), 0)
  ) / n.weight
  from tenants n cross join pool p
  left join (
    select t.tenant_id, sum(t.cpu) as cpu, sum(t.memory_gb) as memory_gb from tasks t where t.room_until is not null and t.room_until <= p_now group by t.tenant_id
  ) l on l.tenant_id = n.tenant_id;
end
$$;

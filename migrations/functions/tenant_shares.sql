-- What orders tenants within a class (A10): the weighted share of the pool in use, which is the largest of the shares of
-- cpu, memory and tasks over the tenant's weight, and the same lately (`recent_share_seconds`, see `move_room`). Both are 0
-- where the pool has no bound. A lapsed lease is not in use, swept or not (A12). To what was in use lately it counts until it
-- is swept, as `move_room` will write it down: else its tenant would fall back at whatever of it starts next.
-- recent: to the thousandth, so that what is long past is forgotten. recent_exact: before that.
-- p_tenants null: those that have waiting tasks.
-- In doubles, as `schedule.ts` computes them: the same operations in the same order give the same bits.
create function tenant_shares(p_policy jsonb, p_tenants text[], p_now timestamptz) returns setof tenant_standing
language plpgsql stable rows 100 as $$
declare
  v_decay double precision := ln(2) / policy_number(p_policy, 'recent_half_life_seconds')::double precision;
  v_pool pool := (select p from pool p);
begin
  return query
  with lapsed as materialized (
    select t.tenant_id, sum(t.cpu) as cpu, sum(t.memory_gb) as memory_gb, count(*) as tasks
    from tasks t where t.room_until is not null and t.room_until <= p_now group by t.tenant_id
  ), used as materialized (
    select n.tenant_id, n.weight::double precision as weight, n.recent_share_seconds, n.last_start_at,
      pool_share(v_pool, n.cpu_in_use - coalesce(l.cpu, 0), n.memory_gb_in_use - coalesce(l.memory_gb, 0), n.tasks_in_use - coalesce(l.tasks, 0)) as share,
      pool_share(v_pool, n.cpu_in_use, n.memory_gb_in_use, n.tasks_in_use) as share_until_swept,
      exp(-least(v_decay * greatest(extract(epoch from p_now - coalesce(n.recent_at, p_now))::double precision, 0), 700)) as kept
    from (
      select distinct w.tenant_id from waiting_lines w where p_tenants is null and w.tasks > 0
      union select u from unnest(p_tenants) u
    ) asked
    join tenants n on n.tenant_id = asked.tenant_id
    left join lapsed l on l.tenant_id = n.tenant_id
  )
  select u.tenant_id, u.share / u.weight, floor(r.recent * 1000 + 0.5) / 1000, u.last_start_at, r.recent
  from used u
  cross join lateral (
    select (u.recent_share_seconds * u.kept + u.share_until_swept * (1 - u.kept) / v_decay) / u.weight as recent
  ) r;
end
$$;

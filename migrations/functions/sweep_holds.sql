-- Writes down how long open holds last by now, so that `expired_holds` need not look at their tasks again: a place in the line keeps
-- one for now (no longer: it may have been granted meanwhile), a lease until its grace is over. What has expired is left to `sweep_rooms`. Returns how many it moved.
create function sweep_holds(p_max integer, p_now timestamptz) returns integer
language plpgsql as $$
declare
  v_moved integer;
begin
  update holds h set expires_at = case when k.waits then p_now else k.room_until end + make_interval(secs => h.grace_seconds)
  from (
    select o.tenant_id, o.run_id, o.hold_number, bool_or(t.room_until is null) as waits, max(t.room_until) as room_until
    from (
      select * from holds where released_at is null and expires_at <= p_now order by tenant_id, expires_at limit p_max for no key update skip locked
    ) o
    join tasks t on t.tenant_id = o.tenant_id and t.run_id = o.run_id and t.quota_held
    group by o.tenant_id, o.run_id, o.hold_number
  ) k
  where h.tenant_id = k.tenant_id and h.run_id = k.run_id and h.hold_number = k.hold_number
    and (k.waits or k.room_until + make_interval(secs => h.grace_seconds) > p_now);
  get diagnostics v_moved = row_count;
  return v_moved;
end
$$;

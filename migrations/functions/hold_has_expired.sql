-- Whether nothing of a run keeps its hold: no place in the line, and no lease that ended within the grace.
create function hold_has_expired(p_tenant_id text, p_run_id text, p_grace_seconds integer, p_now timestamptz) returns boolean
language plpgsql stable as $$
begin
  return not exists (
    select 1 from tasks t
    where t.tenant_id = p_tenant_id and t.run_id = p_run_id and t.quota_held
      and (t.room_until is null or t.room_until + make_interval(secs => p_grace_seconds) > p_now)
  );
end
$$;

-- Whether a run's open hold is one of those that `expired_holds` no longer counts.
create function run_hold_has_expired(p_tenant_id text, p_run_id text, p_now timestamptz) returns boolean
language plpgsql stable as $$
begin
  return exists (
    select 1 from holds h
    where h.tenant_id = p_tenant_id and h.run_id = p_run_id and h.released_at is null and h.expires_at <= p_now
      and hold_has_expired(h.tenant_id, h.run_id, h.grace_seconds, p_now)
  );
end
$$;

-- What open holds of an account no longer count for, in 1e-9 USD: their runs' leases have lapsed for longer than the grace, and no
-- sweep has come to give the money back or the task to somebody else (B3, A12). A lease or a place in the line that lasts longer
-- than the row says keeps the hold; the sweep writes that down (`sweep_holds`).
create function expired_holds(p_scope text, p_account_id text, p_now timestamptz) returns bigint
language plpgsql stable as $$
begin
  return (
    select coalesce(sum(r.held_usd_nanos), 0)
    from (
      select h.tenant_id, h.run_id, h.grace_seconds from holds h
      where p_scope = 'tenant' and h.tenant_id = p_account_id and h.released_at is null and h.expires_at <= p_now
      union all
      select h.tenant_id, h.run_id, h.grace_seconds from holds h
      where p_scope = 'org' and h.org_id = p_account_id and h.released_at is null and h.expires_at <= p_now
    ) h
    join runs r on r.tenant_id = h.tenant_id and r.run_id = h.run_id
    where hold_has_expired(h.tenant_id, h.run_id, h.grace_seconds, p_now)
  );
end
$$;

-- Of holds: a run has one open while it has a live task, and none else (B3). A part of counter_drift.
create function drift_in_holds(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select 'holds', jsonb_build_object('tenant_id', r.tenant_id, 'run_id', r.run_id), null::text, 'open', h.open::text, t.live::text
  from runs r
  cross join lateral (
    select count(*) as open from holds where tenant_id = r.tenant_id and run_id = r.run_id and released_at is null
  ) h
  cross join lateral (
    select (exists (select 1 from tasks where tenant_id = r.tenant_id and run_id = r.run_id and holds_quota(state, waiting_for)))::integer as live
  ) t
  where (p_tenants is null or r.tenant_id = any (p_tenants)) and h.open <> t.live
$$;

-- Of orgs: what is held against an organisation is what its tenants' runs hold (B3, B6). One without tenants is looked at whatever
-- tenants are asked for: nobody else's locks keep it. A part of counter_drift.
create function drift_in_orgs(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select 'orgs', jsonb_build_object('org_id', o.org_id), null::text, 'cost_held_usd_nanos', o.cost_held_usd_nanos::text, h.held::text
  from orgs o
  cross join lateral (
    select coalesce(sum(greatest(r.limit_usd_nanos - s.spent, 0)), 0) as held
    from tenants n
    join runs r using (tenant_id)
    cross join lateral (
      select coalesce(sum(cost_usd_nanos), 0) as spent from cost_events e
      where e.tenant_id = r.tenant_id and e.run_id = r.run_id and (r.period_ends_at is null or e.occurred_at >= r.period_start)
    ) s
    where n.org_id = o.org_id and exists (
      select 1 from tasks t where t.tenant_id = r.tenant_id and t.run_id = r.run_id and holds_quota(t.state, t.waiting_for)
    )
  ) h
  where (p_tenants is null or o.org_id in (select org_id from tenants where tenant_id = any (p_tenants))
    or not exists (select 1 from tenants where org_id = o.org_id)) and o.cost_held_usd_nanos <> h.held
$$;

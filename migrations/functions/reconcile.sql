-- Recomputes every counter from the rows that it counts, and reports what has drifted (R5); p_repair also repairs it, in this
-- transaction, and puts it on record in `reconciliations`. Returns one row for each counter in drift, with repaired true when a
-- last look found it right.
-- Looking takes no locks (see counter_drift). Repairing takes the scheduler's lock, those of the tenants concerned and of their
-- runs, in the one order, and looks again under them; calls wait that long, and none is lost.
create function reconcile(p_repair boolean, p_now timestamptz) returns table (
  what text, tenant_id text, run_id text, task_id text, part text, counter text, stored text, derived text, repaired boolean
)
language plpgsql as $$
#variable_conflict use_column
declare
  v_tenants text[];
  v_drift jsonb;
  v_left jsonb := '[]';
  v_row record;
begin
  select coalesce(jsonb_agg(distinct to_jsonb(d)), '[]'), coalesce(array_agg(distinct n.tenant_id) filter (where n.tenant_id is not null), '{}')
  into v_drift, v_tenants
  from counter_drift(null) d
  left join tenants n on n.tenant_id in (d.row_key->>'tenant_id', case when d.row_key->>'scope' = 'tenant' then d.row_key->>'account_id' end)
    or n.org_id in (d.row_key->>'org_id', case when d.row_key->>'scope' = 'org' then d.row_key->>'account_id' end);
  if p_repair and v_drift <> '[]' then
    perform lock_scheduler(v_tenants);
    perform 1 from runs r where r.tenant_id = any (v_tenants) order by r.tenant_id, r.run_id for no key update;
    select coalesce(jsonb_agg(to_jsonb(d)), '[]') into v_drift from counter_drift(v_tenants) d;

    for v_row in
      select d.what, d.row_key, jsonb_object_agg(d.counter, jsonb_build_object('stored', d.stored, 'derived', d.derived)) as drift
      from jsonb_to_recordset(v_drift) d (what text, row_key jsonb, counter text, stored text, derived text)
      where d.what <> 'burst_marks'
      group by d.what, d.row_key
      order by d.what, d.row_key
    loop
      perform repair_row(v_row.what, v_row.row_key, v_row.drift, p_now);
    end loop;
    -- Marks follow from what the tenant's counters say by now.
    perform mark_burst(t.tenant_id) from unnest(v_tenants) t (tenant_id) order by t.tenant_id;
    -- Refusals and plans that rest on the old numbers are out of date.
    update tenants t set answers_version = t.answers_version + 1 where t.tenant_id = any (v_tenants);
    update pool set version = version + 1;
    select coalesce(jsonb_agg(to_jsonb(d)), '[]') into v_left from counter_drift(v_tenants) d;
  end if;

  select coalesce(jsonb_agg(to_jsonb(r)), '[]') into v_drift from (
    select d.what, coalesce(d.row_key->>'tenant_id', case when d.row_key->>'scope' = 'tenant' then d.row_key->>'account_id' end) as tenant_id, d.row_key->>'run_id' as run_id, d.row_key->>'task_id' as task_id,
      d.part, d.counter, d.stored, d.derived,
      p_repair and not exists (
        select 1 from jsonb_to_recordset(v_left) l (what text, row_key jsonb, counter text)
        where l.what = d.what and l.row_key = d.row_key and l.counter = d.counter
      ) as repaired
    from jsonb_to_recordset(v_drift) d (what text, row_key jsonb, part text, counter text, stored text, derived text)
    order by d.what, tenant_id, run_id, task_id, d.part, d.counter
  ) r;
  if p_repair and v_drift <> '[]' then
    insert into reconciliations (at, drift) values (p_now, v_drift);
  end if;
  return query select * from jsonb_to_recordset(v_drift) r (
    what text, tenant_id text, run_id text, task_id text, part text, counter text, stored text, derived text, repaired boolean
  );
end
$$;

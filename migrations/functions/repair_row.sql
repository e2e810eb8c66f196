-- Sets the counters of one row to what they were derived as (R5). p_drift: the rows of counter_drift for it, as
-- {counter: {stored, derived}}. All in one update, since checks hold counters against each other; a row that is missing is
-- made. Ledgers are append-only and get a correcting row instead. Needs lock_scheduler and the run's lock.
create function repair_row(p_what text, p_row_key jsonb, p_drift jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
  v_updated integer;
begin
  if p_what = 'tenant_usage' then
    insert into tenant_usage (tenant_id, run_id, kind, cpu, memory_gb, runs, reason, at)
    select p_row_key->>'tenant_id', p_row_key->>'run_id', kind, cpu, memory_gb, runs, 'reconcile', p_now
    from (values ('allocate', 1), ('release', -1)) k (kind, sign)
    cross join lateral (
      select coalesce(max(amount) filter (where counter = 'cpu'), 0) as cpu,
        coalesce(max(amount) filter (where counter = 'memory_gb'), 0) as memory_gb,
        coalesce(max(amount) filter (where counter = 'runs'), 0) as runs
      from jsonb_each(p_drift) d (counter, difference)
      cross join lateral (values (greatest(sign * ((difference->>'derived')::numeric - (difference->>'stored')::numeric), 0))) a (amount)
    ) missing
    where cpu > 0 or memory_gb > 0 or runs > 0;
    return;
  end if;
  if p_what = 'holds' then
    if p_drift->'open'->>'derived' = '0' then
      update holds set released_at = p_now, released_reason = 'reconcile', released_usd_nanos = 0
      where tenant_id = p_row_key->>'tenant_id' and run_id = p_row_key->>'run_id' and released_at is null;
    else
      update runs set holds_taken = holds_taken + 1 where tenant_id = p_row_key->>'tenant_id' and run_id = p_row_key->>'run_id';
      insert into holds (tenant_id, run_id, hold_number, org_id, owner_task_id, taken_usd_nanos, taken_reason, taken_at, grace_seconds, expires_at)
      select r.tenant_id, r.run_id, r.holds_taken, n.org_id, t.task_id, greatest(r.limit_usd_nanos - r.period_spent_usd_nanos, 0), 'reconcile', p_now, 300, p_now
      from runs r
      join tenants n using (tenant_id)
      cross join lateral (
        select task_id from tasks where tenant_id = r.tenant_id and run_id = r.run_id and holds_quota(state, waiting_for)
        order by accepted_at, task_id limit 1
      ) t
      where r.tenant_id = p_row_key->>'tenant_id' and r.run_id = p_row_key->>'run_id';
    end if;
    return;
  end if;
  execute format(
    'update %I set %s where %s', p_what,
    (select string_agg(format('%I = %L', counter, difference->>'derived'), ', ') from jsonb_each(p_drift) d (counter, difference)),
    (select string_agg(format('%I = %L', name, value), ' and ') from jsonb_each_text(p_row_key) k (name, value))
  );
  get diagnostics v_updated = row_count;
  if v_updated = 0 then
    execute (
      select format('insert into %I (%s) values (%s)', p_what, string_agg(format('%I', name), ', '), string_agg(format('%L', value), ', '))
      from (
        select name, value from jsonb_each_text(p_row_key) k (name, value)
        union all select counter, difference->>'derived' from jsonb_each(p_drift) d (counter, difference)
      ) columns
    );
  end if;
end
$$;

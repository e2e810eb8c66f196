-- Every counter that does not equal the rows it is derived from (R5); nothing when all is well. p_tenants null: of all
-- tenants. Run as one statement, so that it reads one snapshot, in which each counter stands beside the rows committed with
-- it: what it reports is drift and never a call under way, and it needs no locks.
-- One row for each counter: `what` is the table, row_key {column: value} names its row, `part` says in words what else does.
-- stored and derived are numbers, words or times as text, so that they stay exact. What each drift_in_… reads as truth: states
-- and sizes of tasks, limits, the cost ledger, the thresholds fired, the timeline. No counter is derived from another.
create function counter_drift(p_tenants text[])
returns table (what text, row_key jsonb, part text, counter text, stored text, derived text)
language sql stable as $$
  select * from drift_in_pool()
  union all select * from drift_in_tenants(p_tenants)
  union all select * from drift_in_orgs(p_tenants)
  union all select * from drift_in_holds(p_tenants)
  union all select * from drift_in_burst_marks(p_tenants)
  union all select * from drift_in_runs(p_tenants)
  union all select * from drift_in_tasks(p_tenants)
  union all select * from drift_in_spend(p_tenants)
  union all select * from drift_in_usage(p_tenants)
  union all select * from drift_in_lines(p_tenants)
$$;

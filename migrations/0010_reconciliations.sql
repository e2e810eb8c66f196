-- Every repair of drifted counters, on record (rule R5).
create table reconciliations (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  -- The database role that asked for the repair.
  actor text not null default session_user,
  -- What `reconcile` returned: [{what, tenant_id, run_id, task_id, part, counter, stored, derived, repaired}].
  drift jsonb not null
);

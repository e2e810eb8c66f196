-- The operator's own prices (rule B2): every version of the table, whole; the newest is in force.
create table price_tables (
  version integer primary key,
  -- [{tenantId, provider, model, from, to, unitPrices, tiers}]; amounts are decimal text.
  prices jsonb not null,
  reason text not null,
  actor text not null,
  at timestamptz not null
);

-- Null: booked before this was kept, so that nobody knows.
alter table cost_events add column cost_stated boolean;
-- The event that a correction of re-pricing belongs to.
alter table cost_events add column corrects text collate "C";
create index cost_events_corrections on cost_events (tenant_id, run_id, corrects) where corrects is not null;
create index cost_events_priced on cost_events (occurred_at, tenant_id, run_id, event_id) where cost_stated = false;

-- Who had events priced again, and why; the corrections are those of cost_events recorded at that instant.
create table repricings (
  repricing_id uuid primary key,
  -- {from, to, tenantId, model, cursor} as asked for.
  asked jsonb not null,
  price_table_version integer not null,
  price_library text not null,
  reason text not null,
  actor text not null,
  at timestamptz not null
);

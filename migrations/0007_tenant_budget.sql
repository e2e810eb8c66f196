-- Budget of a tenant: which thresholds of its cost quota have fired (rule B6).

-- Raised whenever the cost quota is set: a new limit re-arms the thresholds that are below again (B4).
alter table tenants add column cost_limit_version integer not null default 1;

create table tenant_budget_events (
  budget_event_id text primary key,
  tenant_id text collate "C" not null references tenants,
  -- First moment of the month; 1970 for a quota without a period.
  period_start timestamptz not null,
  limit_version integer not null,
  threshold numeric(6, 3) not null,
  level text not null,
  percent_used numeric(14, 3) not null,
  limit_usd_nanos bigint not null,
  spent_usd_nanos bigint not null,
  triggered_at timestamptz not null,
  -- Fired under an earlier limit and still reached under this one: told then, and not again.
  carried_over boolean not null,
  constraint tenant_threshold_fires_once unique (tenant_id, period_start, limit_version, threshold),
  constraint tenant_budget_level_known check (level in ('warning', 'throttle', 'pause'))
);

-- Budget: the ledger, the tenant's spend per period, thresholds fired (rules B).

-- Append-only; unique for the life of the run (B1).
create table cost_events (
  tenant_id text collate "C" not null,
  run_id text collate "C" not null,
  event_id text collate "C" not null,
  task_id text collate "C",
  epoch bigint,
  kind text not null,
  cost_usd_nanos bigint not null,
  provider text,
  model text,
  usage jsonb,
  price_version text,
  unit_prices jsonb,
  -- Costs given and computed differ by more than 5 % (B2).
  price_mismatch boolean not null default false,
  -- Reported under an old epoch: booked all the same (A13).
  stale_epoch boolean not null default false,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  constraint cost_event_once primary key (tenant_id, run_id, event_id),
  foreign key (tenant_id, run_id) references runs
);
create index cost_events_by_time on cost_events (tenant_id, occurred_at);

-- Counter: equals the sum of the tenant's ledger over the period (calendar month, UTC).
create table tenant_spend (
  tenant_id text collate "C" not null references tenants,
  period_start timestamptz not null,
  spent_usd_nanos bigint not null default 0,
  primary key (tenant_id, period_start)
);

create table budget_events (
  budget_event_id text primary key,
  tenant_id text collate "C" not null,
  run_id text collate "C" not null,
  threshold numeric(6, 3) not null,
  level text not null,
  budget_version integer not null,
  percent_used numeric(14, 3) not null,
  limit_usd_nanos bigint not null,
  spent_usd_nanos bigint not null,
  triggered_at timestamptz not null,
  -- When the threshold's action was carried out, and by which way; once (E2).
  acted_at timestamptz,
  acted_by text,
  foreign key (tenant_id, run_id) references runs,
  constraint threshold_fires_once unique (tenant_id, run_id, budget_version, threshold),
  constraint budget_level_known check (level in ('warning', 'throttle', 'pause')),
  constraint budget_acted_by_known check (acted_by in ('bus', 'sweep', 'none'))
);
create index budget_events_unacted on budget_events (triggered_at) where acted_at is null;

create table budget_changes (
  tenant_id text collate "C" not null,
  run_id text collate "C" not null,
  budget_version integer not null,
  limit_usd_nanos bigint not null,
  reason text not null,
  actor text not null,
  at timestamptz not null,
  primary key (tenant_id, run_id, budget_version),
  foreign key (tenant_id, run_id) references runs
);

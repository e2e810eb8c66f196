-- Coordination: the timeline of events, which is also the outbox (rules E), and idempotency keys.

-- Unpublished rows are the outbox. kind 'doorbell' is an SQS message to the task's class queue (A14).
create table events (
  event_seq bigint generated always as identity primary key,
  event_id uuid not null unique,
  kind text not null,
  tenant_id text collate "C" not null,
  run_id text collate "C",
  task_id text collate "C",
  detail_type text not null,
  sequence bigint not null,
  cause_id uuid,
  class smallint,
  body jsonb not null,
  occurred_at timestamptz not null,
  published_at timestamptz,
  claimed_until timestamptz,
  attempts integer not null default 0,
  constraint event_kind_known check (kind in ('event', 'doorbell')),
  constraint doorbell_has_class check ((kind = 'doorbell') = (class is not null))
);
create index events_unpublished on events (event_seq) where published_at is null;
create index events_of_run on events (tenant_id, run_id, event_seq) where kind = 'event';

-- One row per (tenant, resource): at most one quota-exceeded event in a window, with the count of those kept back (E3).
create table quota_event_pacing (
  tenant_id text collate "C" not null references tenants,
  resource text not null,
  emitted_at timestamptz not null,
  held_back integer not null default 0,
  primary key (tenant_id, resource)
);

-- First answers to POSTs that carried an Idempotency-Key.
create table idempotency_keys (
  owner text not null,
  key text not null,
  route text not null,
  request_hash text not null,
  state text not null,
  status integer,
  response jsonb,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (owner, key),
  constraint idempotency_state_known check (state in ('in_progress', 'done')),
  constraint idempotency_done_has_answer check (state <> 'done' or status is not null)
);
create index idempotency_keys_expiry on idempotency_keys (expires_at);

-- Admission: tenants, quotas, the pool, runs, tasks, checkpoints, violations, decisions (rules A, P, R5).
-- Ids compare by code unit (collate "C"), as the scheduler's code does, whatever the database's locale.
-- Units: cpu in vCPU, memory in GB, money in 1e-9 USD (_usd_nanos). Counters are derivable from rows; `reconcile` proves it.

create table tenants (
  tenant_id text collate "C" primary key,
  created_at timestamptz not null,
  weight numeric(9, 3) not null default 1,
  quality_gate text not null default 'off',
  warn_percent numeric(6, 3) not null default 50,
  throttle_percent numeric(6, 3) not null default 80,
  pause_percent numeric(6, 3) not null default 95,
  throttled_until timestamptz,
  -- Raised whenever a refusal's answer may have gone stale: a release, a changed limit.
  answers_version bigint not null default 0,
  event_sequence bigint not null default 0,
  -- Held against the quota: from acceptance until the task ends or is paused (A4).
  cpu_held numeric(12, 3) not null default 0,
  memory_gb_held numeric(12, 3) not null default 0,
  runs_held integer not null default 0,
  cost_held_usd_nanos bigint not null default 0,
  -- Pool room held right now (granted, running, preempting): the share of A10.
  cpu_in_use numeric(12, 3) not null default 0,
  memory_gb_in_use numeric(12, 3) not null default 0,
  constraint tenant_weight_positive check (weight > 0),
  constraint tenant_quality_gate_known check (quality_gate in ('off', 'advise', 'enforce')),
  constraint tenant_thresholds_rise check (
    warn_percent > 0 and warn_percent < throttle_percent and throttle_percent < pause_percent
  ),
  constraint tenant_holds_not_negative check (
    cpu_held >= 0 and memory_gb_held >= 0 and runs_held >= 0 and cost_held_usd_nanos >= 0
  ),
  constraint tenant_use_within_holds check (
    cpu_in_use between 0 and cpu_held and memory_gb_in_use between 0 and memory_gb_held
  )
);

-- A missing row means no bound; a limit of zero allows nothing (A4).
create table tenant_quotas (
  tenant_id text collate "C" not null references tenants,
  resource text not null,
  limit_value numeric(24, 9),
  burst_share numeric(9, 6),
  period text,
  updated_at timestamptz not null,
  updated_by text not null,
  primary key (tenant_id, resource),
  constraint quota_resource_known check (resource in ('cpu', 'memory', 'cost', 'concurrent_runs')),
  constraint quota_limit_not_negative check (limit_value >= 0),
  constraint quota_burst_not_negative check (burst_share >= 0),
  constraint quota_burst_only_for_rooms check (burst_share is null or resource in ('cpu', 'memory')),
  constraint quota_period_known check (period is null or (resource = 'cost' and period in ('month', 'none')))
);

-- One row: the capacity that all tenants share, and the scheduler's lock (lock order: pool, tenants, run, tasks).
create table pool (
  singleton boolean primary key default true,
  cpu numeric(12, 3),
  memory_gb numeric(12, 3),
  cpu_used numeric(12, 3) not null default 0,
  memory_gb_used numeric(12, 3) not null default 0,
  -- Raised by every change of room or of the waiting line; a plan made on an older version is refused.
  version bigint not null default 0,
  constraint pool_is_one_row check (singleton),
  constraint pool_capacity_not_negative check (cpu >= 0 and memory_gb >= 0),
  constraint pool_used_not_negative check (cpu_used >= 0 and memory_gb_used >= 0)
);
insert into pool default values;

create table runs (
  tenant_id text collate "C" not null references tenants,
  run_id text collate "C" not null,
  phase text not null,
  goal text,
  labels jsonb not null default '{}',
  status text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  limit_usd_nanos bigint not null,
  spent_usd_nanos bigint not null default 0,
  live_tasks integer not null default 0,
  -- The hold (B3): what a run with live tasks may still spend; nothing once none is live.
  held_usd_nanos bigint not null generated always as (
    case when live_tasks > 0 then greatest(limit_usd_nanos - spent_usd_nanos, 0) else 0 end
  ) stored,
  budget_version integer not null default 1,
  -- Thresholds at or below this percentage count as fired in this version: a raise does not repeat them (B4).
  fired_floor_percent numeric(12, 3) not null default 0,
  max_duration_ms bigint,
  -- Ran into the 80 % action: its tasks queue as P3 until the budget changes (B5).
  demoted boolean not null default false,
  -- Ran into the 95 % action: no task starts until the budget changes (B5).
  budget_paused boolean not null default false,
  event_sequence bigint not null default 0,
  queued_ms bigint not null default 0,
  running_ms bigint not null default 0,
  preemptions integer not null default 0,
  lost_work_usd_nanos bigint not null default 0,
  primary key (tenant_id, run_id),
  constraint run_status_known check (status in ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')),
  constraint run_limit_positive check (limit_usd_nanos > 0),
  constraint run_live_tasks_not_negative check (live_tasks >= 0),
  constraint run_duration_positive check (max_duration_ms > 0)
);
create index runs_newest on runs (tenant_id, created_at desc, run_id desc);
create index runs_with_duration on runs (tenant_id, run_id) where max_duration_ms is not null and live_tasks > 0;

create table tasks (
  tenant_id text collate "C" not null,
  task_id text collate "C" not null,
  run_id text collate "C" not null,
  phase text not null,
  state text not null,
  class smallint not null,
  -- The class whose queue it stands in: `class`, or 3 while its run is demoted (B5).
  queue_class smallint not null,
  overridable boolean not null,
  priority_reason text not null,
  priority_actor text not null,
  cpu numeric(12, 3) not null,
  memory_gb numeric(12, 3) not null,
  burst_cpu numeric(12, 3) not null default 0,
  burst_memory_gb numeric(12, 3) not null default 0,
  start_mode text not null,
  lease_seconds integer not null,
  accepted_at timestamptz not null,
  waiting_for text,
  waiting_since timestamptz,
  quota_held boolean not null default false,
  -- Fencing number: rises with every grant (A13).
  epoch bigint not null default 0,
  -- Until when it holds pool room: claim time-out, lease end or preemption deadline, whichever rules.
  room_until timestamptz,
  lease_expires_at timestamptz,
  granted_at timestamptz,
  running_since timestamptz,
  first_started_at timestamptz,
  preempt_action text,
  preempt_reason text,
  preempt_deadline timestamptz,
  preempt_event_id uuid,
  preempted_by text collate "C",
  preempted_by_tenant text collate "C",
  preempted boolean not null default false,
  preempted_at timestamptz,
  preemptions integer not null default 0,
  -- Preemptions since the last checkpoint taken while running; at the policy's limit the task is shielded (P1).
  preemption_streak integer not null default 0,
  lapses integer not null default 0,
  lapsed boolean not null default false,
  -- An open promise: the room that its victims free belongs to this waiting task (P3).
  promised boolean not null default false,
  promised_until timestamptz,
  checkpoint_id text collate "C",
  checkpoint_sequence bigint not null default 0,
  spent_usd_nanos bigint not null default 0,
  spent_at_checkpoint_usd_nanos bigint not null default 0,
  lost_work_usd_nanos bigint not null default 0,
  ended_at timestamptz,
  fail_code text,
  error text,
  primary key (tenant_id, task_id),
  foreign key (tenant_id, run_id) references runs,
  constraint task_state_known check (
    state in ('queued', 'granted', 'running', 'preempting', 'paused', 'completed', 'failed', 'cancelled')
  ),
  constraint task_class_in_range check (class between 0 and 3 and queue_class between 0 and 3),
  constraint task_resources_not_negative check (
    cpu >= 0 and memory_gb >= 0 and burst_cpu between 0 and cpu and burst_memory_gb between 0 and memory_gb
  ),
  constraint task_start_mode_known check (start_mode in ('now', 'queue')),
  constraint task_waits_when_queued check ((state = 'queued') = (waiting_for is not null)),
  constraint task_waiting_for_known check (waiting_for in ('pool', 'quota')),
  constraint task_room_has_end check ((state in ('granted', 'running', 'preempting')) = (room_until is not null)),
  constraint task_room_needs_quota check (room_until is null or quota_held),
  constraint task_final_has_end check ((state in ('completed', 'failed', 'cancelled')) = (ended_at is not null)),
  constraint task_final_holds_nothing check (ended_at is null or not quota_held),
  constraint task_preempting_has_deadline check ((state = 'preempting') = (preempt_deadline is not null)),
  constraint task_preempt_action_known check (preempt_action in ('checkpoint', 'pause')),
  constraint task_promise_only_while_waiting check (not promised or state = 'queued'),
  constraint task_lease_in_range check (lease_seconds between 10 and 86400)
);
create index tasks_of_run on tasks (tenant_id, run_id);
create index tasks_waiting on tasks (tenant_id, queue_class, accepted_at, task_id) where state = 'queued';
create index tasks_waiting_on_burst on tasks (tenant_id) where state = 'queued' and (burst_cpu > 0 or burst_memory_gb > 0);
create index tasks_waiting_of_tenant on tasks (tenant_id, accepted_at, task_id) where state = 'queued';
create index tasks_in_room on tasks (room_until) where room_until is not null;
create index tasks_granted on tasks (tenant_id, queue_class, accepted_at) where state = 'granted';
create index tasks_victims on tasks (queue_class desc, running_since desc) where state = 'running' and overridable;
create index tasks_burst_victims on tasks (queue_class desc) where state = 'running' and overridable and (burst_cpu > 0 or burst_memory_gb > 0);
create index tasks_promised on tasks (tenant_id, task_id) where promised;
create index tasks_leaving_for on tasks (preempted_by_tenant, preempted_by) where state = 'preempting' and preempted_by is not null;
create index tasks_preempted on tasks (preempted_at desc) where preempted;

create table checkpoints (
  checkpoint_id text collate "C" primary key,
  tenant_id text collate "C" not null,
  task_id text collate "C" not null,
  run_id text collate "C" not null,
  epoch bigint not null,
  sequence bigint not null,
  data jsonb,
  location text,
  size_bytes bigint not null,
  sha256 text,
  spent_usd_nanos bigint not null,
  created_at timestamptz not null,
  foreign key (tenant_id, task_id) references tasks,
  constraint checkpoint_sequence_once unique (tenant_id, task_id, sequence),
  constraint checkpoint_has_one_body check ((data is null) <> (location is null)),
  constraint checkpoint_size_not_negative check (size_bytes >= 0)
);

-- Append-only: what was allocated to a tenant and what came back. cpu, memory and runs sum to the counters in
-- `tenants`; cost is the hold taken and the hold returned, so that what lies between was spent.
create table tenant_usage (
  usage_id bigint generated always as identity primary key,
  tenant_id text collate "C" not null references tenants,
  run_id text collate "C" not null,
  task_id text collate "C",
  kind text not null,
  cpu numeric(12, 3) not null default 0,
  memory_gb numeric(12, 3) not null default 0,
  runs integer not null default 0,
  cost_usd_nanos bigint not null default 0,
  reason text not null,
  at timestamptz not null,
  constraint usage_kind_known check (kind in ('allocate', 'release'))
);
create index tenant_usage_of_tenant on tenant_usage (tenant_id, usage_id);

create table quota_violations (
  violation_id text collate "C" primary key,
  tenant_id text collate "C" not null references tenants,
  run_id text collate "C",
  task_id text collate "C",
  type text not null,
  severity text not null,
  resource text,
  message text not null,
  -- Identifies the distinct request (A6): the same request refused again adds nothing.
  request_key text collate "C",
  reasons jsonb not null default '[]',
  at timestamptz not null,
  constraint violation_type_known check (type in ('quota_exceeded', 'low_reasoning_quality')),
  constraint violation_severity_known check (severity in ('info', 'warning', 'error')),
  constraint violation_once_per_request unique (tenant_id, request_key)
);
create index quota_violations_of_tenant on quota_violations (tenant_id, at desc, violation_id desc);
create index quota_violations_of_run on quota_violations (tenant_id, run_id) where run_id is not null;

-- Answers to admission requests, so that a repeated request hears the first answer (A7).
create table admission_answers (
  tenant_id text collate "C" not null references tenants,
  request_key text collate "C" not null,
  request_hash text not null,
  outcome jsonb not null,
  accepted boolean not null,
  -- What the refusal rested on; it is judged anew once either moved or `retry_at` has passed.
  answers_version bigint not null,
  pool_limits text not null,
  retry_at timestamptz,
  at timestamptz not null,
  primary key (tenant_id, request_key)
);

create table decisions (
  decision_id text collate "C" primary key,
  kind text not null,
  tenant_id text collate "C" not null,
  run_id text collate "C",
  task_id text collate "C",
  result text not null,
  policy_version text not null,
  inputs jsonb not null,
  counters jsonb not null,
  answer jsonb not null,
  at timestamptz not null,
  constraint decision_kind_known check (kind in ('admit', 'grant', 'preempt'))
);
create index decisions_of_run on decisions (tenant_id, run_id, at);
create index decisions_by_kind on decisions (kind, at);

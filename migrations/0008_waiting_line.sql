-- The waiting line by index, slots of the pool, absolute burst, recent use, and what explains a decision
-- (rules A5, A10, A15, A16, R5).

alter table pool
  -- How many tasks may hold room at the same time; null = no bound.
  add column tasks integer,
  add column tasks_used integer not null default 0,
  add constraint pool_tasks_not_negative check (tasks >= 0 and tasks_used >= 0);
update pool set tasks_used = (select count(*) from tasks where room_until is not null);

alter table tenants
  add column tasks_in_use integer not null default 0,
  -- The share of the pool in use, summed over time and decaying: how much it had lately (A10). Up to `recent_at`.
  add column recent_share_seconds double precision not null default 0,
  add column recent_at timestamptz,
  add column last_start_at timestamptz,
  add constraint tenant_tasks_in_use_not_negative check (tasks_in_use >= 0),
  add constraint tenant_recent_not_negative check (recent_share_seconds >= 0);
update tenants n set tasks_in_use = (select count(*) from tasks t where t.tenant_id = n.tenant_id and t.room_until is not null);

alter table tenant_quotas
  -- Burst as an amount above the limit, instead of a share of it.
  add column burst_value numeric(24, 9),
  add constraint quota_burst_value_not_negative check (burst_value >= 0),
  add constraint quota_burst_in_one_form check (burst_share is null or burst_value is null),
  add constraint quota_burst_value_only_for_rooms check (burst_value is null or resource in ('cpu', 'memory'));

alter table tasks
  -- Holds quota that its tenant borrows; part of the order of the line (A5).
  add column on_burst boolean not null generated always as (burst_cpu > 0 or burst_memory_gb > 0) stored,
  -- Marked when the pool was made smaller than what is in use: the first to leave (A15).
  add column first_victim boolean not null default false,
  -- What was expected when it began to wait, for judging the estimates by what came (see `estimate.ts`).
  add column expected_wait_seconds numeric(12, 3);

drop index tasks_waiting;
drop index tasks_waiting_on_burst;
drop index tasks_granted;
-- Granted tasks best first, as claims take them.
create index tasks_granted on tasks (queue_class, accepted_at, task_id, tenant_id) where state = 'granted';
-- One line of the waiting line (`waiting_lines`) in its order: heads and pages are read from its front.
create index tasks_waiting on tasks (tenant_id, queue_class, on_burst, waiting_for, accepted_at, task_id) where state = 'queued';
-- Whether anything that waits fits the free room, without reading the line.
create index tasks_waiting_by_size on tasks (cpu, memory_gb) where state = 'queued' and waiting_for = 'pool';
-- Whether anything has waited long enough to age, without reading the line.
create index tasks_waiting_longest on tasks (waiting_since) where state = 'queued';
-- A tenant's tasks whose quota a better one of its own may take.
create index tasks_victims_of_tenant on tasks (tenant_id, queue_class desc) where state = 'running' and overridable;
-- Those that ask nothing of one of the two: a quota that is used up does not hold them up.
create index tasks_waiting_for_other_quota on tasks (tenant_id) where state = 'queued' and waiting_for = 'quota' and (cpu = 0 or memory_gb = 0);
-- Tasks on their way out, whoever sent them.
create index tasks_leaving on tasks (room_until) where state = 'preempting';
-- Versions of a row that differ in no indexed column stay on their page.
alter table tasks set (fillfactor = 80);
alter table runs set (fillfactor = 70);
alter table tenants set (fillfactor = 50);
alter table pool set (fillfactor = 20);

-- How many tasks wait in each line: those of one tenant and class that are alike in everything that orders them but
-- acceptance time and id. Kept by triggers on `tasks`, under the scheduler's lock as every change of the line.
create table waiting_lines (
  tenant_id text collate "C" not null references tenants,
  queue_class smallint not null,
  on_burst boolean not null,
  waiting_for text not null,
  tasks integer not null,
  primary key (tenant_id, queue_class, on_burst, waiting_for),
  constraint waiting_line_not_negative check (tasks >= 0)
) with (fillfactor = 50);
insert into waiting_lines
select tenant_id, queue_class, on_burst, waiting_for, count(*) from tasks where state = 'queued' group by 1, 2, 3, 4;

create function count_waiting() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.state = 'queued' then
    update waiting_lines set tasks = tasks - 1
    where tenant_id = old.tenant_id and queue_class = old.queue_class and on_burst = (old.burst_cpu > 0 or old.burst_memory_gb > 0)
      and waiting_for = old.waiting_for;
  end if;
  if new.state = 'queued' then
    insert into waiting_lines as l (tenant_id, queue_class, on_burst, waiting_for, tasks)
    values (new.tenant_id, new.queue_class, new.burst_cpu > 0 or new.burst_memory_gb > 0, new.waiting_for, 1)
    on conflict (tenant_id, queue_class, on_burst, waiting_for) do update set tasks = l.tasks + 1;
  end if;
  return null;
end
$$;
create trigger tasks_counted_when_new after insert on tasks
  for each row when (new.state = 'queued') execute function count_waiting();
create trigger tasks_counted_when_moved after update on tasks
  for each row when (
    (old.state = 'queued' or new.state = 'queued')
    and (old.state, old.queue_class, old.burst_cpu > 0 or old.burst_memory_gb > 0, old.waiting_for)
      is distinct from (new.state, new.queue_class, new.burst_cpu > 0 or new.burst_memory_gb > 0, new.waiting_for)
  ) execute function count_waiting();

-- Replaced by functions that read lines from their front.
drop function if exists waiting_line (jsonb, timestamptz);
drop function if exists may_start (tasks, timestamptz);

-- The policies that decisions were made under, by version (R5).
create table policies (
  version text primary key,
  numbers jsonb not null,
  first_used_at timestamptz not null
);

-- What a plan of the scheduler was made on: as much of the snapshot as leads to the same plan (R5).
create table plans (
  plan_id text collate "C" primary key,
  policy_version text not null,
  snapshot jsonb not null,
  at timestamptz not null
);
alter table decisions
  add column plan_id text collate "C" references plans;

-- What the reads of the waiting line hand to one another, so that a pass reads each of it once, and what each index of the tasks
-- is for (rules A10, A11, P2).

-- What orders a tenant within a class, and when something of it last started (`tenant_shares`).
create type tenant_standing as (tenant_id text collate "C", share double precision, recent double precision, last_start_at timestamptz);

-- A task of the line with the keys of its order (`waiting_heads`).
create type line_place as (
  tenant_id text collate "C", task_id text collate "C", effective_class smallint, overdue boolean, on_burst boolean, share double precision,
  recent double precision, accepted_at timestamptz
);

create index tasks_first_victims on tasks (queue_class desc) where first_victim;

-- One plan that each is there for. A pass, a choice of victims and a page of the listing read `tasks` through these
-- and the primary key only.
comment on index tasks_waiting is
  'waiting_heads, quota_heads, waiting_page: the front of one line, in its order; queue_place: the tasks of a line before one';
comment on index tasks_waiting_of_tenant is 'aged_of_tenant: the oldest few of a tenant, which are all that waiting raises';
comment on index tasks_waiting_longest is 'waiting_heads, scheduler_snapshot: whether anything has waited long enough to age or to close the line';
comment on index tasks_waiting_by_size is 'scheduler_snapshot, line_blocks: whether anything that waits fits, and the smallest of them';
comment on index tasks_waiting_for_other_quota is 'quota_heads: tenants with waiters that a quota which is used up does not hold up';
comment on index tasks_victims is 'scheduler_snapshot: the lowest class that runs, which says whether victims are worth looking for';
comment on index tasks_victims_of_tenant is 'victim_candidates: one class of one tenant, tenant by tenant in the order of victims';
comment on index tasks_burst_victims is 'scheduler_snapshot, victim_candidates: those on borrowed room, which are the first victims';
comment on index tasks_first_victims is 'victim_candidates: those marked when the pool was made smaller; set_pool: takes the marks away';
comment on index tasks_in_room is 'pool_room, tenant_shares: rooms that have lapsed by the clock; sweep_rooms: the same, to end them';
comment on index tasks_promised is 'pool_room, promised_heads, promised_quota: the tasks that hold a promise';
comment on index tasks_leaving_for is 'pool_room, scheduler_snapshot: the victims of one promise, for what they still hold';
comment on index tasks_leaving is 'scheduler_snapshot: room on its way back that is promised to nobody';
comment on index tasks_granted is 'claim_tasks: granted tasks best first';
comment on index tasks_of_run is 'refresh_run and the reads of one run: its tasks';
comment on index tasks_preempted is 'v_priority_queue: what operators ask of it, the last preempted first';

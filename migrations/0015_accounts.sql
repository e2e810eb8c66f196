-- Money on three levels, organisation above tenant above run, each with its own period and thresholds (B4 to B8), and holds as
-- rows (B3). An account is what holds money for others: an organisation or a tenant.
-- A period is {kind: none|day|week|month|anchored, timeZone, anchor, everyDays or everyMonths} (see `period_number`).


-- Made anew below.
drop view v_budget_status;
drop view v_tenant_usage_current;

-- The period that holds an instant (B8), by its number since the anchor: the largest whose first moment is not after p_at.
-- Days, weeks (from Monday) and months begin at midnight in their time zone, whatever the clocks did that night; an anchored
-- period begins at its anchor and every everyDays days or everyMonths months (1) after it on that zone's calendar: the 31st is the
-- last day of a shorter month. Here and not in functions/: counters are keyed by it, so that its meaning never changes.
-- In PL/pgSQL, whose plans a session keeps: one in SQL is planned anew at every call, and every booking of costs and every
-- admission asks for several.
create function period_boundary(p_period jsonb, p_number integer) returns timestamptz
language plpgsql immutable parallel safe as $$
begin
  return (
    case p_period->>'kind'
      when 'anchored' then (p_period->>'anchor')::timestamptz at time zone coalesce(p_period->>'timeZone', 'UTC')
      when 'week' then timestamp '1970-01-05'
      else timestamp '1970-01-01'
    end + p_number * case
      when p_period->>'kind' = 'day' then interval '1 day'
      when p_period->>'kind' = 'week' then interval '7 days'
      when p_period ? 'everyDays' then make_interval(days => (p_period->>'everyDays')::integer)
      else make_interval(months => coalesce((p_period->>'everyMonths')::integer, 1))
    end
  ) at time zone coalesce(p_period->>'timeZone', 'UTC');
end
$$;
create function period_number(p_period jsonb, p_at timestamptz) returns integer
language plpgsql immutable parallel safe as $$
declare
  v_since timestamptz := period_boundary(p_period, 0);
  -- Months differ in length and days by their clocks, so that this is a guess, off by little.
  v_number integer := floor(extract(epoch from p_at - v_since) / 86400 / case
    when p_period->>'kind' = 'day' then 1 when p_period->>'kind' = 'week' then 7 when p_period ? 'everyDays' then (p_period->>'everyDays')::integer
    else 30.436875 * coalesce((p_period->>'everyMonths')::integer, 1) end);
begin
  while period_boundary(p_period, v_number) > p_at loop
    v_number := v_number - 1;
  end loop;
  while period_boundary(p_period, v_number + 1) <= p_at loop
    v_number := v_number + 1;
  end loop;
  return v_number;
end
$$;
-- Its first moment; 1970 without periods.
create function period_start(p_period jsonb, p_at timestamptz) returns timestamptz
language sql immutable parallel safe as $$
  select case when p_period->>'kind' = 'none' then 'epoch'::timestamptz else period_boundary(p_period, period_number(p_period, p_at)) end
$$;
-- The first moment of the next one; null without periods.
create function period_end(p_period jsonb, p_at timestamptz) returns timestamptz
language sql immutable parallel safe as $$
  select case when p_period->>'kind' <> 'none' then period_boundary(p_period, period_number(p_period, p_at) + 1) end
$$;

create table orgs (
  org_id text collate "C" primary key,
  created_at timestamptz not null,
  -- Null = no bound.
  limit_usd_nanos bigint,
  period jsonb not null default '{"kind": "month", "timeZone": "UTC"}',
  warn_percent numeric(6, 3) not null default 50,
  throttle_percent numeric(6, 3) not null default 80,
  pause_percent numeric(6, 3) not null default 95,
  alert_percents numeric(6, 3)[] not null default '{}',
  cost_limit_version integer not null default 0,
  cost_held_usd_nanos bigint not null default 0,
  constraint org_limit_not_negative check (limit_usd_nanos >= 0),
  constraint org_hold_not_negative check (cost_held_usd_nanos >= 0),
  constraint org_thresholds_rise check (warn_percent > 0 and warn_percent < throttle_percent and throttle_percent < pause_percent),
  constraint org_period_known check (period->>'kind' in ('none', 'day', 'week', 'month', 'anchored'))
);

-- Who set an organisation's budget, and why.
create table org_changes (
  org_id text collate "C" not null references orgs,
  limit_version integer not null,
  limit_usd_nanos bigint,
  period jsonb not null,
  reason text not null,
  actor text not null,
  at timestamptz not null,
  primary key (org_id, limit_version)
);

alter table tenants
  add column org_id text collate "C" references orgs,
  -- Of its cost quota, and of what it has spent, whether or not there is a limit.
  add column cost_period jsonb not null default '{"kind": "month", "timeZone": "UTC"}',
  add constraint tenant_period_known check (cost_period->>'kind' in ('none', 'day', 'week', 'month', 'anchored'));
create index tenants_of_org on tenants (org_id) where org_id is not null;
update tenants n set cost_period = '{"kind": "none"}'
from tenant_quotas q where q.tenant_id = n.tenant_id and q.resource = 'cost' and q.period = 'none';
alter table tenant_quotas drop constraint quota_period_known, drop column period;

-- Counter: equals the sum of the account's ledger over the period that starts there. Without periods there is one row, of 1970.
create table account_spend (
  scope text not null,
  account_id text collate "C" not null,
  period_start timestamptz not null,
  spent_usd_nanos bigint not null default 0,
  primary key (scope, account_id, period_start),
  constraint account_scope_known check (scope in ('tenant', 'org'))
);
insert into account_spend (scope, account_id, period_start, spent_usd_nanos)
select 'tenant', n.tenant_id, case when n.cost_period->>'kind' = 'none' then 'epoch' else s.period_start end, sum(s.spent_usd_nanos)
from tenant_spend s join tenants n using (tenant_id) group by 1, 2, 3;
drop table tenant_spend;

alter table tenant_budget_events rename to account_budget_events;
alter table account_budget_events rename column tenant_id to account_id;
alter table account_budget_events rename constraint tenant_threshold_fires_once to account_threshold_fires_once;
alter table account_budget_events rename constraint tenant_budget_level_known to account_budget_level_known;
alter table account_budget_events
  drop constraint tenant_budget_events_tenant_id_fkey,
  drop constraint account_threshold_fires_once,
  add column scope text not null default 'tenant',
  add constraint account_budget_scope_known check (scope in ('tenant', 'org')),
  add constraint account_threshold_fires_once unique (scope, account_id, period_start, limit_version, threshold);
alter table account_budget_events alter column scope drop default;

alter table runs
  add column period jsonb not null default '{"kind": "none"}',
  -- The period that the run was last seen in, and what it has spent in it; without periods, since 1970.
  add column period_start timestamptz not null default 'epoch',
  add column period_ends_at timestamptz,
  add column period_spent_usd_nanos bigint not null default 0,
  add column holds_taken integer not null default 0,
  -- Its own thresholds; null = its tenant's.
  add column warn_percent numeric(6, 3),
  add column throttle_percent numeric(6, 3),
  add column pause_percent numeric(6, 3),
  add column alert_percents numeric(6, 3)[],
  add constraint run_period_known check (period->>'kind' in ('none', 'day', 'week', 'month', 'anchored')),
  add constraint run_period_has_end check ((period->>'kind' = 'none') = (period_ends_at is null)),
  add constraint run_thresholds_rise check (warn_percent > 0 and warn_percent < throttle_percent and throttle_percent < pause_percent);
update runs set period_spent_usd_nanos = spent_usd_nanos, holds_taken = case when live_tasks > 0 then 1 else 0 end;
alter table runs
  alter column held_usd_nanos set expression as (
    case when live_tasks > 0 then greatest(limit_usd_nanos - period_spent_usd_nanos, 0) else 0 end
  );
-- Read by `roll_runs`: runs whose period is over and that something depends on. Ended ones are rolled when they are touched.
create index runs_period_over on runs (tenant_id, period_ends_at) where period_ends_at is not null and (live_tasks > 0 or budget_paused or demoted);

alter table budget_events
  add column period_start timestamptz not null default 'epoch',
  drop constraint threshold_fires_once,
  add constraint threshold_fires_once unique (tenant_id, run_id, budget_version, period_start, threshold);
alter table budget_changes
  add column period jsonb not null default '{"kind": "none"}';

-- Which organisation a cost was booked on: a tenant that moves takes no past spending with it.
alter table cost_events add column org_id text collate "C" references orgs;
create index cost_events_of_org on cost_events (org_id, occurred_at) where org_id is not null;

-- Money reserved and not yet spent (B3): one row from a run's first live task to its last, so that no way of ending a run can
-- give it back twice or never. What is left of it is the run's `held_usd_nanos`.
create table holds (
  tenant_id text collate "C" not null,
  run_id text collate "C" not null,
  hold_number integer not null,
  -- Whose budgets it counts against above the tenant.
  org_id text collate "C" references orgs,
  -- The task that took it.
  owner_task_id text collate "C" not null,
  taken_usd_nanos bigint not null,
  taken_reason text not null,
  taken_at timestamptz not null,
  -- From when on it no longer counts unless a lease or a place in the line has outlasted it (`expired_holds`); null while it waits.
  expires_at timestamptz,
  -- How long after the last lease, at the policy under which it was taken.
  grace_seconds integer not null,
  released_usd_nanos bigint,
  released_reason text,
  released_at timestamptz,
  primary key (tenant_id, run_id, hold_number),
  foreign key (tenant_id, run_id) references runs,
  constraint hold_released_whole check (
    (released_at is null) = (released_usd_nanos is null) and (released_at is null) = (released_reason is null)
  ),
  constraint hold_not_negative check (taken_usd_nanos >= 0 and released_usd_nanos >= 0)
);
create unique index one_open_hold on holds (tenant_id, run_id) where released_at is null;
-- Read by `expired_holds`, which finds nothing as long as sweeps come, and by `sweep_holds`.
create index holds_to_expire on holds (tenant_id, expires_at) where released_at is null and expires_at is not null;
create index holds_of_org_to_expire on holds (org_id, expires_at) where released_at is null and expires_at is not null and org_id is not null;
insert into holds (tenant_id, run_id, hold_number, owner_task_id, taken_usd_nanos, taken_reason, taken_at, grace_seconds)
select r.tenant_id, r.run_id, 1, t.task_id, r.held_usd_nanos, 'admission', r.created_at, 300
from runs r cross join lateral (
  select task_id from tasks t where t.tenant_id = r.tenant_id and t.run_id = r.run_id and t.quota_held order by t.accepted_at, t.task_id limit 1
) t
where r.live_tasks > 0;


create view v_budget_status as
select r.tenant_id, r.run_id, r.status,
  round(r.limit_usd_nanos / 1e9, 9) as limit_usd,
  round(c.spent / 1e9, 9) as spent_usd,
  round(c.held / 1e9, 9) as held_usd,
  round(r.limit_usd_nanos / 1e9, 9) - round(c.spent / 1e9, 9) as remaining_usd,
  round(100.0 * c.spent / r.limit_usd_nanos, 3) as percent_used,
  case
    when 100.0 * c.spent / r.limit_usd_nanos >= coalesce(r.pause_percent, t.pause_percent) then 'pause'
    when 100.0 * c.spent / r.limit_usd_nanos >= coalesce(r.throttle_percent, t.throttle_percent) then 'throttle'
    when 100.0 * c.spent / r.limit_usd_nanos >= coalesce(r.warn_percent, t.warn_percent) then 'warning'
    else 'ok'
  end as level,
  r.budget_version, r.demoted, r.budget_paused,
  c.period_start,
  round(r.spent_usd_nanos / 1e9, 9) as total_spent_usd
from runs r
join tenants t using (tenant_id)
-- A period that is over has nothing of the next one (B8), whether or not a call has written that down.
cross join lateral (
  select case when o.over then 0 else r.period_spent_usd_nanos end as spent,
    case when not o.over then r.held_usd_nanos when r.live_tasks > 0 then r.limit_usd_nanos else 0 end as held,
    case when o.over then period_start(r.period, now()) else r.period_start end as period_start
  from (select coalesce(r.period_ends_at <= now(), false) as over) o
) c;

create view v_tenant_usage_current as
select t.tenant_id,
  q.cpu_limit, t.cpu_held, t.cpu_in_use,
  q.memory_gb_limit, t.memory_gb_held, t.memory_gb_in_use,
  q.concurrent_runs_limit, t.runs_held as concurrent_runs,
  q.cost_limit_usd,
  round(coalesce(s.spent_usd_nanos, 0) / 1e9, 9) as cost_spent_usd,
  round(t.cost_held_usd_nanos / 1e9, 9) as cost_held_usd,
  t.throttled_until, t.weight, t.quality_gate, t.org_id
from tenants t
left join lateral (
  select
    max(limit_value) filter (where resource = 'cpu') as cpu_limit,
    max(limit_value) filter (where resource = 'memory') as memory_gb_limit,
    max(limit_value) filter (where resource = 'concurrent_runs') as concurrent_runs_limit,
    max(limit_value) filter (where resource = 'cost') as cost_limit_usd
  from tenant_quotas where tenant_id = t.tenant_id
) q on true
left join account_spend s on s.scope = 'tenant' and s.account_id = t.tenant_id and s.period_start = period_start(t.cost_period, now());

-- What holds money now, and what gave it back, for operators who look for money that nobody seems to spend.
create view v_holds as
select h.tenant_id, h.run_id, h.hold_number, h.org_id, h.owner_task_id, round(h.taken_usd_nanos / 1e9, 9) as taken_usd, h.taken_reason, h.taken_at, h.expires_at,
  case when h.released_at is null then round(r.held_usd_nanos / 1e9, 9) end as left_usd,
  round(h.released_usd_nanos / 1e9, 9) as released_usd, h.released_reason, h.released_at
from holds h join runs r using (tenant_id, run_id);

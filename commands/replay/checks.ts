/**
 * Checks of the store's rows: sums taken from the rows themselves and compared with the counters, the capacity and the
 * reported spend. Uses no function of the schema, so that a fault there cannot hide itself.
 */

import type { Database } from '../../shared/platform/db.ts';
import type { Use } from './account.ts';
import type { Breaches } from './breaches.ts';
import type { PoolSize, TenantQuota } from './conditions.ts';

/** In which states a task holds pool room, and in which it holds its tenant's quota (A4). */
const inRoom = `t.state in ('granted', 'running', 'preempting')`;
const holdsQuota = `(${inRoom} or t.state = 'queued' and t.waiting_for = 'pool')`;

const liveSums = `
  with live as (
    select t.*, ${inRoom} as in_room, ${holdsQuota} as holds from tasks t where t.ended_at is null
  ), by_run as (
    select tenant_id, run_id, count(*) filter (where holds) as live_tasks from live group by 1, 2
  ), ledger as (
    select tenant_id, run_id, sum(cost_usd_nanos)::bigint as spent from cost_events group by 1, 2
  ), run_sums as (
    select r.*, coalesce(b.live_tasks, 0) as live_sum, coalesce(l.spent, 0) as spent_sum,
      case when b.live_tasks > 0 then greatest(r.limit_usd_nanos - coalesce(l.spent, 0), 0) else 0 end as held_sum
    from runs r left join by_run b using (tenant_id, run_id) left join ledger l using (tenant_id, run_id)
  ), tenant_sums as (
    select n.*, coalesce(s.cpu_held_sum, 0) as cpu_held_sum, coalesce(s.memory_gb_held_sum, 0) as memory_gb_held_sum,
      coalesce(s.cpu_used_sum, 0) as cpu_used_sum, coalesce(s.memory_gb_used_sum, 0) as memory_gb_used_sum,
      coalesce(r.runs_sum, 0) as runs_sum, coalesce(r.cost_held_sum, 0) as cost_held_sum, coalesce(r.spent_sum, 0) as spent_sum,
      u.cpu as cpu_booked, u.memory_gb as memory_gb_booked, u.runs as runs_booked
    from tenants n
    left join (
      select tenant_id, sum(cpu) filter (where holds) as cpu_held_sum, sum(memory_gb) filter (where holds) as memory_gb_held_sum,
        sum(cpu) filter (where in_room) as cpu_used_sum, sum(memory_gb) filter (where in_room) as memory_gb_used_sum
      from live group by 1
    ) s using (tenant_id)
    left join (
      select tenant_id, count(*) filter (where live_sum > 0) as runs_sum, sum(held_sum) as cost_held_sum, sum(spent_sum) as spent_sum
      from run_sums group by 1
    ) r using (tenant_id)
    left join (
      select tenant_id, sum(case kind when 'allocate' then cpu else -cpu end) as cpu,
        sum(case kind when 'allocate' then memory_gb else -memory_gb end) as memory_gb,
        sum(case kind when 'allocate' then runs else -runs end) as runs
      from tenant_usage group by 1
    ) u using (tenant_id)
  )`;

type LiveCounts = {
  readonly pool_over: bigint;
  readonly quota_over: bigint;
  readonly tenant_drift: bigint;
  readonly run_drift: bigint;
  readonly pool_drift: bigint;
  readonly run_ledger_drift: bigint;
  readonly task_ledger_drift: bigint;
  readonly period_ledger_drift: bigint;
  readonly reported_drift: bigint;
};

export type Expected = {
  readonly pool: PoolSize;
  readonly quota: TenantQuota;
  /** The policy's, or the quota's own. */
  readonly burstShare: number;
  /** What the account of the replay has in the pool now. */
  readonly room: Readonly<Use>;
  /** Sum of all costs reported so far. */
  readonly reported_usd_nanos: bigint;
};

/** Compares counters with rows as they are now, and counts what differs. */
export async function checkRows(
  database: Database,
  { pool, quota, burstShare, room, reported_usd_nanos }: Expected,
  now: Date,
  breaches: Breaches,
): Promise<void> {
  const [counts] = await database.query<LiveCounts>(
    `${liveSums}
     select
       (select count(*) from (select sum(cpu) as cpu, sum(memory_gb) as memory_gb, count(*) as tasks from live where room_until > $1) s
        where s.cpu > $2::numeric or s.memory_gb > $3::numeric or s.tasks > $12::bigint) as pool_over,
       (select count(*) from tenant_sums where cpu_held_sum > $4::numeric * (1 + $8::numeric)
          or memory_gb_held_sum > $5::numeric * (1 + $8::numeric) or runs_sum > $6::numeric
          or spent_sum + cost_held_sum > $7::numeric * 1000000000) as quota_over,
       (select count(*) from tenant_sums where cpu_held <> cpu_held_sum or memory_gb_held <> memory_gb_held_sum
          or cpu_in_use <> cpu_used_sum or memory_gb_in_use <> memory_gb_used_sum or runs_held <> runs_sum
          or cost_held_usd_nanos <> cost_held_sum
          or cpu_held <> coalesce(cpu_booked, 0) or memory_gb_held <> coalesce(memory_gb_booked, 0)
          or runs_held <> coalesce(runs_booked, 0)) as tenant_drift,
       (select count(*) from run_sums where live_tasks <> live_sum or held_usd_nanos <> held_sum) as run_drift,
       (select count(*) from pool p,
          (select coalesce(sum(cpu_used_sum), 0) as cpu, coalesce(sum(memory_gb_used_sum), 0) as memory_gb from tenant_sums) s
        where (p.cpu_used, p.memory_gb_used) <> (s.cpu, s.memory_gb)
          or p.cpu_used * 1000 <> $9::numeric or p.memory_gb_used * 1000 <> $10::numeric) as pool_drift,
       (select count(*) from run_sums where spent_usd_nanos <> spent_sum) as run_ledger_drift,
       (select count(*) from tasks t left join (
          select tenant_id, task_id, sum(cost_usd_nanos) as spent from cost_events group by 1, 2
        ) c using (tenant_id, task_id) where t.spent_usd_nanos <> coalesce(c.spent, 0)) as task_ledger_drift,
       (select count(*) from (select account_id as tenant_id, period_start, spent_usd_nanos from account_spend where scope = 'tenant') s full join (
          select tenant_id, date_trunc('month', occurred_at, 'UTC') as period_start, sum(cost_usd_nanos) as spent
          from cost_events group by 1, 2
        ) c using (tenant_id, period_start)
        where coalesce(s.spent_usd_nanos, 0) <> coalesce(c.spent, 0)) as period_ledger_drift,
       (select count(*) from (select coalesce(sum(spent), 0) as spent from ledger) l where l.spent <> $11::numeric) as reported_drift`,
    [
      now,
      pool.cpu,
      pool.memoryGb,
      quota.cpu,
      quota.memoryGb,
      quota.runs,
      quota.cost_usd,
      burstShare,
      room.cpu_milli,
      room.memoryGb_milli,
      reported_usd_nanos,
      pool.tasks,
    ],
  );
  if (counts === undefined) throw new Error('the check of rows returned no row');
  breaches.pool_over += Number(counts.pool_over);
  breaches.quota_over += Number(counts.quota_over);
  breaches.counters_drift += Number(counts.tenant_drift + counts.run_drift + counts.pool_drift);
  breaches.ledger_drift += Number(
    counts.run_ledger_drift + counts.task_ledger_drift + counts.period_ledger_drift + counts.reported_drift,
  );
}

type EndCounts = {
  readonly counters: bigint;
  readonly thresholds: bigint;
  readonly unfinished: bigint;
  readonly ended_twice: bigint;
};

/** What must hold once every task has ended: nothing is held, nothing is left, nothing happened twice. */
export async function checkEnd(database: Database, breaches: Breaches): Promise<void> {
  const [counts] = await database.query<EndCounts>(
    `select
       (select count(*) from pool where cpu_used <> 0 or memory_gb_used <> 0)
       + (select count(*) from tenants where cpu_held <> 0 or memory_gb_held <> 0 or runs_held <> 0 or cost_held_usd_nanos <> 0
            or cpu_in_use <> 0 or memory_gb_in_use <> 0)
       + (select count(*) from runs where live_tasks <> 0 or held_usd_nanos <> 0) as counters,
       (select count(*) from (
          select 1 from events where detail_type = 'budget-alert'
          group by tenant_id, run_id, body->'data'->'threshold', body->'data'->'limitUSD' having count(*) > 1
        ) twice) as thresholds,
       (select count(*) from tasks where ended_at is null) as unfinished,
       (select count(*) from (
          select 1 from events where detail_type in ('run-completed', 'run-failed', 'run-cancelled')
          group by tenant_id, run_id having count(*) > 1
        ) twice) as ended_twice`,
  );
  if (counts === undefined) throw new Error('the check of the end returned no row');
  breaches.counters_not_zero_at_end += Number(counts.counters);
  breaches.threshold_twice += Number(counts.thresholds);
  breaches.task_lost += Number(counts.unfinished);
  breaches.task_twice += Number(counts.ended_twice);
}

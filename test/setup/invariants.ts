/**
 * What must hold after every call, worked out from the rows alone and never with the SQL functions under test.
 * Each invariant is a query for the rows that break it.
 */

import { expect } from '@jest/globals';
import type { Database } from '../../shared/platform/db.ts';

type Invariant = {
  readonly name: string;
  /** Selects one text column naming each offender; `$1` is now. */
  readonly offenders: string;
};

const invariants: readonly Invariant[] = [
  {
    name: 'tenant counters equal the sums over tasks that hold quota (A4)',
    offenders: `select format('%s: holds %s/%s/%s, tasks say %s/%s/%s', n.tenant_id, n.cpu_held, n.memory_gb_held, n.runs_held, s.cpu, s.memory, s.runs)
      from tenants n cross join lateral (
        select coalesce(sum(cpu), 0) as cpu, coalesce(sum(memory_gb), 0) as memory, count(distinct run_id) as runs
        from tasks t where t.tenant_id = n.tenant_id and t.quota_held) s
      where (n.cpu_held, n.memory_gb_held, n.runs_held) is distinct from (s.cpu, s.memory, s.runs::integer)`,
  },
  {
    name: 'tenant counters of room equal the sums over tasks in the pool',
    offenders: `select format('%s: uses %s/%s, tasks say %s/%s', n.tenant_id, n.cpu_in_use, n.memory_gb_in_use, s.cpu, s.memory)
      from tenants n cross join lateral (
        select coalesce(sum(cpu), 0) as cpu, coalesce(sum(memory_gb), 0) as memory from tasks t
        where t.tenant_id = n.tenant_id and t.state in ('granted', 'running', 'preempting')) s
      where (n.cpu_in_use, n.memory_gb_in_use) is distinct from (s.cpu, s.memory)`,
  },
  {
    name: 'pool counters equal the sums over tasks in the pool',
    offenders: `select format('used %s/%s, tasks say %s/%s', p.cpu_used, p.memory_gb_used, s.cpu, s.memory)
      from pool p cross join (
        select coalesce(sum(cpu), 0) as cpu, coalesce(sum(memory_gb), 0) as memory from tasks
        where state in ('granted', 'running', 'preempting')) s
      where (p.cpu_used, p.memory_gb_used) is distinct from (s.cpu, s.memory)`,
  },
  {
    name: 'money held equals what runs with live tasks may still spend (B3)',
    offenders: `select format('%s: holds %s, runs say %s', n.tenant_id, n.cost_held_usd_nanos, s.held)
      from tenants n cross join lateral (
        select coalesce(sum(greatest(limit_usd_nanos - period_spent_usd_nanos, 0)), 0) as held from runs r
        where r.tenant_id = n.tenant_id and exists (
          select 1 from tasks t where t.tenant_id = r.tenant_id and t.run_id = r.run_id and t.quota_held)) s
      where n.cost_held_usd_nanos <> s.held`,
  },
  {
    name: 'a run has one open hold while it has a live task, and none else (B3)',
    offenders: `select format('%s/%s: %s open holds of %s taken, %s live tasks', r.tenant_id, r.run_id, h.open, h.taken, r.live_tasks)
      from runs r cross join lateral (
        select count(*) filter (where released_at is null) as open, count(*) as taken from holds h
        where h.tenant_id = r.tenant_id and h.run_id = r.run_id) h
      where h.open <> least(r.live_tasks, 1) or h.taken <> r.holds_taken`,
  },
  {
    name: 'an organisation is held to what its tenants hold (B6)',
    offenders: `select format('%s: %s, tenants say %s', o.org_id, o.cost_held_usd_nanos, s.held)
      from orgs o cross join lateral (
        select coalesce(sum(n.cost_held_usd_nanos), 0) as held from tenants n where n.org_id = o.org_id) s
      where o.cost_held_usd_nanos <> s.held`,
  },
  {
    name: "a run's live tasks are those that hold quota, its spending the sum of its ledger (B1)",
    offenders: `select format('%s/%s: %s live, %s spent', r.tenant_id, r.run_id, r.live_tasks, r.spent_usd_nanos)
      from runs r
      where r.live_tasks <> (select count(*) from tasks t where t.tenant_id = r.tenant_id and t.run_id = r.run_id and t.quota_held)
        or r.spent_usd_nanos <> (select coalesce(sum(cost_usd_nanos), 0) from cost_events e where e.tenant_id = r.tenant_id and e.run_id = r.run_id)`,
  },
  {
    name: 'spending per task and period equals the sum of the ledger (B1)',
    offenders: `select format('task %s/%s: %s', t.tenant_id, t.task_id, t.spent_usd_nanos) from tasks t
      where t.spent_usd_nanos <> (
        select coalesce(sum(cost_usd_nanos), 0) from cost_events e where e.tenant_id = t.tenant_id and e.task_id = t.task_id)
      union all
      select format('tenant %s: %s', n.tenant_id, s.spent) from tenants n cross join lateral (
        select coalesce(sum(spent_usd_nanos), 0) as spent from account_spend p where p.scope = 'tenant' and p.account_id = n.tenant_id) s
      where s.spent <> (select coalesce(sum(cost_usd_nanos), 0) from cost_events e where e.tenant_id = n.tenant_id)`,
  },
  {
    name: 'the usage ledger sums to the counters',
    offenders: `select format('%s: ledger says %s/%s/%s', n.tenant_id, s.cpu, s.memory, s.runs)
      from tenants n cross join lateral (
        select coalesce(sum(sign * u.cpu), 0) as cpu, coalesce(sum(sign * u.memory_gb), 0) as memory, coalesce(sum(sign * u.runs), 0) as runs
        from tenant_usage u cross join lateral (select case u.kind when 'allocate' then 1 else -1 end as sign) g
        where u.tenant_id = n.tenant_id) s
      where (n.cpu_held, n.memory_gb_held, n.runs_held) is distinct from (s.cpu, s.memory, s.runs::integer)`,
  },
  {
    name: 'nobody holds quota in a state that may not, and everybody does in one that must (A4)',
    offenders: `select format('%s/%s is %s, quota held: %s', tenant_id, task_id, state, quota_held) from tasks
      where case
        when state in ('granted', 'running', 'preempting') then not quota_held
        when state = 'queued' then quota_held <> (waiting_for = 'pool')
        else quota_held
      end`,
  },
  {
    name: 'burst marks cover exactly what a tenant holds above its limit (A5)',
    offenders: `select format('%s: %s marked of %s held over %s', n.tenant_id, s.marked, s.held, q.limit_value)
      from tenants n join tenant_quotas q using (tenant_id) cross join lateral (
        select coalesce(sum(case q.resource when 'cpu' then t.burst_cpu else t.burst_memory_gb end), 0) as marked,
          coalesce(sum(case q.resource when 'cpu' then t.cpu else t.memory_gb end), 0) as held
        from tasks t where t.tenant_id = n.tenant_id and t.quota_held) s
      where q.resource in ('cpu', 'memory') and q.limit_value is not null and s.marked <> greatest(s.held - q.limit_value, 0)`,
  },
  {
    name: 'a victim is not granted before the newcomer it left for (P3)',
    offenders: `select format('%s is %s before %s', v.task_id, v.state, w.task_id)
      from tasks v join tasks w on w.tenant_id = v.preempted_by_tenant and w.task_id = v.preempted_by
        and w.promises = v.preempted_for_promise
      where v.state in ('granted', 'running') and v.preempted and w.promised and (w.promised_until is null or w.promised_until > $1)`,
  },
  {
    name: 'events of a run are numbered without gap or repeat (E1)',
    offenders: `select format('%s/%s: %s events, last %s', e.tenant_id, e.run_id, count(*), max(e.sequence))
      from events e where e.kind = 'event' and e.run_id is not null
      group by e.tenant_id, e.run_id having count(*) <> max(e.sequence) or count(distinct e.sequence) <> count(*)`,
  },
  {
    name: 'a task starts once, and resumes once for each epoch (P5)',
    offenders: `select format('%s/%s: %s %s', tenant_id, task_id, count(*), detail_type)
      from events where kind = 'event' and detail_type in ('task-started', 'task-resumed')
      group by tenant_id, task_id, detail_type, case when detail_type = 'task-resumed' then body->'data'->>'epoch' end
      having count(*) > 1`,
  },
  {
    name: 'an accepted task has one decision to admit it (R5)',
    offenders: `select format('%s/%s', t.tenant_id, t.task_id) from tasks t
      where 1 <> (select count(*) from decisions d
        where d.tenant_id = t.tenant_id and d.task_id = t.task_id and d.kind = 'admit' and d.result in ('admitted', 'queued'))`,
  },
  {
    name: "a run's status is that of its tasks",
    offenders: `select format('%s/%s is %s', r.tenant_id, r.run_id, r.status) from runs r cross join lateral (
        select bool_or(state in ('granted', 'running', 'preempting')) as in_room, bool_or(state = 'queued') as waits,
          bool_or(state = 'paused') as paused
        from tasks t where t.tenant_id = r.tenant_id and t.run_id = r.run_id) s
      where case when s.in_room then r.status <> 'running' when s.waits then r.status <> 'queued'
        when s.paused then r.status <> 'paused' else r.status not in ('completed', 'failed', 'cancelled') end`,
  },
];

/** Holds only while no limit has been lowered below what is in use, which stops new work and kills nothing (A15). */
const withinLimits: readonly Invariant[] = [
  {
    name: 'by the clock the pool is never over its capacity (A1, A12)',
    offenders: `select format('%s/%s in use of %s/%s', s.cpu, s.memory, p.cpu, p.memory_gb)
      from pool p cross join (
        select coalesce(sum(cpu), 0) as cpu, coalesce(sum(memory_gb), 0) as memory from tasks where room_until > $1) s
      where s.cpu > p.cpu or s.memory > p.memory_gb`,
  },
  {
    name: 'no tenant holds more than its limit and burst (A4, A5)',
    offenders: `select format('%s: %s over %s', n.tenant_id, q.resource, q.limit_value)
      from tenants n join tenant_quotas q using (tenant_id)
      left join lateral (select sum(spent_usd_nanos) as spent from account_spend p where p.scope = 'tenant' and p.account_id = n.tenant_id) s on true
      where case q.resource
        when 'cpu' then n.cpu_held > q.limit_value + coalesce(q.burst_value, q.limit_value * coalesce(q.burst_share, 0.5))
        when 'memory' then n.memory_gb_held > q.limit_value + coalesce(q.burst_value, q.limit_value * coalesce(q.burst_share, 0.5))
        when 'concurrent_runs' then n.runs_held > q.limit_value
      end`,
  },
];

/**
 * What is broken, as lines of invariant and offender; empty when all is well.
 *
 * @param limitsLowered leave out what holds only while no limit was lowered
 */
export async function brokenInvariants(
  database: Database,
  now: Date,
  { limitsLowered = false } = {},
): Promise<string[]> {
  const checked = limitsLowered ? invariants : [...invariants, ...withinLimits];
  const text = checked
    .map(({ offenders }, index) => `select ${index} as invariant, offender from (${offenders}) o (offender)`)
    .join(' union all ');
  const rows = await database.query<{ invariant: number; offender: string }>(
    // Names the parameter's type even where no invariant uses it.
    `${text} union all select -1, null where $1::timestamptz is null`,
    [now],
  );
  return rows.map((row) => `${checked[row.invariant]?.name}: ${row.offender}`);
}

export async function expectInvariants(
  database: Database,
  now: Date,
  options: { limitsLowered?: boolean } = {},
): Promise<void> {
  expect(await brokenInvariants(database, now, options)).toEqual([]);
}

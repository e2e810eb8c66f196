/** Reads of runs, tasks, the line, quotas and usage. Every query names its tenant (R2). */

import * as z from 'zod';
import { type BudgetSnapshot, budgetStatusOf } from '../budget/status.ts';
import { type Database, json } from '../platform/db.ts';
import { nanosToUsd } from '../platform/money.ts';
import { decodeCursor, type Page, toPage } from '../platform/page.ts';
import { instantOf, taskOf } from './answers.ts';
import type { QueueItem, QueueQuery, RunListQuery, RunResult, Task, Violation } from './contract.ts';
import { type DispatchRate, startEstimate } from './estimate.ts';
import { policy } from './policy.ts';
import { className, classNumber } from './priority.ts';
import type { CheckpointRow, QueuePlace, TaskRow } from './rows.ts';

/** Tenants that have a run or task of this id: an operator need not name the tenant where only one has. */
export async function tenantsOf(database: Database, what: 'run' | 'task', id: string): Promise<string[]> {
  const rows = await database.query<{ tenant_id: string }>(
    what === 'run'
      ? 'select tenant_id from runs where run_id = $1 order by tenant_id limit 2'
      : 'select tenant_id from tasks where task_id = $1 order by tenant_id limit 2',
    [id],
  );
  return rows.map((row) => row.tenant_id);
}

export async function tenantExists(database: Database, tenantId: string): Promise<boolean> {
  const rows = await database.query('select 1 from tenants where tenant_id = $1', [tenantId]);
  return rows.length > 0;
}

type TaskWithPlace = {
  readonly task: TaskRow;
  readonly checkpoint: CheckpointRow | null;
  readonly place: QueuePlace | null;
};

const taskColumns = `to_jsonb(t) as task,
  (select to_jsonb(c) from checkpoints c where c.checkpoint_id = t.checkpoint_id) as checkpoint`;

export async function readTask(
  database: Database,
  tenantId: string,
  taskId: string,
  now: Date,
): Promise<Task | null> {
  const [row] = await database.query<TaskWithPlace>(
    `select ${taskColumns},
       case when t.state = 'queued' then (
         select jsonb_build_object('position', l.line_position, 'aheadInTenant', l.ahead_in_tenant, 'waitingFor', l.waiting_for)
         from waiting_line($3, $4) l where l.tenant_id = t.tenant_id and l.task_id = t.task_id
       ) end as place
     from tasks t where t.tenant_id = $1 and t.task_id = $2`,
    [tenantId, taskId, json(policy), now],
  );
  return row === undefined ? null : taskOf(row.task, row.place, row.checkpoint);
}

type RunRow = {
  readonly run: {
    readonly run_id: string;
    readonly tenant_id: string;
    readonly status: RunResult['status'];
    readonly phase: string;
    readonly goal: string | null;
    readonly labels: Record<string, string>;
    readonly created_at: string;
    readonly started_at: string | null;
    readonly ended_at: string | null;
    readonly queued_ms: number;
    readonly running_ms: number;
    readonly preemptions: number;
    readonly lost_work_usd_nanos: number;
  };
  readonly budget: BudgetSnapshot;
  readonly tasks: readonly Omit<TaskWithPlace, 'place'>[];
  readonly by_model: readonly { model: string | null; nanos: string; events: number }[];
  readonly violations: readonly ViolationRow[];
  readonly scores: readonly {
    score_id: string;
    phase: string | null;
    overall_score: number;
    depth_score: number;
    coherence_score: number;
    relevance_score: number;
    recommendation: string;
    recommendations: readonly string[];
    created_at: string;
  }[];
};

type ViolationRow = {
  readonly violation_id: string;
  readonly run_id: string | null;
  readonly task_id: string | null;
  readonly type: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly resource: string | null;
  readonly message: string;
  readonly at: string;
};

/** The run's result, or null when the tenant has no such run. */
export async function readRun(
  database: Database,
  tenantId: string,
  runId: string,
): Promise<RunResult | null> {
  const [row] = await database.query<RunRow>(
    `select to_jsonb(r) as run, budget_snapshot(n, r, r.run_id, null) as budget,
       (select jsonb_agg(jsonb_build_object('task', to_jsonb(t), 'checkpoint', to_jsonb(c)) order by t.accepted_at, t.task_id)
        from tasks t left join checkpoints c on c.checkpoint_id = t.checkpoint_id
        where t.tenant_id = r.tenant_id and t.run_id = r.run_id) as tasks,
       (select coalesce(jsonb_agg(m order by m.model nulls last), '[]') from (
          select model, sum(cost_usd_nanos)::text as nanos, count(*) as events from cost_events
          where tenant_id = r.tenant_id and run_id = r.run_id group by model) m) as by_model,
       (select coalesce(jsonb_agg(to_jsonb(v) order by v.at, v.violation_id), '[]') from quota_violations v
        where v.tenant_id = r.tenant_id and v.run_id = r.run_id) as violations,
       (select coalesce(jsonb_agg(to_jsonb(s) - 'evidence' - 'contradictions' - 'thresholds' order by s.created_at, s.score_id), '[]')
        from deliberation_scores s where s.tenant_id = r.tenant_id and s.run_id = r.run_id) as scores
     from runs r join tenants n using (tenant_id)
     where r.tenant_id = $1 and r.run_id = $2`,
    [tenantId, runId],
  );
  return row === undefined ? null : runResultOf(row);
}

function runResultOf({ run, budget, tasks, by_model, violations, scores }: RunRow): RunResult {
  const status = budgetStatusOf(budget);
  const overall = scores.map((score) => score.overall_score);
  const last = scores.at(-1);
  return {
    runId: run.run_id,
    tenantId: run.tenant_id,
    status: run.status,
    phase: run.phase,
    goal: run.goal,
    labels: run.labels,
    createdAt: instantOf(run.created_at),
    startedAt: run.started_at === null ? null : instantOf(run.started_at),
    endedAt: run.ended_at === null ? null : instantOf(run.ended_at),
    costs: {
      totalUSD: status.spentUSD,
      heldUSD: status.heldUSD,
      byModel: by_model.map(({ model, nanos, events }) => ({
        model,
        costUSD: nanosToUsd(BigInt(nanos)),
        events,
      })),
    },
    budget: status,
    tasks: tasks.map(({ task, checkpoint }) => taskOf(task, null, checkpoint)),
    violations: violations.map(violationOf),
    recommendations: [...new Set(scores.flatMap((score) => score.recommendations))],
    deliberation: {
      scores: scores.map((score) => ({
        scoreId: score.score_id,
        phase: score.phase,
        overall: score.overall_score,
        depth: score.depth_score,
        coherence: score.coherence_score,
        relevance: score.relevance_score,
        recommendation: score.recommendation,
        at: instantOf(score.created_at),
      })),
      averageOverall:
        overall.length === 0 ? null : overall.reduce((sum, value) => sum + value, 0) / overall.length,
      lastRecommendation: (last?.recommendation ?? null) as RunResult['deliberation']['lastRecommendation'],
    },
    metrics: {
      queuedMs: run.queued_ms,
      runningMs: run.running_ms,
      preemptions: run.preemptions,
      lostWorkUSD: nanosToUsd(BigInt(run.lost_work_usd_nanos)),
    },
  };
}

function violationOf(row: ViolationRow): Violation {
  return {
    violationId: row.violation_id,
    type: row.type,
    severity: row.severity,
    resource: row.resource,
    message: row.message,
    at: instantOf(row.at),
    runId: row.run_id,
    taskId: row.task_id,
  };
}

const newestFirst = z.tuple([z.iso.datetime(), z.string(), z.string()]);

/** Newest first. `tenantId` null: every tenant's. */
export async function listRuns(database: Database, tenantId: string | null, query: RunListQuery) {
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor, newestFirst);
  const rows = await database.query<{
    run_id: string;
    tenant_id: string;
    status: string;
    phase: string;
    created_at: Date;
    ended_at: Date | null;
    spent: bigint;
    limit_nanos: bigint;
  }>(
    `select run_id, tenant_id, status, phase, created_at, ended_at, spent_usd_nanos as spent, limit_usd_nanos as limit_nanos
     from runs
     where ($1::text is null or tenant_id = $1) and ($2::text is null or status = $2) and ($3::text is null or phase = $3)
       and ($4::timestamptz is null or (created_at, run_id, tenant_id) < ($4, $5, $6))
     order by created_at desc, run_id desc, tenant_id desc limit $7`,
    [
      tenantId,
      query.state,
      query.phase,
      after?.[0] ?? null,
      after?.[1] ?? null,
      after?.[2] ?? null,
      query.limit + 1,
    ],
  );
  return toPage(
    rows,
    query.limit,
    (row) => ({
      runId: row.run_id,
      tenantId: row.tenant_id,
      status: row.status,
      phase: row.phase,
      createdAt: row.created_at.toISOString(),
      endedAt: row.ended_at?.toISOString() ?? null,
      spentUSD: nanosToUsd(row.spent),
      limitUSD: nanosToUsd(row.limit_nanos),
    }),
    (row) => [row.created_at.toISOString(), row.run_id, row.tenant_id],
  );
}

/** The line in its order. A runner sees its own tenant's tasks, with their positions in the whole line. */
export async function listQueue(
  database: Database,
  tenantId: string | null,
  query: QueueQuery,
  now: Date,
): Promise<Page<QueueItem>> {
  const after = query.cursor === undefined ? 0 : decodeCursor(query.cursor, z.int());
  const rows = await database.query<{
    position: bigint;
    ahead_in_tenant: bigint;
    tenant_id: string;
    task_id: string;
    run_id: string;
    phase: string;
    class: number;
    waiting_for: 'pool' | 'quota';
    waiting_since: Date;
    rate: DispatchRate;
  }>(
    `select l.line_position as position, l.ahead_in_tenant, l.tenant_id, l.task_id, l.run_id, t.phase, t.queue_class as class,
       l.waiting_for, l.waiting_since,
       (select jsonb_build_object('grants', count(*), 'windowSeconds', 300) from decisions
        where kind = 'grant' and at > $2::timestamptz - interval '300 seconds' and at <= $2) as rate
     from waiting_line($1, $2) l join tasks t on t.tenant_id = l.tenant_id and t.task_id = l.task_id
     where ($3::text is null or l.tenant_id = $3) and ($4::smallint is null or t.queue_class = $4) and l.line_position > $5
     order by l.line_position limit $6`,
    [
      json(policy),
      now,
      tenantId,
      query.class === undefined ? null : classNumber(query.class),
      after,
      query.limit + 1,
    ],
  );
  return toPage(
    rows,
    query.limit,
    (row) => ({
      taskId: row.task_id,
      runId: row.run_id,
      tenantId: row.tenant_id,
      phase: row.phase,
      class: className(row.class),
      position: Number(row.position),
      aheadInTenant: Number(row.ahead_in_tenant),
      waitingFor: row.waiting_for,
      waitingSince: row.waiting_since.toISOString(),
      startEstimate: startEstimate(Number(row.position), row.rate, now),
    }),
    (row) => Number(row.position),
  );
}

type QuotaRow = {
  resource: string;
  limit_value: string | null;
  burst_share: string | null;
  period: string | null;
};
type TenantRow = {
  weight: string;
  quality_gate: string;
  warn_percent: string;
  throttle_percent: string;
  pause_percent: string;
  throttled_until: Date | null;
  cpu_held: string;
  memory_gb_held: string;
  cpu_in_use: string;
  memory_gb_in_use: string;
  runs_held: number;
  cost_held: bigint;
  cost_spent: bigint;
  cpu_burst: string;
  memory_burst: string;
  quotas: readonly QuotaRow[] | null;
};

async function readTenant(database: Database, tenantId: string, now: Date): Promise<TenantRow | null> {
  const [row] = await database.query<TenantRow>(
    `select n.weight, n.quality_gate, n.warn_percent, n.throttle_percent, n.pause_percent, n.throttled_until, n.cpu_held,
       n.memory_gb_held, n.cpu_in_use, n.memory_gb_in_use, n.runs_held, n.cost_held_usd_nanos as cost_held,
       (select coalesce(sum(s.spent_usd_nanos), 0)::bigint from tenant_spend s
        where s.tenant_id = n.tenant_id and (s.period_start = date_trunc('month', $2::timestamptz, 'UTC') or exists (
          select 1 from tenant_quotas c where c.tenant_id = n.tenant_id and c.resource = 'cost' and c.period = 'none'))) as cost_spent,
       (select coalesce(sum(burst_cpu), 0) from tasks t where t.tenant_id = n.tenant_id and t.room_until is not null) as cpu_burst,
       (select coalesce(sum(burst_memory_gb), 0) from tasks t where t.tenant_id = n.tenant_id and t.room_until is not null) as memory_burst,
       (select jsonb_agg(jsonb_build_object('resource', resource, 'limit_value', limit_value::text, 'burst_share', burst_share::text, 'period', period))
        from tenant_quotas q where q.tenant_id = n.tenant_id) as quotas
     from tenants n where n.tenant_id = $1`,
    [tenantId, now],
  );
  return row ?? null;
}

function quotaOf(row: TenantRow, resource: string): QuotaRow | undefined {
  return row.quotas?.find((quota) => quota.resource === resource);
}

function limitOf(row: TenantRow, resource: string): number | null {
  const text = quotaOf(row, resource)?.limit_value;
  return text === undefined || text === null ? null : Number(text);
}

/** Limits as set; null = no bound. Null when there is no such tenant. */
export async function readQuotas(database: Database, tenantId: string, now: Date) {
  const row = await readTenant(database, tenantId, now);
  if (row === null) return null;
  const room = (resource: string) => ({
    limit: limitOf(row, resource),
    burstShare: Number(quotaOf(row, resource)?.burst_share ?? policy.burst_share),
  });
  return {
    tenantId,
    cpu: room('cpu'),
    memory: room('memory'),
    cost: { limitUSD: limitOf(row, 'cost'), period: quotaOf(row, 'cost')?.period ?? 'month' },
    concurrentRuns: { limit: limitOf(row, 'concurrent_runs') },
    weight: Number(row.weight),
    thresholds: {
      warn: Number(row.warn_percent),
      throttle: Number(row.throttle_percent),
      pause: Number(row.pause_percent),
    },
    qualityGate: row.quality_gate,
  };
}

/** What is held, in use, burst and spent now. Null when there is no such tenant. */
export async function readUsage(database: Database, tenantId: string, now: Date) {
  const row = await readTenant(database, tenantId, now);
  if (row === null) return null;
  return {
    tenantId,
    cpu: {
      limit: limitOf(row, 'cpu'),
      held: Number(row.cpu_held),
      used: Number(row.cpu_in_use),
      burst: Number(row.cpu_burst),
    },
    memory: {
      limit: limitOf(row, 'memory'),
      held: Number(row.memory_gb_held),
      used: Number(row.memory_gb_in_use),
      burst: Number(row.memory_burst),
    },
    concurrentRuns: { limit: limitOf(row, 'concurrent_runs'), used: row.runs_held },
    cost: {
      limitUSD: limitOf(row, 'cost'),
      spentUSD: nanosToUsd(row.cost_spent),
      heldUSD: nanosToUsd(row.cost_held),
    },
    throttledUntil:
      row.throttled_until !== null && row.throttled_until > now ? row.throttled_until.toISOString() : null,
  };
}

export async function listViolations(
  database: Database,
  tenantId: string,
  query: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<Violation>> {
  const after =
    query.cursor === undefined ? null : decodeCursor(query.cursor, z.tuple([z.iso.datetime(), z.string()]));
  const rows = await database.query<{ violation: ViolationRow }>(
    `select to_jsonb(v) as violation from quota_violations v
     where tenant_id = $1 and ($2::timestamptz is null or (at, violation_id) < ($2, $3))
     order by at desc, violation_id desc limit $4`,
    [tenantId, after?.[0] ?? null, after?.[1] ?? null, query.limit + 1],
  );
  return toPage(
    rows,
    query.limit,
    (row) => violationOf(row.violation),
    (row) => [instantOf(row.violation.at), row.violation.violation_id],
  );
}

/** Capacity, what is held by the clock, and what is promised to newcomers whose victims leave. */
export async function readPool(database: Database, now: Date) {
  const [row] = await database.query<{
    cpu: string | null;
    memory_gb: string | null;
    cpu_used: string;
    memory_gb_used: string;
    cpu_room: string | null;
    memory_gb_room: string | null;
    version: bigint;
  }>(
    `select p.cpu, p.memory_gb,
       p.cpu_used - coalesce((select sum(t.cpu) from tasks t where t.room_until is not null and t.room_until <= $1), 0) as cpu_used,
       p.memory_gb_used - coalesce((select sum(t.memory_gb) from tasks t where t.room_until is not null and t.room_until <= $1), 0) as memory_gb_used,
       r.cpu as cpu_room, r.memory_gb as memory_gb_room, p.version
     from pool p, lateral pool_room(p, $1, null, null) r`,
    [now],
  );
  if (row === undefined) throw new Error('the pool row is missing');
  const promised = (capacity: string | null, used: string, room: string | null): number =>
    capacity === null || room === null ? 0 : Number(capacity) - Number(used) - Number(room);
  return {
    cpu: row.cpu === null ? null : Number(row.cpu),
    memoryGb: row.memory_gb === null ? null : Number(row.memory_gb),
    used: { cpu: Number(row.cpu_used), memoryGb: Number(row.memory_gb_used) },
    promised: {
      cpu: promised(row.cpu, row.cpu_used, row.cpu_room),
      memoryGb: promised(row.memory_gb, row.memory_gb_used, row.memory_gb_room),
    },
  };
}

export async function readDecision(database: Database, decisionId: string) {
  const [row] = await database.query<{
    decision_id: string;
    kind: string;
    tenant_id: string;
    run_id: string | null;
    task_id: string | null;
    result: string;
    policy_version: string;
    inputs: Record<string, unknown>;
    counters: Record<string, unknown>;
    answer: Record<string, unknown>;
    at: Date;
  }>('select * from decisions where decision_id = $1', [decisionId]);
  if (row === undefined) return null;
  return {
    decisionId: row.decision_id,
    kind: row.kind,
    tenantId: row.tenant_id,
    runId: row.run_id,
    taskId: row.task_id,
    result: row.result,
    policyVersion: row.policy_version,
    inputs: row.inputs,
    counters: row.counters,
    answer: row.answer,
    at: row.at.toISOString(),
  };
}

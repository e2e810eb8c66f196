/** Reads of runs and tasks. Every query names its tenant (R2). */

import * as z from 'zod';
import { type BudgetSnapshot, budgetStatusOf } from '../budget/status.ts';
import { type Database, json } from '../platform/db.ts';
import { nanosToUsd } from '../platform/money.ts';
import { decodeCursor, toPage } from '../platform/page.ts';
import { instantOf, taskOf } from './answers.ts';
import type { RunListQuery, RunResult, Task } from './contract.ts';
import { policyInForce } from './policy-in-force.ts';
import type { CheckpointRow, QueuePlace, TaskRow } from './rows.ts';
import { type ViolationRow, violationOf } from './violation-reads.ts';

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
       case when t.state = 'queued'
         then queue_place(t, false, $3, $4) || jsonb_build_object('pace', start_pace($4)) end as place
     from tasks t where t.tenant_id = $1 and t.task_id = $2`,
    [tenantId, taskId, json(policyInForce()), now],
  );
  return row === undefined
    ? null
    : taskOf(row.task, row.place === null ? null : { at: row.place, now }, row.checkpoint);
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
    scorer_version: string;
    thresholds: Readonly<Record<string, number>>;
    thinking_tokens: number | null;
    task_id: string | null;
    created_at: string;
  }[];
};

/** The run's result, or null when the tenant has no such run. */
export async function readRun(
  database: Database,
  tenantId: string,
  runId: string,
  now: Date,
): Promise<RunResult | null> {
  const [row] = await database.query<RunRow>(
    `select to_jsonb(r) as run, budget_snapshot(n, r, r.run_id, null, $3) as budget,
       (select jsonb_agg(jsonb_build_object('task', to_jsonb(t), 'checkpoint', to_jsonb(c)) order by t.accepted_at, t.task_id)
        from tasks t left join checkpoints c on c.checkpoint_id = t.checkpoint_id
        where t.tenant_id = r.tenant_id and t.run_id = r.run_id) as tasks,
       (select coalesce(jsonb_agg(m order by m.model nulls last), '[]') from (
          select model, sum(cost_usd_nanos)::text as nanos, count(*) as events from cost_events
          where tenant_id = r.tenant_id and run_id = r.run_id group by model) m) as by_model,
       (select coalesce(jsonb_agg(to_jsonb(v) order by v.at, v.violation_id), '[]') from quota_violations v
        where v.tenant_id = r.tenant_id and v.run_id = r.run_id) as violations,
       (select coalesce(jsonb_agg(to_jsonb(s) - 'evidence' - 'contradictions' order by s.score_number), '[]')
        from deliberation_scores s where s.tenant_id = r.tenant_id and s.run_id = r.run_id) as scores
     from runs r join tenants n using (tenant_id)
     where r.tenant_id = $1 and r.run_id = $2`,
    [tenantId, runId, now],
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
      totalUSD: status.totalUSD,
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
        scorerVersion: score.scorer_version,
        thresholds: score.thresholds,
        thinkingTokens: score.thinking_tokens,
        taskId: score.task_id,
        at: instantOf(score.created_at),
      })),
      averageOverall:
        overall.length === 0
          ? null
          : Math.round((overall.reduce((sum, value) => sum + value, 0) / overall.length) * 1e6) / 1e6,
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

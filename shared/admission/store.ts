/** Calls of the SQL functions that change tasks, quotas and the pool. Each is one round trip. */

import { storedPeriod } from '../budget/terms.ts';
import { type Database, json } from '../platform/db.ts';
import { nanosToDecimal, type Usd, usdToNanos } from '../platform/money.ts';
import type { Quotas } from './contract.ts';
import type { Capacity } from './line.ts';
import { policyInForce } from './policy-in-force.ts';
import type { TaskAnswer } from './rows.ts';
import { storedPolicyOf } from './tenant-policy.ts';

async function call<Result>(database: Database, text: string, values: readonly unknown[]): Promise<Result> {
  const [row] = await database.query<{ result: Result }>(`select ${text} as result`, values);
  if (row === undefined) throw new Error(`no row from ${text}`);
  return row.result;
}

export type ClaimKind = 'claimed' | 'not_granted' | 'not_found';
export type HeartbeatKind = 'renewed' | 'finished' | 'paused' | 'stale_epoch' | 'not_found';
export type CheckpointKind = 'stored' | 'repeated' | 'sequence_conflict' | 'stale_epoch' | 'not_found';
export type EndKind = 'ended' | 'already_ended' | 'stale_epoch' | 'not_found';
export type PreemptKind = 'preempting' | 'not_running' | 'not_overridable' | 'not_found';
export type ResumeKind = 'queued' | 'not_paused' | 'budget_exhausted' | 'not_found';

/** @param leaseSeconds null keeps what the task asked for at admission */
export function claimTask(
  database: Database,
  tenantId: string,
  taskId: string,
  leaseSeconds: number | null,
  now: Date,
): Promise<TaskAnswer<ClaimKind>> {
  return call(
    database,
    'claim_task(p_tenant_id => $1, p_task_id => $2, p_lease_seconds => $3, p_now => $4)',
    [tenantId, taskId, leaseSeconds, now],
  );
}

export type ClaimTasksInput = {
  /** Null: any tenant's. */
  readonly tenantId: string | null;
  /** Null: all. */
  readonly classes: readonly number[] | null;
  readonly max: number;
  readonly leaseSeconds: number | null;
};

export async function claimTasks(
  database: Database,
  { tenantId, classes, max, leaseSeconds }: ClaimTasksInput,
  now: Date,
): Promise<TaskAnswer<'claimed'>[]> {
  const rows = await database.query<{ result: TaskAnswer<'claimed'> }>(
    `select claim_tasks as result
     from claim_tasks(p_tenant_id => $1, p_classes => $2::smallint[], p_max => $3, p_lease_seconds => $4, p_now => $5)`,
    [tenantId, classes, max, leaseSeconds, now],
  );
  return rows.map((row) => row.result);
}

export function heartbeatTask(
  database: Database,
  tenantId: string,
  taskId: string,
  epoch: number,
  now: Date,
): Promise<TaskAnswer<HeartbeatKind>> {
  return call(
    database,
    'heartbeat_task(p_tenant_id => $1, p_task_id => $2, p_epoch => $3, p_policy => $4, p_now => $5)',
    [tenantId, taskId, epoch, json(policyInForce()), now],
  );
}

export type NewCheckpoint = {
  readonly checkpointId: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly data?: unknown;
  readonly location?: string | undefined;
  readonly sizeBytes: number;
  readonly sha256: string | null;
};

export type SavedCheckpoint = TaskAnswer<CheckpointKind> & {
  readonly checkpointId?: string;
  readonly left?: boolean;
};

/**
 * Stores a checkpoint; a preempting task leaves with it, and so does one whose run has reached its pause threshold. When that came
 * about between the function's first look and its lock, the call is repeated, which then leaves.
 */
export async function saveCheckpoint(
  database: Database,
  tenantId: string,
  taskId: string,
  checkpoint: NewCheckpoint,
  now: Date,
): Promise<SavedCheckpoint> {
  const save = (): Promise<SavedCheckpoint> =>
    call(
      database,
      'save_checkpoint(p_tenant_id => $1, p_task_id => $2, p_checkpoint => $3, p_policy => $4, p_now => $5)',
      [tenantId, taskId, json(checkpoint), json(policyInForce()), now],
    );
  const saved = await save();
  const mustLeave =
    'task' in saved &&
    saved.left === false &&
    (saved.task.state === 'preempting' || (saved.task.state === 'running' && saved.run.budgetPaused));
  return mustLeave ? save() : saved;
}

export function completeTask(
  database: Database,
  tenantId: string,
  taskId: string,
  end: { readonly epoch: number; readonly outcome: 'completed' | 'failed'; readonly error: string | null },
  now: Date,
): Promise<TaskAnswer<EndKind>> {
  return call(
    database,
    `complete_task(p_tenant_id => $1, p_task_id => $2, p_epoch => $3, p_outcome => $4, p_error => $5,
      p_policy => $6, p_now => $7)`,
    [tenantId, taskId, end.epoch, end.outcome, end.error, json(policyInForce()), now],
  );
}

export function cancelTask(
  database: Database,
  tenantId: string,
  taskId: string,
  now: Date,
): Promise<TaskAnswer<EndKind>> {
  return call(database, 'cancel_task(p_tenant_id => $1, p_task_id => $2, p_policy => $3, p_now => $4)', [
    tenantId,
    taskId,
    json(policyInForce()),
    now,
  ]);
}

export function preemptTask(
  database: Database,
  tenantId: string,
  taskId: string,
  reason: string,
  now: Date,
): Promise<TaskAnswer<PreemptKind>> {
  return call(
    database,
    'preempt_task(p_tenant_id => $1, p_task_id => $2, p_reason => $3, p_policy => $4, p_now => $5)',
    [tenantId, taskId, reason, json(policyInForce()), now],
  );
}

export function resumeTask(
  database: Database,
  tenantId: string,
  taskId: string,
  now: Date,
): Promise<TaskAnswer<ResumeKind>> {
  return call(database, 'resume_task(p_tenant_id => $1, p_task_id => $2, p_policy => $3, p_now => $4)', [
    tenantId,
    taskId,
    json(policyInForce()),
    now,
  ]);
}

/** Returns false, having changed nothing, when there is no such organisation. */
export async function setQuotas(
  database: Database,
  tenantId: string,
  { cpu, memory, cost, concurrentRuns, weight, thresholds, qualityGate, orgId, policy }: Quotas,
  actor: string,
  now: Date,
): Promise<boolean> {
  const quotas = {
    cpu,
    memory,
    cost: cost === undefined ? undefined : { limit: cost.limitUSD === null ? null : exact(cost.limitUSD) },
    concurrent_runs: concurrentRuns,
  };
  const costPeriod = cost === undefined ? undefined : storedPeriod(cost);
  return call(
    database,
    'set_quotas(p_tenant_id => $1, p_quotas => $2, p_settings => $3, p_actor => $4, p_now => $5)',
    [
      tenantId,
      json(quotas),
      json({
        weight,
        qualityGate,
        costPeriod,
        orgId,
        ...thresholds,
        policy: policy && storedPolicyOf(policy),
      }),
      actor,
      now,
    ],
  );
}

/** Money leaves as decimal text, so that no binary fraction reaches the numeric column. */
function exact(usd: Usd): string {
  return nanosToDecimal(usdToNanos(usd));
}

/** Null = no bound. */
export async function setPool(
  database: Database,
  { cpu, memoryGb, tasks }: Capacity,
  now: Date,
): Promise<void> {
  await call(
    database,
    'set_pool(p_cpu => $1, p_memory_gb => $2, p_tasks => $3, p_policy => $4, p_now => $5)',
    [cpu, memoryGb, tasks, json(policyInForce()), now],
  );
}

export type RoomSweep = {
  readonly unclaimed: number;
  readonly reclaimed: number;
  readonly lapsed: number;
  readonly failed: number;
  readonly overdue: number;
};

/** At most `max` of the timed duties on tasks that hold room. */
export function sweepRooms(database: Database, max: number, now: Date): Promise<RoomSweep> {
  return call(database, 'sweep_rooms(p_policy => $1, p_max => $2, p_now => $3)', [
    json(policyInForce()),
    max,
    now,
  ]);
}

/** Rings again for grants that nobody has claimed for `afterSeconds`; returns how many. */
export function ringAgain(database: Database, afterSeconds: number, now: Date): Promise<number> {
  return call(database, 'ring_again(p_after_seconds => $1, p_now => $2)', [afterSeconds, now]);
}

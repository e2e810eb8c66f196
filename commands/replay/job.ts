/** A task of the trace in the hands of its runner, and the calls that the runner makes for it. */

import { type AdmitResult, admit } from '../../shared/admission/admit.ts';
import { type StartEstimate, startEstimate } from '../../shared/admission/estimate.ts';
import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import { className } from '../../shared/admission/priority.ts';
import type { AdmissionOutcome } from '../../shared/admission/rows.ts';
import { completeTask, saveCheckpoint } from '../../shared/admission/store.ts';
import { recordCosts } from '../../shared/budget/costs.ts';
import type { Database } from '../../shared/platform/db.ts';
import { newId } from '../../shared/platform/ids.ts';
import { nanosToUsd } from '../../shared/platform/money.ts';
import type { Conditions } from './conditions.ts';
import type { TracedTask } from './trace.ts';

export type Job = {
  readonly task: TracedTask;
  state: 'waiting' | 'running' | 'ended';
  epoch: number;
  /** How often it has been started: what was planned for an earlier stretch is void. */
  stretch: number;
  startedAt_ms: number;
  remaining_ms: number;
  reported_usd_nanos: bigint;
};

export function newJob(task: TracedTask): Job {
  return {
    task,
    state: 'waiting',
    epoch: 0,
    stretch: 0,
    startedAt_ms: 0,
    remaining_ms: task.duration_ms,
    reported_usd_nanos: 0n,
  };
}

/** Long enough that no heartbeat is needed: what leases do in time is not what a trace is about. */
export const lease_seconds = 86_400;

/** The budget of a task that costs nothing. */
const freeTaskBudget_usd = 0.01;

/** POST /v1/runs, as an operator who states the trace's class. */
export async function ask(
  database: Database,
  { task }: Job,
  { preemption, onQuota }: Conditions,
  now: Date,
): Promise<Extract<AdmitResult, { kind: 'answer' }>> {
  const request = {
    runId: task.taskId,
    phase: task.phase,
    // Twice the cost, so that the first threshold fires when the last of it is reported and none that acts does.
    budget: {
      maxCostUSD: task.cost_usd_nanos === 0n ? freeTaskBudget_usd : nanosToUsd(2n * task.cost_usd_nanos),
    },
    resources: { cpu: task.cpu, memoryGb: task.memoryGb },
    priority: {
      class: className(task.class),
      overridable: task.overridable && preemption,
      reason: 'as the trace says',
    },
    start: 'now' as const,
    onQuota,
    leaseSeconds: lease_seconds,
    labels: {},
    dryRun: false,
  };
  const input = { tenantId: task.tenantId, request, asSent: request, idempotencyKey: null, actor: 'replay' };
  const result = await admit(database, input, now);
  if (result.kind !== 'answer') throw new Error(`admission of ${task.taskId} answered ${result.kind}`);
  return result;
}

/** When the admission's answer says that a queued task may start; null when it says nothing of it. */
export function estimateOf(
  { queue, class: taskClass }: Pick<AdmissionOutcome, 'queue' | 'class'>,
  now: Date,
): StartEstimate | null {
  return queue === null ? null : startEstimate(queue.position, taskClass, queue.pace, now);
}

/** POST /v1/runs/{runId}/costs for the work done so far; returns the amount reported, in 1e-9 USD. */
export async function reportCosts(database: Database, job: Job, now: Date): Promise<bigint> {
  const { task } = job;
  const done_ms = BigInt(task.duration_ms - job.remaining_ms);
  const due =
    job.remaining_ms === 0 ? task.cost_usd_nanos : (task.cost_usd_nanos * done_ms) / BigInt(task.duration_ms);
  const amount = due - job.reported_usd_nanos;
  if (amount === 0n) return 0n;
  const event = {
    eventId: `${task.taskId}.${job.stretch}`,
    taskId: task.taskId,
    epoch: job.epoch,
    occurredAt: now.toISOString(),
    costUSD: nanosToUsd(amount),
  };
  await recordCosts(database, task.tenantId, task.taskId, [event], policyInForce(), now);
  job.reported_usd_nanos = due;
  return amount;
}

/** POST /v1/tasks/{taskId}/checkpoints: what it waits for after leaving with it; null when it has not left. */
export async function checkpointAndLeave(
  database: Database,
  job: Job,
  now: Date,
): Promise<'pool' | 'quota' | null> {
  const data = { remaining_ms: job.remaining_ms };
  const checkpoint = {
    checkpointId: newId('chk'),
    epoch: job.epoch,
    sequence: job.stretch,
    data,
    sizeBytes: JSON.stringify(data).length,
    sha256: null,
  };
  const saved = await saveCheckpoint(database, job.task.tenantId, job.task.taskId, checkpoint, now);
  return saved.kind === 'stored' && saved.left === true ? saved.task.waiting_for : null;
}

/** POST /v1/tasks/{taskId}/complete: whether it ended now, completed. */
export async function complete(database: Database, job: Job, now: Date): Promise<boolean> {
  const end = { epoch: job.epoch, outcome: 'completed' as const, error: null };
  const ended = await completeTask(database, job.task.tenantId, job.task.taskId, end, now);
  return ended.kind === 'ended' && ended.task.state === 'completed';
}

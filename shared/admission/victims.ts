/** Whom to preempt (P1, P2). Pure. */

import { compareText } from './line.ts';
import type { Policy } from './policy.ts';
import { add } from './room.ts';

export type RunningTask = {
  readonly tenantId: string;
  readonly taskId: string;
  readonly epoch: string;
  /** The class whose queue it would stand in: 3 while its run is demoted (B5). */
  readonly class: number;
  readonly cpu: number;
  readonly memoryGb: number;
  readonly usesBurst: boolean;
  /** Marked when the pool was made smaller than what was in use (A15). */
  readonly firstVictim: boolean;
  readonly runningSince: string;
  readonly preemptionStreak: number;
  /** Spent since the last checkpoint, 1e-9 USD as text. */
  readonly workSinceCheckpointNanos: string;
  /** It is its run's only task that holds quota: its leaving frees one concurrent run. */
  readonly endsRun: boolean;
};

export type Newcomer = {
  readonly tenantId: string;
  readonly class: number;
  readonly usesBurst: boolean;
};

/**
 * Who may be preempted for a newcomer (P1): a task of a strictly lower class, or one of no higher class that runs on
 * borrowed room when the newcomer is within its tenant's limit (A5); past its minimum run unless the newcomer is P0;
 * not shielded. The snapshot holds only overridable tasks that are running and not leaving. P0 never leaves for anyone.
 */
export function mayBePreempted(
  task: RunningTask,
  newcomer: Pick<Newcomer, 'class' | 'usesBurst'>,
  policy: Policy,
  now: Date,
): boolean {
  if (task.class === 0) return false;
  const lower = task.class > newcomer.class;
  const reclaims = task.usesBurst && !newcomer.usesBurst && task.class >= newcomer.class;
  if (!lower && !reclaims) return false;
  if (task.preemptionStreak >= policy.shield_after_preemptions) return false;
  const ran_ms = now.getTime() - Date.parse(task.runningSince);
  return newcomer.class === 0 || ran_ms >= policy.min_run_seconds * 1000;
}

/**
 * The order of victims (P2), a total order:
 * 1. burst users, and those marked when the pool was made smaller (A15); 2. lowest class; 3. tenant furthest over its share;
 * 4. least work since its last checkpoint; 5. newest start; 6. task id; 7. tenant id.
 *
 * Burst counts against other tenants only, from whom it is borrowed: among its own tenant's tasks, which of them bears the
 * mark says nothing about what is lost with it.
 */
export function compareVictims(
  a: RunningTask,
  b: RunningTask,
  newcomer: Pick<Newcomer, 'tenantId'>,
  shareOf: (tenantId: string) => number,
): number {
  const isFirst = (task: RunningTask) =>
    Number(task.firstVictim || (task.usesBurst && task.tenantId !== newcomer.tenantId));
  return (
    isFirst(b) - isFirst(a) ||
    b.class - a.class ||
    shareOf(b.tenantId) - shareOf(a.tenantId) ||
    compareBigint(BigInt(a.workSinceCheckpointNanos), BigInt(b.workSinceCheckpointNanos)) ||
    Date.parse(b.runningSince) - Date.parse(a.runningSince) ||
    compareText(a.taskId, b.taskId) ||
    compareText(a.tenantId, b.tenantId)
  );
}

/** Amounts in as many dimensions as matter: room of the pool, and quota of a tenant. */
export type Amounts = readonly number[];

/**
 * A minimal set of victims that together give what is missing, or null when all candidates together would not: then nobody
 * is preempted. Greedy in victim order until nothing is missing, then every victim that is not needed is given back, last
 * taken first. Who gives nothing of what is missing is passed over.
 *
 * @param candidates in victim order
 * @param missing in each dimension, not negative
 * @param gives what one leaves behind, in the same dimensions
 */
export function chooseVictims<Task>(
  candidates: readonly Task[],
  missing: Amounts,
  gives: (candidate: Task) => Amounts,
): Task[] | null {
  const taken: { readonly candidate: Task; readonly given: Amounts }[] = [];
  let sum: Amounts = missing.map(() => 0);
  const isCovered = (amounts: Amounts) => missing.every((amount, index) => (amounts[index] ?? 0) >= amount);
  for (const candidate of candidates) {
    if (isCovered(sum)) break;
    const given = gives(candidate);
    if (!missing.some((amount, index) => amount > 0 && (given[index] ?? 0) > 0)) continue;
    taken.push({ candidate, given });
    sum = sum.map((amount, index) => add(amount, given[index] ?? 0));
  }
  if (!isCovered(sum)) return null;
  const kept: Task[] = [];
  for (const { candidate, given } of taken.reverse()) {
    const without = sum.map((amount, index) => add(amount, -(given[index] ?? 0)));
    if (isCovered(without)) sum = without;
    else kept.push(candidate);
  }
  return kept.reverse();
}

function compareBigint(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

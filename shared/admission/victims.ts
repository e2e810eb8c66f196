/** Whom to preempt (P1, P2). Pure. */

import type { Policy } from './policy.ts';

export type RunningTask = {
  readonly tenantId: string;
  readonly taskId: string;
  readonly epoch: string;
  /** The class whose queue it would stand in: 3 while its run is demoted (B5). */
  readonly class: number;
  readonly cpu: number;
  readonly memoryGb: number;
  readonly usesBurst: boolean;
  readonly runningSince: string;
  readonly preemptionStreak: number;
  /** Spent since the last checkpoint, 1e-9 USD as text. */
  readonly workSinceCheckpointNanos: string;
};

export type Newcomer = {
  readonly class: number;
  readonly usesBurst: boolean;
};

/** vCPU and GB. */
export type Room = { readonly cpu: number; readonly memoryGb: number };

/**
 * Who may be preempted for a newcomer (P1): a task of a strictly lower class, or one of no higher class that runs on
 * borrowed room when the newcomer is within its tenant's limit (A5); past its minimum run unless the newcomer is P0;
 * not shielded. The snapshot holds only overridable tasks that are running and not leaving. P0 never leaves for anyone.
 */
export function mayBePreempted(task: RunningTask, newcomer: Newcomer, policy: Policy, now: Date): boolean {
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
 * 1. burst users first; 2. lowest class; 3. tenant furthest over its share; 4. least work since its last checkpoint;
 * 5. newest start; 6. task id; 7. tenant id.
 */
export function compareVictims(
  a: RunningTask,
  b: RunningTask,
  shareOf: (tenantId: string) => number,
): number {
  return (
    Number(b.usesBurst) - Number(a.usesBurst) ||
    b.class - a.class ||
    shareOf(b.tenantId) - shareOf(a.tenantId) ||
    compareBigint(BigInt(a.workSinceCheckpointNanos), BigInt(b.workSinceCheckpointNanos)) ||
    Date.parse(b.runningSince) - Date.parse(a.runningSince) ||
    compareText(a.taskId, b.taskId) ||
    compareText(a.tenantId, b.tenantId)
  );
}

/**
 * A minimal set of victims whose room covers `missing`, or null when all candidates together would not: then nobody is
 * preempted. Greedy in victim order until the newcomer fits, then every victim that is not needed is given back, last
 * taken first.
 *
 * @param candidates in victim order
 */
export function chooseVictims(candidates: readonly RunningTask[], missing: Room): RunningTask[] | null {
  const taken: RunningTask[] = [];
  let cpu = 0;
  let memoryGb = 0;
  for (const candidate of candidates) {
    if (cpu >= missing.cpu && memoryGb >= missing.memoryGb) break;
    taken.push(candidate);
    cpu = add(cpu, candidate.cpu);
    memoryGb = add(memoryGb, candidate.memoryGb);
  }
  if (cpu < missing.cpu || memoryGb < missing.memoryGb) return null;
  const kept: RunningTask[] = [];
  for (const victim of taken.reverse()) {
    const cpuWithout = add(cpu, -victim.cpu);
    const memoryWithout = add(memoryGb, -victim.memoryGb);
    if (cpuWithout >= missing.cpu && memoryWithout >= missing.memoryGb) {
      cpu = cpuWithout;
      memoryGb = memoryWithout;
    } else {
      kept.push(victim);
    }
  }
  return kept.reverse();
}

/** Sums of amounts with at most three decimals stay such amounts: 0.1 + 0.2 must fit into 0.3. */
export function add(a: number, b: number): number {
  return Math.round((a + b) * 1000) / 1000;
}

function compareBigint(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By code unit, as Postgres compares under the C collation; never by locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Quota of a task that waits for it (A16): whether it fits, on whose account, and what is missing. Pure. */

import { compareWaiting, type Standing } from './line.ts';
import { add } from './room.ts';
import type { WaitingTask } from './schedule.ts';
import { type Amounts, chooseVictims, type RunningTask } from './victims.ts';

/** A bound and what may be borrowed above it. */
export type Limit = { readonly limit: number; readonly burst?: number };

export type TenantQuota = {
  /** Null or left out: no bound. */
  readonly limits: {
    readonly cpu?: Limit;
    readonly memory?: Limit;
    readonly concurrent_runs?: Limit;
  };
  readonly cpuHeld: number;
  readonly memoryGbHeld: number;
  readonly runsHeld: number;
  /** Kept for tasks that preempted their own tenant's tasks (P3). */
  readonly promised: QuotaAmounts;
  /** The lowest class among its own running tasks that may be preempted; null = none. */
  readonly lowestRunningClass: number | null;
};

export type QuotaAmounts = { readonly cpu: number; readonly memoryGb: number; readonly runs: number };

/** A waiting task that holds quota and may have to give it to a better one of its tenant. */
export type Displaceable = {
  readonly tenantId: string;
  readonly taskId: string;
  readonly effectiveClass: number;
  readonly overdue: boolean;
  readonly usesBurst: boolean;
  readonly acceptedAt: string;
  readonly cpu: number;
  readonly memoryGb: number;
  /** Its run's only task that holds quota. */
  readonly endsRun: boolean;
};

/** What a task takes, or leaves behind, of cpu, memory and concurrent runs. */
export function quotaOf(task: {
  cpu: number;
  memoryGb: number;
  startsRun?: boolean;
  endsRun?: boolean;
}): Amounts {
  return [task.cpu, task.memoryGb, task.startsRun || task.endsRun ? 1 : 0];
}

type Dimension = {
  readonly bound: Limit | undefined;
  readonly held: number;
  readonly promised: number;
  readonly asked: number;
};

function dimensionsOf(task: WaitingTask, quota: TenantQuota): readonly Dimension[] {
  const own = task.promisedQuota ?? { cpu: 0, memoryGb: 0, runs: 0 };
  const [cpu = 0, memoryGb = 0, runs = 0] = quotaOf(task);
  return [
    { bound: quota.limits.cpu, held: quota.cpuHeld, promised: quota.promised.cpu - own.cpu, asked: cpu },
    {
      bound: quota.limits.memory,
      held: quota.memoryGbHeld,
      promised: quota.promised.memoryGb - own.memoryGb,
      asked: memoryGb,
    },
    {
      bound: quota.limits.concurrent_runs,
      held: quota.runsHeld,
      promised: quota.promised.runs - own.runs,
      asked: runs,
    },
  ];
}

/** Within the limits, or within limit and burst. */
export function quotaHolds(task: WaitingTask, quota: TenantQuota, borrow: boolean): boolean {
  return dimensionsOf(task, quota).every(
    ({ bound, held, promised, asked }) =>
      bound === undefined ||
      asked === 0 ||
      excess(held + promised + asked, bound.limit + (borrow ? (bound.burst ?? 0) : 0)) === 0,
  );
}

/** By how much a sum is above a bound; sums of decimal fractions are right to the millionth: 0.1 + 0.2 is not above 0.3. */
function excess(sum: number, bound: number): number {
  return Math.max(0, Math.round((sum - bound) * 1e6) / 1e6);
}

/**
 * What others of its tenant have to give up so that it fits, and its tenant borrows no more than now: what a lowered limit
 * has left above limit and burst is not for new work (A15).
 */
export function quotaMissing(task: WaitingTask, quota: TenantQuota): Amounts {
  return dimensionsOf(task, quota).map(({ bound, held, promised, asked }) => {
    if (bound === undefined || asked === 0) return 0;
    const upTo = Math.max(bound.limit, Math.min(held, bound.limit + (bound.burst ?? 0)));
    return excess(held + promised + asked, upTo);
  });
}

/** Whether its tenant holds more than a limit of what the task asks: then nobody's burst is reclaimed for it (A5). */
export function borrowsAlready(task: WaitingTask, quota: TenantQuota): boolean {
  return dimensionsOf(task, quota).some(
    ({ bound, held, asked }) => bound !== undefined && asked > 0 && excess(held, bound.limit) > 0,
  );
}

/**
 * The fewest waiting tasks of its tenant, of those behind it, whose quota makes it fit; null when all would not do.
 *
 * @param behind last of the line first
 */
export function chooseDisplaced(
  task: WaitingTask,
  quota: TenantQuota,
  behind: readonly Displaceable[],
): Displaceable[] | null {
  return chooseVictims(behind, quotaMissing(task, quota), quotaOf);
}

export type QuotaAnswer = {
  /** Fits; fits only by borrowing; does not fit. */
  readonly kind: 'fits' | 'borrows' | 'blocked';
  readonly displaced: readonly Displaceable[];
  /** What its tenant's running tasks would have to give up. */
  readonly missing: Amounts;
};

const nothing: Amounts = [0, 0, 0];

/** Where a task's quota comes from: the limits; else waiting tasks of its tenant behind it; else burst, from idle room. */
export function quotaFor(
  task: WaitingTask,
  quota: TenantQuota | null,
  displaceable: readonly Displaceable[],
  standingOf: (tenantId: string) => Standing,
): QuotaAnswer {
  if (task.waitingFor === 'pool' || quota === null) return { kind: 'fits', displaced: [], missing: nothing };
  if (quotaHolds(task, quota, false)) return { kind: 'fits', displaced: [], missing: nothing };
  const behind = displaceable
    .filter((other) => other.tenantId === task.tenantId && compareWaiting(task, other, standingOf) < 0)
    .sort((a, b) => compareWaiting(b, a, standingOf));
  const displaced = chooseDisplaced(task, quota, behind);
  if (displaced !== null && displaced.length > 0) return { kind: 'fits', displaced, missing: nothing };
  const missing = quotaMissing(task, quota);
  if (quotaHolds(task, quota, true)) return { kind: 'borrows', displaced: [], missing };
  return { kind: 'blocked', displaced: [], missing };
}

/** A tenant's quota once a waiting task was granted: it holds its own. */
export function afterGrant(quota: TenantQuota, task: WaitingTask): TenantQuota {
  const own = task.promisedQuota ?? { cpu: 0, memoryGb: 0, runs: 0 };
  const [cpu = 0, memoryGb = 0, runs = 0] = quotaOf(task);
  const { promised } = quota;
  return {
    ...quota,
    cpuHeld: add(quota.cpuHeld, cpu),
    memoryGbHeld: add(quota.memoryGbHeld, memoryGb),
    runsHeld: quota.runsHeld + runs,
    promised: {
      cpu: add(promised.cpu, -own.cpu),
      memoryGb: add(promised.memoryGb, -own.memoryGb),
      runs: promised.runs - own.runs,
    },
  };
}

/**
 * A tenant's quota once victims were told to leave for a task that waits for it: what it asks beside what its own tenant's
 * victims still hold is kept for it, as `promised_quota.sql` does from then on.
 */
export function afterPreemption(
  quota: TenantQuota,
  task: WaitingTask,
  victims: readonly RunningTask[],
): TenantQuota {
  const own = victims.filter(({ tenantId }) => tenantId === task.tenantId).map(quotaOf);
  const [cpu = 0, memoryGb = 0, runs = 0] = quotaOf(task).map((asked, dimension) =>
    Math.max(
      0,
      own.reduce((left, each) => add(left, -(each[dimension] ?? 0)), asked),
    ),
  );
  const { promised } = quota;
  return {
    ...quota,
    promised: {
      cpu: add(promised.cpu, cpu),
      memoryGb: add(promised.memoryGb, memoryGb),
      runs: promised.runs + runs,
    },
  };
}

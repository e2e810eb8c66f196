/**
 * The scheduler's decision (A10, A11, P1 to P3): who is granted room and who has to leave, from a snapshot.
 *
 * Pure: the same snapshot and time give the same plan. `scheduler.ts` reads the snapshot and carries the plan out under
 * the snapshot's version, so that a plan on stale facts changes nothing.
 */

import type { Policy } from './policy.ts';
import {
  add,
  chooseVictims,
  compareText,
  compareVictims,
  mayBePreempted,
  type Room,
  type RunningTask,
} from './victims.ts';

export type WaitingTask = {
  readonly tenantId: string;
  readonly taskId: string;
  readonly runId: string;
  /** The class with aging (A10): decides the order. */
  readonly effectiveClass: number;
  /** The class without aging: decides whom it may preempt. */
  readonly class: number;
  readonly usesBurst: boolean;
  readonly cpu: number;
  readonly memoryGb: number;
  readonly waitingFor: 'pool' | 'quota';
  /** Waits for quota that is free at the moment (A16); true for one that holds its quota already. */
  readonly quotaFits: boolean;
  readonly acceptedAt: string;
  readonly waitingSince: string;
  /** Victims were found for it before; `promisedCpu` and `promisedMemoryGb` are kept free for it (P3). */
  readonly promised: boolean;
  readonly promisedCpu: number;
  readonly promisedMemoryGb: number;
  /** May not start: preempted for a newcomer that has not started yet (P3), or its run's budget is used up (B5). */
  readonly heldBack: boolean;
};

export type TenantUse = {
  readonly tenantId: string;
  readonly weight: number;
  readonly cpuInUse: number;
  readonly memoryGbInUse: number;
};

export type Snapshot = {
  /** `pool.version`, as text. */
  readonly version: string;
  /** Capacity, and room that is neither held nor promised; null = no bound. */
  readonly pool: {
    readonly cpu: number | null;
    readonly memoryGb: number | null;
    readonly cpuRoom: number | null;
    readonly memoryGbRoom: number | null;
  };
  readonly waiting: readonly WaitingTask[];
  readonly tenants: readonly TenantUse[];
  /** Overridable tasks that run; null when the snapshot was taken without them. */
  readonly running: readonly RunningTask[] | null;
  /** The lowest class among them, and whether one of them uses burst: whether looking at them is worth while. */
  readonly lowestRunningClass: number | null;
  readonly burstRunning: boolean;
};

export type Grant = { readonly task: WaitingTask };
export type Preemption = {
  readonly task: WaitingTask;
  readonly reason: 'priority' | 'reclaim_burst';
  readonly victims: readonly RunningTask[];
};

export type Plan = {
  readonly grants: readonly Grant[];
  readonly preemptions: readonly Preemption[];
  /** A blocked task could preempt somebody, but the snapshot does not hold the running tasks: ask again with them. */
  readonly needsRunning: boolean;
  /** Quota waiters were left out because of a grant to their tenant in this plan: plan again once it is carried out. */
  readonly again: boolean;
};

type Use = { cpu: number; memoryGb: number };

export function planSchedule(snapshot: Snapshot, policy: Policy, now: Date): Plan {
  const room: Use = {
    cpu: snapshot.pool.cpuRoom ?? Number.POSITIVE_INFINITY,
    memoryGb: snapshot.pool.memoryGbRoom ?? Number.POSITIVE_INFINITY,
  };
  const tenants = new Map(snapshot.tenants.map((tenant) => [tenant.tenantId, tenant]));
  const inUse = new Map(
    snapshot.tenants.map((tenant) => [
      tenant.tenantId,
      { cpu: tenant.cpuInUse, memoryGb: tenant.memoryGbInUse },
    ]),
  );
  const shareOf = (tenantId: string): number =>
    weightedShare(inUse.get(tenantId), tenants.get(tenantId)?.weight ?? 1, snapshot.pool);
  const candidates = snapshot.running?.toSorted((a, b) => compareVictims(a, b, shareOf)) ?? null;

  const grants: Grant[] = [];
  const preemptions: Preemption[] = [];
  const taken = new Set<RunningTask>();
  const quotaTaken = new Set<string>();
  let needsRunning = false;
  let again = false;
  let headSeen = false;
  let line = snapshot.waiting
    .filter((task) => !task.heldBack && fitsEmptyPool(task, snapshot.pool))
    .toSorted((a, b) => compareWaiting(a, b, shareOf));

  while (line.length > 0) {
    const [task, ...rest] = line as [WaitingTask, ...WaitingTask[]];
    line = rest;
    if (!task.quotaFits) continue;
    if (task.waitingFor === 'quota' && quotaTaken.has(task.tenantId)) {
      again = true;
      continue;
    }
    const own: Room = {
      cpu: add(room.cpu, task.promisedCpu),
      memoryGb: add(room.memoryGb, task.promisedMemoryGb),
    };
    if (task.cpu <= own.cpu && task.memoryGb <= own.memoryGb) {
      grants.push({ task });
      room.cpu = add(own.cpu, -task.cpu);
      room.memoryGb = add(own.memoryGb, -task.memoryGb);
      const use = inUse.get(task.tenantId);
      if (use !== undefined) {
        use.cpu = add(use.cpu, task.cpu);
        use.memoryGb = add(use.memoryGb, task.memoryGb);
      }
      // One task a pass, because what the snapshot says of the tenant's quota no longer holds after it.
      if (task.waitingFor === 'quota') quotaTaken.add(task.tenantId);
      // Its tenant's share has grown, so the rest of the line may stand in another order now.
      line = line.toSorted((a, b) => compareWaiting(a, b, shareOf));
      continue;
    }
    // Its victims are leaving; what they free is kept for it.
    if (task.promised) continue;
    const preemption = preemptFor(task, own, candidates, taken, policy, now);
    if (preemption !== null) {
      preemptions.push(preemption);
      for (const victim of preemption.victims) taken.add(victim);
      room.cpu = add(room.cpu, -Math.max(0, add(task.cpu, -total(preemption.victims, 'cpu'))));
      room.memoryGb = add(
        room.memoryGb,
        -Math.max(0, add(task.memoryGb, -total(preemption.victims, 'memoryGb'))),
      );
      continue;
    }
    needsRunning ||= candidates === null && couldPreempt(task, snapshot);
    // The head of the line does not fit. Others may pass it, until it has waited long enough (A11).
    if (!headSeen) {
      headSeen = true;
      const waited_ms = now.getTime() - Date.parse(task.waitingSince);
      if (task.waitingFor === 'pool' && waited_ms >= policy.backfill_wait_seconds * 1000) break;
    }
  }
  return { grants, preemptions, needsRunning, again };
}

/**
 * The order of the line (A10), a total order: 1. effective class; 2. within the tenant's limit before burst (A5);
 * 3. tenant with the smallest weighted share in use; 4. acceptance time; 5. task id; 6. tenant id.
 * `waiting_line.sql` gives the same order for the places that people see.
 */
export function compareWaiting(
  a: WaitingTask,
  b: WaitingTask,
  shareOf: (tenantId: string) => number,
): number {
  return (
    a.effectiveClass - b.effectiveClass ||
    Number(a.usesBurst) - Number(b.usesBurst) ||
    shareOf(a.tenantId) - shareOf(b.tenantId) ||
    Date.parse(a.acceptedAt) - Date.parse(b.acceptedAt) ||
    compareText(a.taskId, b.taskId) ||
    compareText(a.tenantId, b.tenantId)
  );
}

/** The larger of a tenant's cpu and memory shares of the pool, over its weight; 0 where the pool has no bound. */
function weightedShare(use: Use | undefined, weight: number, pool: Snapshot['pool']): number {
  if (use === undefined) return 0;
  const cpu = pool.cpu ? use.cpu / pool.cpu : 0;
  const memoryGb = pool.memoryGb ? use.memoryGb / pool.memoryGb : 0;
  return Math.max(cpu, memoryGb) / weight;
}

/** A pool made smaller since may be too small for a waiting task: that one must not hold up the others (A11, A15). */
function fitsEmptyPool(task: WaitingTask, pool: Snapshot['pool']): boolean {
  return (
    (pool.cpu === null || task.cpu <= pool.cpu) && (pool.memoryGb === null || task.memoryGb <= pool.memoryGb)
  );
}

function couldPreempt(task: WaitingTask, { lowestRunningClass, burstRunning }: Snapshot): boolean {
  return (
    (lowestRunningClass !== null && lowestRunningClass > task.class) || (burstRunning && !task.usesBurst)
  );
}

function preemptFor(
  task: WaitingTask,
  own: Room,
  candidates: readonly RunningTask[] | null,
  taken: ReadonlySet<RunningTask>,
  policy: Policy,
  now: Date,
): Preemption | null {
  if (candidates === null || task.waitingFor === 'quota') return null;
  const eligible = candidates.filter(
    (candidate) => !taken.has(candidate) && mayBePreempted(candidate, task, policy, now),
  );
  const victims = chooseVictims(eligible, {
    cpu: Math.max(0, add(task.cpu, -own.cpu)),
    memoryGb: Math.max(0, add(task.memoryGb, -own.memoryGb)),
  });
  if (victims === null || victims.length === 0) return null;
  const lower = victims.every((victim) => victim.class > task.class);
  return { task, victims, reason: lower ? 'priority' : 'reclaim_burst' };
}

function total(victims: readonly RunningTask[], resource: 'cpu' | 'memoryGb'): number {
  return victims.reduce((sum, victim) => add(sum, victim[resource]), 0);
}

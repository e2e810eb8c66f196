/**
 * The scheduler's decision (A10, A11, A16, P1 to P3): who is granted room, who has to leave, and who gives up its quota, from
 * a snapshot.
 *
 * Pure: the same snapshot and time give the same plan. `scheduler.ts` reads the snapshot and carries the plan out under
 * the snapshot's version, so that a plan on stale facts changes nothing.
 */

import { openBooks } from './books.ts';
import { type Capacity, comparePlaces, compareWaiting } from './line.ts';
import type { Policy } from './policy.ts';
import { candidatesOf, couldPreempt, preemptFor, roomAmounts } from './preemption.ts';
import { borrowsAlready, type Displaceable, type QuotaAmounts, quotaFor, type TenantQuota } from './quota.ts';
import { boundOf, fits, leastOf, minus, noRoom, plus, type Room, roomOf, shortOf } from './room.ts';
import { type Fate, type Turn, whyItWaits } from './turn.ts';
import type { RunningTask } from './victims.ts';

export type WaitingTask = {
  readonly tenantId: string;
  readonly taskId: string;
  readonly runId: string;
  /** The class with aging (A10): decides the order. */
  readonly effectiveClass: number;
  readonly overdue: boolean;
  /** The class without aging: decides whom it may preempt. */
  readonly class: number;
  readonly usesBurst: boolean;
  readonly cpu: number;
  readonly memoryGb: number;
  readonly waitingFor: 'pool' | 'quota';
  readonly acceptedAt: string;
  readonly waitingSince: string;
  /** None of its run's tasks holds quota: it takes a concurrent run, and the run's money. */
  readonly startsRun: boolean;
  /** The tenant's money can hold its run's budget; true for one that holds its quota. */
  readonly costFits: boolean;
  /** Victims were found for it before; what they free is kept for it (P3), beside what they still hold. */
  readonly promised: boolean;
  readonly promisedRoom: Room | null;
  readonly promisedQuota: QuotaAmounts | null;
};

export type TenantUse = {
  readonly tenantId: string;
  readonly weight: number;
  readonly cpuInUse: number;
  readonly memoryGbInUse: number;
  readonly tasksInUse: number;
  /** Weighted share of the pool lately (A10), in seconds, before it is rounded. */
  readonly recent: number;
  /** Of tenants with tasks that wait for quota. */
  readonly quota: TenantQuota | null;
};

export type Snapshot = {
  /** `pool.version`, as text. */
  readonly version: string;
  /** Capacity, and room that is neither held nor promised; null = no bound. */
  readonly pool: Capacity & {
    readonly cpuRoom: number | null;
    readonly memoryGbRoom: number | null;
    readonly tasksRoom: number | null;
    /** Room of tasks on their way out that is promised to nobody: it comes free within the grace time. */
    readonly leaving: Room;
  };
  /** Those of the line that may start and matter; `more` when there are others that were left out. */
  readonly waiting: readonly WaitingTask[];
  readonly more: boolean;
  /** No task that waits for the pool asks less; null = none waits for it. */
  readonly smallestCpu: number | null;
  readonly tenants: readonly TenantUse[];
  /** Last of each tenant's line first. */
  readonly displaceable: readonly Displaceable[];
  /** The first overridable running tasks in the order of victims; null when the snapshot was taken without them. */
  readonly running: readonly RunningTask[] | null;
  readonly runningTruncated: boolean;
  /** The lowest class among them, and whether burst could be reclaimed: whether looking at them is worth while. */
  readonly lowestRunningClass: number | null;
  readonly burstRunning: boolean;
};

export type Grant = {
  readonly task: WaitingTask;
  /** Waiting tasks of its tenant whose quota it takes: they wait for quota from now on. */
  readonly displaced: readonly Displaceable[];
};
export type Preemption = {
  readonly task: WaitingTask;
  readonly reason: 'priority' | 'reclaim_burst';
  readonly victims: readonly RunningTask[];
  /** As for a grant. */
  readonly displaced: readonly Displaceable[];
};

export type Plan = {
  readonly grants: readonly Grant[];
  readonly preemptions: readonly Preemption[];
  /** A blocked task could preempt somebody, but the snapshot does not hold (enough of) the running tasks: ask again. */
  readonly needsRunning: boolean;
  /** What is left for others. */
  readonly roomLeft: Room;
  /** It ended early, and the next one goes on: one that fits stands past the end of the snapshot, or quota has changed hands. */
  readonly cut: boolean;
};

/** @param observe told of every turn, in order */
export function planSchedule(
  snapshot: Snapshot,
  policy: Policy,
  now: Date,
  observe?: (turn: Turn) => void,
): Plan {
  const { pool } = snapshot;
  const books = openBooks(snapshot, policy);
  const { standingOf } = books;
  const inOrder = <Task extends Parameters<typeof compareWaiting>[0]>(tasks: readonly Task[]): Task[] =>
    tasks.toSorted((a, b) => compareWaiting(a, b, standingOf));

  const grants: Grant[] = [];
  const preemptions: Preemption[] = [];
  const taken = new Set<RunningTask>();
  const candidates = candidatesOf(snapshot);
  // As they were when the snapshot was taken: what is granted here does not change who is furthest over.
  const standingsBefore = books.standings();
  const shareBefore = (tenantId: string) => standingsBefore.get(tenantId)?.share ?? 0;
  const capacity = boundOf(pool.cpu, pool.memoryGb, pool.tasks);
  let room = boundOf(pool.cpuRoom, pool.memoryGbRoom, pool.tasksRoom);
  let leaving = pool.leaving;
  let needsRunning = false;
  /** Those that give their quota away wait for it themselves from then on, in their place in the line: the next plan sees them. */
  let cut = false;
  let headSeen = false;
  /** The head has waited so long that nobody passes it, but for those with room of their own (A11, P3). */
  let closed = false;
  /** Tenants in which somebody has waited so long for quota that nobody behind takes any. */
  const quotaKept = new Set<string>();
  const patience_ms = policy.backfill_wait_seconds * 1000;
  const isPatient = (task: WaitingTask) => now.getTime() - Date.parse(task.waitingSince) < patience_ms;

  let line = inOrder(snapshot.waiting);
  // Whom the snapshot left out stands behind the last that it holds. A tenant that is granted room falls back in the line:
  // past that place others may be ahead of it, and the next plan, on a new snapshot, goes on from there.
  const frontier = snapshot.more ? line.findLast((task) => fits(roomOf(task), capacity)) : undefined;
  const atFrontier = frontier && standingOf(frontier.tenantId);
  while (line.length > 0 && !cut) {
    const [task, ...rest] = line as [WaitingTask, ...WaitingTask[]];
    line = rest;
    if (frontier && atFrontier && comparePlaces(task, standingOf(task.tenantId), frontier, atFrontier) > 0) {
      cut = [task, ...line].some((left) => fits(roomOf(left), plus(room, left.promisedRoom ?? noRoom)));
      break;
    }
    const need = roomOf(task);
    const free = plus(room, task.promisedRoom ?? noRoom);
    // What is free is the head's then; room that it makes for itself is its own all the same.
    const own = closed ? plus(leastOf(room, noRoom), task.promisedRoom ?? noRoom) : free;
    const ofTenant = task.waitingFor === 'quota' ? books.quotaOf(task.tenantId) : null;
    const quota = quotaFor(task, ofTenant, snapshot.displaceable, standingOf);
    const tell = (done?: Fate, coming = noRoom): void =>
      observe?.({
        ...{ task, fate: done ?? whyItWaits(task, capacity, quota, free), room: free, coming },
        ...{ short: shortOf(need, plus(own, coming)), quotaMissing: quota.missing },
        ...{ displaced: quota.displaced, standings: books.standings() },
      });

    // One that has gone behind its class to borrow was ahead of who keeps the quota now, or keeps it itself.
    const isKept = task.waitingFor === 'quota' && !task.usesBurst && quotaKept.has(task.tenantId);
    const isHeldBack = !task.promised && isKept;
    if (!fits(need, capacity) || !task.costFits || isHeldBack) {
      tell();
      continue;
    }
    // To borrow it stands behind all of its class that need not (A5), but not behind its own tenant's that need quota (A16).
    if (quota.kind === 'borrows' && !task.usesBurst) {
      if (!isPatient(task)) quotaKept.add(task.tenantId);
      line = inOrder([{ ...task, usesBurst: true }, ...line]);
      continue;
    }

    if (quota.kind !== 'blocked' && fits(need, own)) {
      tell('granted');
      grants.push({ task, displaced: quota.displaced });
      room = minus(free, need);
      books.grant(task);
      cut = quota.displaced.length > 0;
      // Its tenant's share has grown, so the rest of the line may stand in another order now.
      line = inOrder(line);
      continue;
    }
    if (task.promised) {
      tell();
      continue;
    }

    // What is on its way out already, for nobody in particular, comes to the first of the line: no second victim for it.
    const coming = closed ? noRoom : leastOf(leaving, shortOf(need, own));
    leaving = minus(leaving, coming);
    const missing = [...roomAmounts(shortOf(need, plus(own, coming))), ...quota.missing];
    // What others have borrowed is reclaimed for a tenant within its limit only (A5).
    const preemptor =
      ofTenant !== null && borrowsAlready(task, ofTenant) ? { ...task, usesBurst: true } : task;
    const preemption = preemptFor(preemptor, missing, candidates, taken, shareBefore, policy, now);
    if (preemption !== null) {
      tell('preempts', coming);
      preemptions.push({ ...preemption, displaced: quota.displaced });
      for (const victim of preemption.victims) taken.add(victim);
      room = minus(room, shortOf(need, preemption.victims.map(roomOf).reduce(plus, coming)));
      books.keep(task, preemption.victims);
      cut = quota.displaced.length > 0;
      continue;
    }
    tell(undefined, coming);
    needsRunning ||= missing.some((amount) => amount > 0) && couldPreempt(preemptor, snapshot, ofTenant);
    if (task.waitingFor === 'quota' && !isPatient(task)) quotaKept.add(task.tenantId);
    // The head of the line does not fit. Others may pass it, until it has waited long enough (A11).
    if (quota.kind === 'fits' && !headSeen) {
      headSeen = true;
      closed = !isPatient(task);
    }
  }
  return { grants, preemptions, needsRunning, roomLeft: room, cut };
}

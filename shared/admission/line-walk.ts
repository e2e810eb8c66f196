/** What a plan of the scheduler did with each waiting task, in the order in which it looked at them (R5). Pure. */

import { type Deciding, decidingInLine } from './criteria.ts';
import { compareWaiting, entryCharge, poolShare, type Standing } from './line.ts';
import type { Policy } from './policy.ts';
import {
  afterGrant,
  afterPreemption,
  chooseDisplaced,
  type Displaceable,
  quotaHolds,
  quotaMissing,
  type TenantQuota,
} from './quota.ts';
import { fits, leastOf, minus, noRoom, plus, type Room, roomOf, shortOf } from './room.ts';
import type { Plan, Snapshot, TenantUse, WaitingTask } from './schedule.ts';
import type { Amounts } from './victims.ts';

export type Fate =
  | 'granted'
  | 'preempts'
  /** Larger than the whole pool, which was made smaller after it was accepted. */
  | 'above_pool'
  /** Its tenant's money cannot hold its run's budget. */
  | 'no_money'
  | 'no_quota'
  /** Its victims are leaving; what they free is kept for it. */
  | 'awaits_victims'
  | 'no_room'
  /** It fits, but somebody ahead has waited so long that nobody passes. */
  | 'held_back';

export type Step = {
  /** As it stood when its turn came: one that has to borrow is placed again, behind those that need not. */
  readonly task: WaitingTask;
  readonly fate: Fate;
  /** Free, and kept for it. */
  readonly room: Room;
  /** What others on their way out leave to it, for whom no second victim is taken. */
  readonly coming: Room;
  /** What it would have to make for itself: what is free may be another's (A11). */
  readonly short: Room;
  /** cpu, memory and concurrent runs above what its tenant's limits hold. */
  readonly quotaMissing: Amounts;
  readonly displaced: readonly Displaceable[];
  /** What put it before the one whose turn was next; null for the last. */
  readonly beforeNext: Deciding | null;
};

type Book = { inUse: Room; recent: number; quota: TenantQuota | null; readonly weight: number };

/**
 * Goes down the line again, knowing what the plan did. The plan decides what each task's fate was; the walk only finds
 * the order of the turns and what there was to take at each.
 */
export function walkLine(snapshot: Snapshot, plan: Plan, policy: Policy, now: Date): Step[] {
  const { pool } = snapshot;
  const grants = new Map(plan.grants.map((grant) => [keyOf(grant.task), grant]));
  const preemptions = new Map(plan.preemptions.map((each) => [keyOf(each.task), each]));
  const books = new Map(snapshot.tenants.map((tenant) => [tenant.tenantId, bookOf(tenant)]));
  const standingOf = (tenantId: string): Standing => {
    const book = books.get(tenantId);
    if (book === undefined) return { share: 0, recent: 0 };
    return { share: poolShare(book.inUse, pool) / book.weight, recent: book.recent };
  };
  const capacity = boundOf(pool.cpu, pool.memoryGb, pool.tasks);
  let room = boundOf(pool.cpuRoom, pool.memoryGbRoom, pool.tasksRoom);
  let leaving = pool.leaving;
  let displaceable = snapshot.displaceable;
  // Whether one that has waited so long that nobody passes keeps the room, and tenants in which one so keeps the quota.
  let head: WaitingTask | null = null;
  const quotaKept = new Set<string>();
  const isPatient = (task: WaitingTask) =>
    now.getTime() - Date.parse(task.waitingSince) < policy.backfill_wait_seconds * 1000;
  let line = [...snapshot.waiting];
  const steps: Step[] = [];
  let standings = new Map<string, Standing>();

  const giveUp = (displaced: readonly Displaceable[]): void => {
    const gone = new Set(displaced.map(keyOf));
    displaceable = displaceable.filter((other) => !gone.has(keyOf(other)));
    line = line.filter((other) => !gone.has(keyOf(other)));
  };

  while (line.length > 0) {
    const [task, ...rest] = line.toSorted((a, b) => compareWaiting(a, b, standingOf)) as [
      WaitingTask,
      ...WaitingTask[],
    ];
    line = rest;
    const quota = task.waitingFor === 'quota' ? (books.get(task.tenantId)?.quota ?? null) : null;
    const isShort = quota !== null && !quotaHolds(task, quota, false);
    const behind = displaceable
      .filter((other) => other.tenantId === task.tenantId && compareWaiting(task, other, standingOf) < 0)
      .sort((a, b) => compareWaiting(b, a, standingOf));
    const givers = isShort ? (chooseDisplaced(task, quota, behind) ?? []) : [];
    const borrows = isShort && givers.length === 0 && quotaHolds(task, quota, true);
    if (borrows && !task.usesBurst && task.costFits && fits(roomOf(task), capacity)) {
      line.push({ ...task, usesBurst: true });
      continue;
    }

    const grant = grants.get(keyOf(task));
    const preemption = preemptions.get(keyOf(task));
    const own = plus(room, task.promisedRoom ?? noRoom);
    const isClosed = head !== null && !isPatient(head);
    const usable = isClosed ? plus(leastOf(room, noRoom), task.promisedRoom ?? noRoom) : own;
    const isBlocked = isShort && givers.length === 0 && !borrows;
    const fate = grant ? 'granted' : preemption ? 'preempts' : notStarted(task, own, capacity, isBlocked);
    const isLookedAt =
      task.costFits &&
      !task.promised &&
      fate !== 'granted' &&
      fate !== 'above_pool' &&
      !(task.waitingFor === 'quota' && quotaKept.has(task.tenantId));
    const short = shortOf(roomOf(task), usable);
    const coming = isLookedAt && !isClosed ? leastOf(leaving, short) : noRoom;
    leaving = minus(leaving, coming);
    const last = steps.pop();
    if (last !== undefined) steps.push({ ...last, beforeNext: whyBefore(last.task, task, standings) });
    steps.push({
      task,
      fate,
      room: own,
      coming,
      short: shortOf(roomOf(task), plus(usable, coming)),
      quotaMissing: isShort && givers.length === 0 ? quotaMissing(task, quota) : [0, 0, 0],
      displaced: grant?.displaced ?? preemption?.displaced ?? [],
      beforeNext: null,
    });
    standings = new Map([...books.keys()].map((tenantId) => [tenantId, standingOf(tenantId)]));

    if (grant !== undefined) {
      room = minus(own, roomOf(task));
      giveUp(grant.displaced);
      const book = books.get(task.tenantId);
      if (book === undefined) continue;
      book.inUse = plus(book.inUse, roomOf(task));
      book.recent += entryCharge(roomOf(task), pool, book.weight, policy);
      if (quota !== null) book.quota = afterGrant(quota, task, grant.displaced);
    } else if (preemption !== undefined) {
      // Room that is free already is kept for it too.
      room = minus(room, shortOf(roomOf(task), preemption.victims.map(roomOf).reduce(plus, coming)));
      const book = books.get(task.tenantId);
      if (book !== undefined && quota !== null) {
        book.quota = afterPreemption(quota, task, preemption.displaced, preemption.victims);
      }
      giveUp(preemption.displaced);
    } else if (isLookedAt) {
      if (task.waitingFor === 'quota' && !isPatient(task)) quotaKept.add(task.tenantId);
      if (!isBlocked && !borrows) head ??= task;
    }
  }
  return steps;
}

function notStarted(task: WaitingTask, own: Room, capacity: Room, isBlocked: boolean): Fate {
  if (!fits(roomOf(task), capacity)) return 'above_pool';
  if (!task.costFits) return 'no_money';
  if (task.promised) return 'awaits_victims';
  if (isBlocked) return 'no_quota';
  return fits(roomOf(task), own) ? 'held_back' : 'no_room';
}

function whyBefore(
  ahead: WaitingTask,
  behind: WaitingTask,
  standings: ReadonlyMap<string, Standing>,
): Deciding | null {
  const placed = (task: WaitingTask) => ({
    ...task,
    standing: standings.get(task.tenantId) ?? { share: 0, recent: 0 },
  });
  return decidingInLine(placed(ahead), placed(behind));
}

function bookOf({ cpuInUse, memoryGbInUse, tasksInUse, recent, quota, weight }: TenantUse): Book {
  return { inUse: { cpu: cpuInUse, memoryGb: memoryGbInUse, tasks: tasksInUse }, recent, quota, weight };
}

function boundOf(cpu: number | null, memoryGb: number | null, tasks: number | null): Room {
  const noBound = Number.POSITIVE_INFINITY;
  return { cpu: cpu ?? noBound, memoryGb: memoryGb ?? noBound, tasks: tasks ?? noBound };
}

export function keyOf({ tenantId, taskId }: { readonly tenantId: string; readonly taskId: string }): string {
  return `${tenantId}/${taskId}`;
}

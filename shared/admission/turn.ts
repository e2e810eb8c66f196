/** A waiting task's turn in the line: what became of it, for whoever wants to know why a plan is what it is (R5). Pure. */

import type { Standing } from './line.ts';
import type { Displaceable, QuotaAnswer } from './quota.ts';
import { fits, type Room, roomOf } from './room.ts';
import type { WaitingTask } from './schedule.ts';
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

export type Turn = {
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
  /** Of the tenants when its turn came, before it took anything. */
  readonly standings: ReadonlyMap<string, Standing>;
};

/**
 * The fate of a task that neither starts nor preempts.
 *
 * @param free room that is free, or kept for it
 */
export function whyItWaits(task: WaitingTask, capacity: Room, quota: QuotaAnswer, free: Room): Fate {
  if (!fits(roomOf(task), capacity)) return 'above_pool';
  if (!task.costFits) return 'no_money';
  if (task.promised) return 'awaits_victims';
  if (quota.kind === 'blocked') return 'no_quota';
  return fits(roomOf(task), free) ? 'held_back' : 'no_room';
}

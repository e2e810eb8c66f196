/**
 * Which grants the order of the line (A10) and the rules of passing (A11) forbid, whatever the tenants' shares are. They
 * are necessary conditions: each holds for every order that the rules allow, so that none needs to know how shares are
 * reckoned. docs/what-if.md states them in words.
 */

import type { Known } from './account.ts';

/** A grant, or an admission at once, with what was so just before it. */
export type Granted = {
  readonly one: Known;
  readonly at_ms: number;
  /** The time of the call for one that was admitted at once. */
  readonly waitingSince_ms: number;
  /** It took its quota with the room, having held none. */
  readonly neededQuota: boolean;
  /** Since when victims were leaving for it; null = it started on room that was free. */
  readonly promisedSince_ms: number | null;
};

/** Whether a task that was preempted for another one may not start before it (P3). */
export type HeldBack = (one: Known, now_ms: number) => boolean;

/**
 * A task of the same tenant waits that stands before it in every lawful order and fits wherever it fits.
 *
 * @param waiting of the same tenant, after all grants of the moment
 */
export function passesItsOwnLine(
  { one: granted, at_ms, waitingSince_ms, neededQuota, promisedSince_ms }: Granted,
  waiting: Iterable<Known>,
  isHeldBack: HeldBack,
): boolean {
  for (const one of waiting) {
    if (
      // Quota that was free for the larger one was free for it too.
      (one.waitingFor === 'pool' || (neededQuota && !granted.usesBurst)) &&
      one.task.class <= granted.task.class &&
      one.acceptedAt_ms < granted.acceptedAt_ms &&
      // So that aging cannot have raised the other one further.
      one.waitingSince_ms < waitingSince_ms &&
      one.task.cpu <= granted.task.cpu &&
      one.task.memoryGb <= granted.task.memoryGb &&
      (!one.usesBurst || granted.usesBurst) &&
      !isHeldBack(one, at_ms) &&
      // The promise may be older than the end of its being held back.
      (one.leftFor === null || promisedSince_ms === null)
    ) {
      return true;
    }
  }
  return false;
}

/** A tenant's line with what the bound of aging rests on. */
export type TenantLine = {
  readonly waiting: ReadonlySet<Known>;
  /** When something of the tenant was last given room; null = never. */
  readonly lastStart_ms: number | null;
};

/** The task, and since when it is ahead of everything but P0. */
export type Overdue = { readonly one: Known; readonly since_ms: number };

/** The numbers that the bound is made of. */
export type AgingBound = { readonly agingStep_ms: number; readonly patience_ms: number };

/**
 * Since when a tenant's oldest waiting task is ahead of everything but P0 (docs/what-if.md): class Pk stands in P1 after
 * (k - 1) steps of aging, and a further step later it is overdue, provided that nothing of its tenant has started for a
 * step. Null when the bound says nothing of it: it is of P0, waits for quota or for its promise, or may not start.
 */
export function overdueOf(
  { waiting, lastStart_ms }: TenantLine,
  { agingStep_ms, patience_ms }: AgingBound,
  mayWait: (one: Known) => boolean,
): Overdue | null {
  const one = oldest(waiting);
  if (one === null || one.task.class === 0 || one.waitingFor !== 'pool' || one.usesBurst || mayWait(one)) {
    return null;
  }
  const ofItsWait_ms = one.waitingSince_ms + Math.max(one.task.class * agingStep_ms, patience_ms);
  const ofItsTenant_ms = lastStart_ms === null ? 0 : lastStart_ms + agingStep_ms;
  return { one, since_ms: Math.max(ofItsWait_ms, ofItsTenant_ms) };
}

/** The oldest by acceptance; null when another one is as old or has waited longer, so that lawful orders differ. */
function oldest(waiting: ReadonlySet<Known>): Known | null {
  let first: Known | null = null;
  let asOld = 0;
  let longest_ms = Number.POSITIVE_INFINITY;
  for (const one of waiting) {
    if (first === null || one.acceptedAt_ms < first.acceptedAt_ms) {
      first = one;
      asOld = 0;
    }
    if (one.acceptedAt_ms === first.acceptedAt_ms) asOld += 1;
    longest_ms = Math.min(longest_ms, one.waitingSince_ms);
  }
  return asOld === 1 && first?.waitingSince_ms === longest_ms ? first : null;
}

/** Whether a grant went past a task that was overdue: it is of no P0 task, not overdue itself, and made no room by preemption. */
export function passesOverdue(
  { one: granted, at_ms, waitingSince_ms, promisedSince_ms }: Granted,
  overdue: Overdue,
  { agingStep_ms }: AgingBound,
): boolean {
  const waited_ms = at_ms - waitingSince_ms;
  return (
    at_ms > overdue.since_ms &&
    granted.task.class !== 0 &&
    granted.acceptedAt_ms > overdue.one.acceptedAt_ms &&
    waited_ms <= granted.task.class * agingStep_ms &&
    promisedSince_ms === null
  );
}

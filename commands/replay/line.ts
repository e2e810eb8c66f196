/** The waiting line as the witness knows it, and its judgement of each step's grants by `line-rules.ts`. */

import type { TaskClass } from '../../shared/admission/priority.ts';
import type { Known } from './account.ts';
import type { Breaches } from './breaches.ts';
import {
  type AgingBound,
  type Granted,
  type Overdue,
  overdueOf,
  passesItsOwnLine,
  passesOverdue,
} from './line-rules.ts';

/** What is known of promises (P3). */
export type Promises = {
  /** May not start before the newcomer that it left for. */
  isHeldBack(one: Known, now_ms: number): boolean;
  /** Room is being freed for it. */
  isPromised(one: Known, now_ms: number): boolean;
};

type TenantLine = { readonly waiting: Set<Known>; lastStart_ms: number | null };

export function createLine(
  bound: AgingBound,
  breaches: Pick<Breaches, 'order_broken' | 'aging_bound_broken'>,
  { isHeldBack, isPromised }: Promises,
) {
  const tenants = new Map<string, TenantLine>();
  const waiting: Record<TaskClass, number> = { 0: 0, 1: 0, 2: 0, 3: 0 };
  let grants: Granted[] = [];

  const lineOf = (tenantId: string): TenantLine => {
    const found = tenants.get(tenantId) ?? { waiting: new Set(), lastStart_ms: null };
    tenants.set(tenantId, found);
    return found;
  };

  /** Tasks that are overdue after this moment's grants: a tenant of which one has just started is not passed over. */
  function overdueNow(now_ms: number): Overdue[] {
    // Behind one of P0 an overdue task is not the head, so that others may pass both.
    if (waiting[0] > 0) return [];
    const mayWait = (one: Known): boolean => isHeldBack(one, now_ms) || isPromised(one, now_ms);
    return [...tenants.values()].flatMap((line) => {
      const startedLately = line.lastStart_ms !== null && now_ms - line.lastStart_ms <= bound.agingStep_ms;
      if (startedLately || line.waiting.size === 0) return [];
      const overdue = overdueOf(line, bound, mayWait);
      return overdue !== null && overdue.since_ms < now_ms ? [overdue] : [];
    });
  }

  return {
    /** How many wait now. */
    waiting,

    joined(one: Known): void {
      lineOf(one.task.tenantId).waiting.add(one);
      waiting[one.task.class] += 1;
    },

    /**
     * @param neededQuota it took its quota with the room, and money could not be what another one lacks
     * @param promisedSince_ms since when victims were leaving for it; null = none were
     */
    granted(one: Known, neededQuota: boolean, promisedSince_ms: number | null, at_ms: number): void {
      const line = lineOf(one.task.tenantId);
      const waited = line.waiting.delete(one);
      if (waited) waiting[one.task.class] -= 1;
      line.lastStart_ms = at_ms;
      grants.push({
        one,
        at_ms,
        waitingSince_ms: waited ? one.waitingSince_ms : at_ms,
        neededQuota,
        promisedSince_ms,
      });
    },

    /**
     * Judges the grants since the last call. They are judged together, because those of one decision are announced one
     * after another and in no promised order.
     */
    settle(now_ms: number): void {
      if (grants.length === 0) return;
      const overdue = overdueNow(now_ms);
      for (const granted of grants) {
        const own = lineOf(granted.one.task.tenantId);
        if (passesItsOwnLine(granted, own.waiting, isHeldBack)) breaches.order_broken += 1;
        if (overdue.some((one) => passesOverdue(granted, one, bound))) breaches.aging_bound_broken += 1;
      }
      grants = [];
    },
  };
}

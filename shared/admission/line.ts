/** The order of the waiting line (A10). Pure. `waiting_heads.sql` merges the same order from the front of its lines. */

import type { Policy } from './policy.ts';
import type { Room } from './room.ts';

export type Placed = {
  readonly tenantId: string;
  readonly taskId: string;
  /** The class with aging: decides the order. */
  readonly effectiveClass: number;
  /** Ahead of its class: its tenant's oldest, after waiting long while nothing of its tenant started. */
  readonly overdue: boolean;
  readonly usesBurst: boolean;
  readonly acceptedAt: string;
};

/** What orders tenants within a class. */
export type Standing = {
  /** Weighted share of the pool in use. */
  readonly share: number;
  /** The same lately: summed over time, decaying. */
  readonly recent: number;
};

/**
 * The order of the line, a total order: 1. effective class; 2. overdue before others; 3. within the tenant's limit before
 * burst (A5); 4. tenant with the smallest weighted share in use; 5. tenant with the smallest lately; 6. acceptance time;
 * 7. task id; 8. tenant id.
 */
export function compareWaiting(a: Placed, b: Placed, standingOf: (tenantId: string) => Standing): number {
  return comparePlaces(a, standingOf(a.tenantId), b, standingOf(b.tenantId));
}

/** The same order between tasks whose tenants' standings are given: that of one may be older than the other's. */
export function comparePlaces(a: Placed, ofA: Standing, b: Placed, ofB: Standing): number {
  return (
    a.effectiveClass - b.effectiveClass ||
    Number(b.overdue) - Number(a.overdue) ||
    Number(a.usesBurst) - Number(b.usesBurst) ||
    compareStanding(ofA, ofB) ||
    Date.parse(a.acceptedAt) - Date.parse(b.acceptedAt) ||
    compareText(a.taskId, b.taskId) ||
    compareText(a.tenantId, b.tenantId)
  );
}

function compareStanding(a: Standing, b: Standing): number {
  return a.share - b.share || a.recent - b.recent;
}

export type Capacity = {
  readonly cpu: number | null;
  readonly memoryGb: number | null;
  readonly tasks: number | null;
};

/** The largest share of the pool that an amount takes; 0 where the pool has no bound. As `pool_share.sql`. */
export function poolShare(use: Room, pool: Capacity): number {
  return Math.max(
    pool.cpu ? use.cpu / pool.cpu : 0,
    pool.memoryGb ? use.memoryGb / pool.memoryGb : 0,
    pool.tasks ? use.tasks / pool.tasks : 0,
  );
}

/** What a start is charged at once against its tenant's recent use, so that tasks too short to be seen in use count. */
export function entryCharge(start: Room, pool: Capacity, weight: number, policy: Policy): number {
  return (poolShare(start, pool) * policy.entry_charge_seconds) / weight;
}

/** By code unit, as Postgres compares under the C collation; never by locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

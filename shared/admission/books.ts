/** What is known of each tenant while a plan is made: what it uses, and its quota. Pure, but for the books themselves. */

import { entryCharge, poolShare, type Standing } from './line.ts';
import type { Policy } from './policy.ts';
import { afterGrant, afterPreemption, type TenantQuota } from './quota.ts';
import { plus, type Room, roomOf } from './room.ts';
import type { Snapshot, TenantUse, WaitingTask } from './schedule.ts';
import type { RunningTask } from './victims.ts';

export type Books = {
  /** Nothing in use for a tenant that the snapshot does not hold. */
  readonly standingOf: (tenantId: string) => Standing;
  /** Of all tenants, as they are now. */
  readonly standings: () => ReadonlyMap<string, Standing>;
  /** Null when the snapshot holds none for the tenant. */
  readonly quotaOf: (tenantId: string) => TenantQuota | null;
  /** What the task uses from now on, and the quota that it takes. */
  readonly grant: (task: WaitingTask) => void;
  /** The quota that is kept for the task while its victims leave. */
  readonly keep: (task: WaitingTask, victims: readonly RunningTask[]) => void;
};

type Book = { readonly weight: number; inUse: Room; recent: number; quota: TenantQuota | null };

/** The books of a snapshot's tenants, open for one plan. */
export function openBooks({ pool, tenants }: Snapshot, policy: Policy): Books {
  const books = new Map(tenants.map((tenant) => [tenant.tenantId, bookOf(tenant)]));
  const standingOf = (tenantId: string): Standing => {
    const book = books.get(tenantId);
    return book === undefined
      ? { share: 0, recent: 0 }
      : { share: poolShare(book.inUse, pool) / book.weight, recent: toThousandth(book.recent) };
  };
  return {
    standingOf,
    standings: () => new Map([...books.keys()].map((tenantId) => [tenantId, standingOf(tenantId)])),
    quotaOf: (tenantId) => books.get(tenantId)?.quota ?? null,
    grant(task) {
      const book = books.get(task.tenantId);
      if (book === undefined) return;
      book.inUse = plus(book.inUse, roomOf(task));
      book.recent += entryCharge(roomOf(task), pool, book.weight, policy);
      if (book.quota && task.waitingFor === 'quota') book.quota = afterGrant(book.quota, task);
    },
    keep(task, victims) {
      const book = books.get(task.tenantId);
      if (!book?.quota || task.waitingFor !== 'quota') return;
      book.quota = afterPreemption(book.quota, task, victims);
    },
  };
}

function bookOf(tenant: TenantUse): Book {
  const { weight, cpuInUse: cpu, memoryGbInUse: memoryGb, tasksInUse: tasks, recent, quota } = tenant;
  return { weight, inUse: { cpu, memoryGb, tasks }, recent, quota };
}

/** As `tenant_shares.sql` rounds what orders the line: what is long past is forgotten. */
const toThousandth = (recent: number) => Math.floor(recent * 1000 + 0.5) / 1000;

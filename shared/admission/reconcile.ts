/** Counters against the rows that they count (R5). */

import type { Database } from '../platform/db.ts';

/** One counter that does not say what its rows say. */
export type Drift = {
  /** The table that holds the counter; `burst_marks` are the marks on a tenant's tasks together. */
  readonly what: string;
  /** Null for the pool. */
  readonly tenantId: string | null;
  readonly runId: string | null;
  readonly taskId: string | null;
  /** Which of several rows of that tenant, in words, such as `month 2026-03`. */
  readonly part: string | null;
  /** The column. */
  readonly counter: string;
  /** Before. Both are text: numbers of any size stay exact. Null where there is no value. */
  readonly stored: string | null;
  /** What the rows say. */
  readonly derived: string | null;
  readonly repaired: boolean;
};

type DriftRow = {
  readonly what: string;
  readonly tenant_id: string | null;
  readonly run_id: string | null;
  readonly task_id: string | null;
  readonly part: string | null;
  readonly counter: string;
  readonly stored: string | null;
  readonly derived: string | null;
  readonly repaired: boolean;
};

/**
 * Every counter in drift, the pool's first; none when all is well. Looking takes no locks. `repair` also sets each to what
 * its rows say, at once for all, and writes what it did into `reconciliations`.
 *
 * @throws StoreUnavailable when the store cannot be reached or does not answer in time; nothing is repaired then
 */
export async function reconcile(
  database: Database,
  { repair }: { readonly repair: boolean },
  now: Date,
): Promise<Drift[]> {
  const rows = await database.query<DriftRow>(
    `select what, tenant_id, run_id, task_id, part, counter, stored, derived, repaired
     from reconcile(p_repair => $1, p_now => $2)`,
    [repair, now],
  );
  return rows.map(({ what, tenant_id, run_id, task_id, part, counter, stored, derived, repaired }) => ({
    what,
    tenantId: tenant_id,
    runId: run_id,
    taskId: task_id,
    part,
    counter,
    stored,
    derived,
    repaired,
  }));
}

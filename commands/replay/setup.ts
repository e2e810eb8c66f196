/** What a replay begins with, and its time against the store's. */

import type { StartEstimate } from '../../shared/admission/estimate.ts';
import type { Policy } from '../../shared/admission/policy.ts';
import { setPool, setQuotas } from '../../shared/admission/store.ts';
import type { Database } from '../../shared/platform/db.ts';
import type { StartRange } from './backtest.ts';
import type { Conditions } from './conditions.ts';
import type { TracedTask } from './trace.ts';
import type { Allowance } from './witness.ts';

/** Where the trace's second 0 lies: mid-month, away from the edge of a budget period. */
export const start_ms = Date.parse('2026-01-15T00:00:00.000Z');

/** Times of the store as milliseconds of the trace. */
export function rangeOf(estimate: StartEstimate | null): StartRange | null {
  if (estimate === null) return null;
  return {
    earliest_ms: Date.parse(estimate.earliest) - start_ms,
    latest_ms: Date.parse(estimate.latest) - start_ms,
  };
}

export function allowanceOf({ pool, quota }: Conditions, rules: Policy): Allowance {
  return {
    pool,
    quota,
    burstShare: quota.burstShare ?? rules.burst_share,
    minimumRun_ms: rules.min_run_seconds * 1000,
    promise_ms: rules.promise_seconds * 1000,
    agingStep_ms: rules.aging_step_seconds * 1000,
    patience_ms: rules.backfill_wait_seconds * 1000,
  };
}

/** Sets the pool, and the same quota for every tenant of the trace. */
export async function setLimits(
  database: Database,
  tasks: readonly TracedTask[],
  { pool, quota }: Conditions,
): Promise<void> {
  const now = new Date(start_ms);
  const burst = quota.burstShare === null ? {} : { burstShare: quota.burstShare };
  const quotas = {
    cpu: { limit: quota.cpu, ...burst },
    memory: { limit: quota.memoryGb, ...burst },
    cost: { limitUSD: quota.cost_usd },
    concurrentRuns: { limit: quota.runs },
  };
  await setPool(database, pool, now);
  for (const tenantId of new Set(tasks.map((task) => task.tenantId))) {
    await setQuotas(database, tenantId, quotas, 'replay', now);
  }
}

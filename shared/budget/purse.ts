/** What Mothership itself spends for a run, such as a judge's opinion: booked in the run's ledger as any other cost (B1). */

import type { Database } from '../platform/db.ts';
import type { TokenUsage } from './contract.ts';
import { recordCosts } from './costs.ts';
import { currentPriceTable } from './price-table.ts';
import { priceUsage } from './prices.ts';
import { type BudgetSnapshot, budgetStatusOf } from './status.ts';

export type PurseOfRun = {
  readonly database: Database;
  readonly tenantId: string;
  readonly runId: string;
  /** Of the run; null when the call is about none. */
  readonly taskId: string | null;
  readonly policy: unknown;
  readonly now: Date;
};

type ModelName = { readonly provider: string; readonly model: string };

/**
 * Why the run cannot pay for so many tokens; null when it can. It can as long as it holds that much: a run that has ended,
 * is paused or has spent up to its pause threshold holds nothing for this, nor does one whose hold has expired. No lock
 * is taken and nothing is reserved, so that calls at the same time may each see the same money: what they spend above it
 * is booked all the same (B3).
 *
 * @throws StoreUnavailable
 */
export async function cannotPay(
  { database, tenantId, runId, taskId, now }: PurseOfRun,
  model: ModelName,
  usage_max: TokenUsage,
): Promise<'over_budget' | 'no_price' | null> {
  const table = await currentPriceTable(database);
  const price = priceUsage({ ...model, at: now, usage: usage_max, operator: { table, tenantId } });
  if (price.kind !== 'priced') return 'no_price';
  const [row] = await database.query<{ budget: BudgetSnapshot; stands: boolean }>(
    `select budget_snapshot(n, r, r.run_id, null, $4) as budget, hold_stands(r.tenant_id, r.run_id, $4) as stands
     from runs r join tenants n using (tenant_id)
     where r.tenant_id = $1 and r.run_id = $2
       and ($3::text is null or exists (
         select from tasks t where t.tenant_id = r.tenant_id and t.run_id = r.run_id and t.task_id = $3))`,
    [tenantId, runId, taskId, now],
  );
  if (row?.stands !== true || budgetStatusOf(row.budget).level === 'pause') return 'over_budget';
  return price.costNanos <= BigInt(row.budget.heldNanos) ? null : 'over_budget';
}

/**
 * Books what a call has cost, on the run and on no task of it: what it has bought outlives every task. Once for each id.
 *
 * @returns why it was not booked; null when it was, now or before
 * @throws StoreUnavailable
 */
export async function payFrom(
  { database, tenantId, runId, policy, now }: PurseOfRun,
  cost: ModelName & { readonly eventId: string; readonly kind: string; readonly usage: TokenUsage },
): Promise<string | null> {
  const answer = await recordCosts(database, tenantId, runId, [{ ...cost }], policy, now);
  if (answer === null) return 'the run does not exist';
  return answer.rejected[0]?.message ?? null;
}

/** What recorded events cost at the prices in force now, beside what the ledger has of them. Pure. */

import { sha256Hex } from '../platform/hash.ts';
import { sumNanos } from '../platform/money.ts';
import { correctionIds, type TokenUsage } from './contract.ts';
import type { PriceTable } from './operator-prices.ts';
import { librarySource } from './price-catalog.ts';
import type { RepricingAnswer } from './price-contract.ts';
import { priceUsage } from './prices.ts';

export type PricedEvent = {
  readonly tenant_id: string;
  readonly run_id: string;
  readonly event_id: string;
  readonly task_id: string | null;
  readonly provider: string | null;
  readonly model: string;
  readonly usage: TokenUsage;
  readonly occurred_at: Date;
  /** What the ledger has of it: itself and its corrections, 1e-9 USD. */
  readonly booked_nanos: bigint;
};

/** What an event costs now; the shape that `reprice_run` takes. */
export type Target = {
  readonly corrects: string;
  readonly eventId: string;
  readonly costNanos: string;
  readonly taskId: string | null;
  readonly provider: string | null;
  readonly model: string;
  readonly priceVersion: string;
  readonly unitPrices: Readonly<Record<string, string>>;
  readonly occurredAt: string;
};

export type RunOutcome = { readonly corrected: number; readonly differenceNanos: bigint };

export type OfRun = readonly [PricedEvent, ...PricedEvent[]];

export function byRun(events: readonly PricedEvent[]): OfRun[] {
  const runs = Map.groupBy(events, ({ tenant_id, run_id }) => JSON.stringify([tenant_id, run_id]));
  return [...runs.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [[first, ...rest] as const],
  );
}

export function targetsOf(events: OfRun, table: PriceTable) {
  const targets: Target[] = [];
  const unpriced: RepricingAnswer['unpriced'] = [];
  for (const event of events) {
    const { tenant_id: tenantId, run_id: runId, event_id: eventId, provider, model, usage } = event;
    const operator = { table, tenantId };
    const price = priceUsage({
      provider: provider ?? undefined,
      model,
      at: event.occurred_at,
      usage,
      operator,
    });
    if (price.kind !== 'priced') {
      unpriced.push({ tenantId, runId, eventId, code: price.kind, message: price.message });
      continue;
    }
    targets.push({
      corrects: eventId,
      eventId: correctionId(eventId, table.version),
      costNanos: String(price.costNanos),
      taskId: event.task_id,
      provider,
      model,
      priceVersion: price.priceVersion,
      unitPrices: price.unitPrices,
      occurredAt: event.occurred_at.toISOString(),
    });
  }
  return { targets, unpriced };
}

/** One id for an event at one state of all prices, so that correcting it twice is correcting it once. */
function correctionId(eventId: string, tableVersion: number): string {
  return `${correctionIds}${sha256Hex(`${eventId} ${librarySource} ${tableVersion}`).slice(0, 40)}`;
}

export function differencesOf(events: OfRun, targets: readonly Target[]): RunOutcome {
  const booked = new Map(events.map((event) => [event.event_id, event.booked_nanos]));
  const differences = targets
    .map(({ corrects, costNanos }) => BigInt(costNanos) - (booked.get(corrects) ?? 0n))
    .filter((difference) => difference !== 0n);
  return { corrected: differences.length, differenceNanos: sumNanos(differences) };
}

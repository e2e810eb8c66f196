/** The cost events of the benchmark, as a report carries them and as rows of the ledger. */

import { randomUUID } from 'node:crypto';
import { type BookableEvent, bookable } from '../shared/budget/bookable.ts';
import type { CostReport } from '../shared/budget/contract.ts';
import { noPriceTable } from '../shared/budget/operator-prices.ts';

export type EventForm = 'priced' | 'stated';

export type CostEvents = {
  /** 1e-9 USD, of each. */
  readonly cost_nanos: bigint;
  /** @param ids as many as events are wanted */
  readonly report: (ids: readonly string[]) => CostReport['events'];
  /** The same as rows of `cost_events`, in COPY's text format. */
  readonly rows: (tenantId: string, runId: string, ids: readonly string[]) => string;
};

const members: Readonly<Record<EventForm, object>> = {
  priced: {
    provider: 'openai',
    model: 'gpt-4o',
    usage: { inputTokens: 1200, cachedInputTokens: 300, outputTokens: 150 },
  },
  stated: { costUSD: 0.000123456 },
};

export function costEventsOf(form: EventForm): CostEvents {
  const sample = bookable(
    { eventId: 'sample', ...members[form] },
    { table: noPriceTable, tenantId: 'any' },
    new Date(),
  );
  if (!('costNanos' in sample)) throw new Error(`The sample event was refused: ${sample.message}`);
  return {
    cost_nanos: BigInt(sample.costNanos),
    report: (ids) => ids.map((eventId) => ({ eventId, ...members[form] })),
    rows: (tenantId, runId, ids) => {
      const rest = restOfRow(sample, new Date().toISOString());
      return ids.map((id) => `${tenantId}\t${runId}\t${id}\t${rest}\n`).join('');
    },
  };
}

/** Ids that no two calls share, and that tell which of `name` they are. */
export function eventIds(name: string, count: number): string[] {
  const batch = `${name}-${randomUUID().slice(0, 18)}`;
  return Array.from({ length: count }, (_, index) => `${batch}-${index}`);
}

/** The columns after `event_id`. */
function restOfRow(event: BookableEvent, now: string): string {
  const column = (value: unknown): string => {
    if (value === null) return '\\N';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
  return [
    event.taskId,
    event.epoch,
    event.kind,
    event.costNanos,
    event.provider,
    event.model,
    event.usage,
    event.priceVersion,
    event.unitPrices,
    event.priceMismatch,
    false,
    now,
    now,
    event.costStated,
    null,
    null,
  ]
    .map(column)
    .join('\t');
}

/** Judging cost events: each on its own, before any is booked (B1, B2). Pure. */

import { usdToNanos } from '../platform/money.ts';
import { type CostEvent, type CostReport, costEvent } from './contract.ts';
import { fromOpenTelemetry } from './otel-usage.ts';
import { type OperatorPrices, priceUsage } from './prices.ts';

export type Rejected = { readonly eventId: string; readonly code: string; readonly message: string };

/** An event that can be booked; amounts are 1e-9 USD as text. */
export type BookableEvent = {
  readonly eventId: string;
  readonly taskId: string | null;
  readonly epoch: number | null;
  readonly kind: string;
  readonly costNanos: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly usage: CostEvent['usage'] | null;
  readonly priceVersion: string | null;
  readonly unitPrices: Readonly<Record<string, string>> | null;
  readonly priceMismatch: boolean;
  /** The caller said what it costs: such an event is never priced again. */
  readonly costStated: boolean;
  readonly occurredAt: string;
};

/** Costs given and computed may differ by this share of the computed one before the event is flagged (B2). */
const mismatch_percent = 5n;

/**
 * Judges one event of a report: its shape, and its price when it states no cost. An unknown model or an impossible usage
 * is refused by name, never priced at zero.
 */
export function bookable(
  sent: CostReport['events'][number],
  operator: OperatorPrices,
  now: Date,
): BookableEvent | Rejected {
  const translated = fromOpenTelemetry(sent);
  if ('message' in translated)
    return { eventId: sent.eventId, code: 'bad_event', message: translated.message };
  const parsed = costEvent.safeParse(translated.event);
  if (!parsed.success) {
    const message = parsed.error.issues
      .map((issue) => `${issue.path.length === 0 ? 'event' : issue.path.join('.')}: ${issue.message}`)
      .join('; ');
    return { eventId: sent.eventId, code: 'bad_event', message };
  }
  const event = parsed.data;
  const occurredAt = occurrence(event.occurredAt, now);
  const common = {
    eventId: event.eventId,
    taskId: event.taskId ?? null,
    epoch: event.epoch ?? null,
    kind: event.kind ?? 'usage',
    provider: event.provider ?? null,
    model: event.model ?? null,
    usage: event.usage ?? null,
    occurredAt: occurredAt.toISOString(),
  };
  const given = event.costUSD === undefined ? null : usdToNanos(event.costUSD, 'halfUp');
  const unpriced = { priceVersion: null, unitPrices: null, priceMismatch: false, costStated: true };
  if (event.model === undefined || event.usage === undefined) {
    // The schema asks for costUSD or for model with usage.
    return { ...common, costNanos: String(given ?? 0n), ...unpriced };
  }
  const price = priceUsage({
    provider: event.provider,
    model: event.model,
    at: occurredAt,
    usage: event.usage,
    operator,
  });
  if (price.kind !== 'priced') {
    // A stated cost is booked whatever we know of the model; without one there is nothing to book.
    return given === null
      ? { eventId: event.eventId, code: price.kind, message: price.message }
      : { ...common, costNanos: String(given), ...unpriced };
  }
  return {
    ...common,
    costNanos: String(given ?? price.costNanos),
    priceVersion: price.priceVersion,
    unitPrices: price.unitPrices,
    priceMismatch: given !== null && differs(given, price.costNanos),
    costStated: given !== null,
  };
}

/** What is reported has occurred: a runner's clock that is ahead must not spend out of a period to come. */
function occurrence(stated: string | undefined, now: Date): Date {
  const time = stated === undefined ? now : new Date(stated);
  return time.getTime() > now.getTime() ? now : time;
}

function differs(given: bigint, computed: bigint): boolean {
  const difference = given > computed ? given - computed : computed - given;
  return difference * 100n > computed * mismatch_percent;
}

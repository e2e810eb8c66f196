/** Books a batch of messages from the queue `cost-events`: messages of one run together, each with its own outcome. */

import type { CostReport, CostReportAnswer } from './contract.ts';
import { type CostMessage, costMessageEvents_max } from './cost-message.ts';

export type RejectedEvent = CostReportAnswer['rejected'][number];

export type Outcome =
  /** `rejected`: those of this message; the others are in the ledger now, or were before. */
  | { readonly kind: 'booked'; readonly rejected: readonly RejectedEvent[] }
  /** The tenant has no such run. */
  | { readonly kind: 'unknown_run' }
  /** Whether it took effect is unknown; a repeat is harmless. */
  | { readonly kind: 'failed'; readonly error: unknown };

/** As `recordCosts`: null when the tenant has no such run. */
export type Book = (
  tenantId: string,
  runId: string,
  events: CostReport['events'],
) => Promise<CostReportAnswer | null>;

/**
 * Books every message and answers an outcome for each, in their order. What fails is tried once more message by
 * message, so that one which the store does not take fails alone and a lost deadlock does not wait for redelivery.
 *
 * @param mayBegin asked before each booking: false once too little time is left for one
 */
export async function bookBatch(
  messages: readonly CostMessage[],
  book: Book,
  mayBegin: () => boolean,
): Promise<Outcome[]> {
  const outcomes = new Map<CostMessage, Outcome>();
  const bookTogether = async (booking: readonly CostMessage[]): Promise<void> => {
    for (const [message, outcome] of await outcomesOf(booking, book, mayBegin))
      outcomes.set(message, outcome);
  };
  for (const booking of bookingsOf(messages)) await bookTogether(booking);
  const failed = messages.filter((message) => outcomes.get(message)?.kind === 'failed');
  for (const message of failed) await bookTogether([message]);
  return messages.map((message) => outcomes.get(message) ?? notBegun);
}

const notBegun: Outcome = { kind: 'failed', error: new Error('no time was left to book it') };

/**
 * Messages that one call books: of one run, at most as many events as a report over HTTP has, so that a hot run's and
 * its tenant's row are locked once rather than for each message. Ids of events do not repeat between the messages of a
 * booking: a rejected one then names its message.
 */
function bookingsOf(messages: readonly CostMessage[]): CostMessage[][] {
  type Open = { messages: CostMessage[]; eventIds: Set<string>; events: number };
  const bookings: Open[] = [];
  const openOf = new Map<string, Open>();
  for (const message of messages) {
    const run = `${message.tenantId}/${message.runId}`;
    const ids = message.events.map(({ eventId }) => eventId);
    const open = openOf.get(run);
    const fits =
      open !== undefined &&
      open.events + ids.length <= costMessageEvents_max &&
      !ids.some((eventId) => open.eventIds.has(eventId));
    if (fits) {
      open.messages.push(message);
      open.events += ids.length;
      for (const eventId of ids) open.eventIds.add(eventId);
    } else {
      const next = { messages: [message], eventIds: new Set(ids), events: ids.length };
      bookings.push(next);
      openOf.set(run, next);
    }
  }
  return bookings.map((booking) => booking.messages);
}

async function outcomesOf(
  booking: readonly CostMessage[],
  book: Book,
  mayBegin: () => boolean,
): Promise<(readonly [CostMessage, Outcome])[]> {
  const [first] = booking;
  const all = (outcome: Outcome) => booking.map((message) => [message, outcome] as const);
  if (first === undefined || !mayBegin()) return all(notBegun);
  try {
    const events = booking.flatMap((message) => message.events);
    const answer = await book(first.tenantId, first.runId, events);
    if (answer === null) return all({ kind: 'unknown_run' });
    return booking.map((message) => {
      const ids = new Set(message.events.map(({ eventId }) => eventId));
      const rejected = answer.rejected.filter(({ eventId }) => ids.has(eventId));
      return [message, { kind: 'booked', rejected }] as const;
    });
  } catch (error) {
    return all({ kind: 'failed', error });
  }
}

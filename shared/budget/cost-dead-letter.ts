/** What is put aside of a message of the queue `cost-events`, and why (pure). */

import type { FieldError } from '../platform/problem.ts';
import { StoreUnavailable } from '../platform/store-unavailable.ts';
import type { Outcome, RejectedEvent } from './cost-batch.ts';
import type { CostMessage } from './cost-message.ts';

export const deadLetterReasons = [
  /** Not JSON, or not of the message's shape: nothing of it is booked. */
  'bad_message',
  /** The tenant had no such run, at any of the attempts. */
  'unknown_run',
  /** The letter holds these events alone; the others of the message are booked. */
  'rejected_events',
  /** The store could not be used at any of the attempts. */
  'store_unavailable',
  /** A fault of ours, at each of the attempts. */
  'failed',
] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

export type DeadLetter = {
  readonly reason: DeadLetterReason;
  /** One line for people: what is wrong with what. */
  readonly detail: string;
  readonly body: string;
};

/** How often a message may be received before it is given up. */
export type Patience = {
  /** Anything, as the queue's redrive policy has it. */
  readonly receives_max: number;
  /** A message whose run is unknown: it may have been sent before the run was admitted, though hardly by minutes. */
  readonly unknownRunReceives_max: number;
};

/** SQS takes 1 MiB with the attributes, which stay far below the rest. */
const letterBytes_max = 1000 * 1024;
/** Of one event's reason: 500 of them fit beside the events, whatever characters they have. */
const reasonLength_max = 300;
const detailLength_max = 1024;

/** A message that cannot be read; it would not get better by waiting. */
export function badMessageLetter(body: string, errors: readonly FieldError[]): DeadLetter {
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return { reason: 'bad_message', detail: clipped(detail, detailLength_max), body };
}

/**
 * What becomes of a message after its booking: null when nothing is left to do, `'again'` when it must come again, or
 * the letter that is put aside.
 *
 * @param receives how often it was received, this time included
 */
export function letterOf(
  message: CostMessage,
  body: string,
  outcome: Outcome,
  receives: number,
  { receives_max, unknownRunReceives_max }: Patience,
): DeadLetter | 'again' | null {
  switch (outcome.kind) {
    case 'booked':
      return outcome.rejected.length === 0 ? null : rejectedEventsLetter(message, body, outcome.rejected);
    case 'unknown_run': {
      if (receives < Math.min(unknownRunReceives_max, receives_max)) return 'again';
      const detail = `Tenant ${message.tenantId} has no run ${message.runId}; received ${receives} times.`;
      return { reason: 'unknown_run', detail, body };
    }
    case 'failed': {
      if (receives < receives_max) return 'again';
      const reason = outcome.error instanceof StoreUnavailable ? 'store_unavailable' : 'failed';
      const text = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
      return { reason, detail: clipped(`Received ${receives} times: ${text}`, detailLength_max), body };
    }
  }
}

/** A message of the same shape, which may go back to the queue as it is once its cause is gone. */
function rejectedEventsLetter(
  message: CostMessage,
  body: string,
  rejected: readonly RejectedEvent[],
): DeadLetter {
  const ids = new Set(rejected.map(({ eventId }) => eventId));
  const reasons = rejected.map((one) => ({ ...one, message: clipped(one.message, reasonLength_max) }));
  const events = message.events.filter(({ eventId }) => ids.has(eventId));
  const rest = JSON.stringify({ ...message, events, rejected: reasons }).replaceAll(unsendable, escaped);
  const [first] = reasons;
  const detail = `${events.length} of ${message.events.length} events: ${countsOf(rejected)}. First: ${first?.eventId}: ${first?.message}`;
  return {
    reason: 'rejected_events',
    detail: clipped(detail, detailLength_max),
    // JSON may grow when it is written anew (1e300); the whole message then goes, whose good events are booked once.
    body: Buffer.byteLength(rest) > letterBytes_max ? body : rest,
  };
}

/** `unknown_model 2, bad_event 1` */
function countsOf(rejected: readonly RejectedEvent[]): string {
  const counts = Map.groupBy(rejected, ({ code }) => code);
  return [...counts].map(([code, those]) => `${code} ${those.length}`).join(', ');
}

/** Characters that SQS refuses and JSON.stringify leaves as they are. */
const unsendable = /[\ufffe\uffff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`;
}

function clipped(text: string, length_max: number): string {
  return text.length <= length_max ? text : `${text.slice(0, length_max - 1)}…`.toWellFormed();
}

/**
 * Messages of the queue `cost-events`: what POST /v1/runs/{runId}/costs takes, with the run and tenant that a caller of
 * HTTP names by path and key. Who may send is trusted to name the tenant.
 */

import * as z from 'zod';
import { fieldErrors, parseJsonObject } from '../platform/http-input.ts';
import { type FieldError, Problem } from '../platform/problem.ts';
import { id } from '../platform/schema.ts';
import { costEventDocumented, costReport, rejectedCostEvent } from './contract.ts';

/** As over HTTP. Half of what SQS takes (1 MiB, attributes included), so that a dead letter has room for its reasons. */
export const costMessageBytes_max = 512 * 1024;
export const costMessageEvents_max = 500;

const header = {
  version: z.literal(1, { error: 'must be 1' }),
  tenantId: id,
  runId: id,
  /** Of a dead letter: why each event was rejected. Not read, so that a dead letter can go back as it is. */
  rejected: z.array(rejectedCostEvent).optional(),
};

/** Only what must hold for any event to be judged. */
export const costMessage = costReport.extend(header);
export type CostMessage = z.infer<typeof costMessage>;

/** As senders should write it: what the documents show. */
export const costMessageDocumented = z.strictObject({
  ...header,
  events: z.array(costEventDocumented).min(1).max(costMessageEvents_max),
});

export type ReadMessage =
  | { readonly kind: 'message'; readonly message: CostMessage }
  | { readonly kind: 'bad'; readonly errors: readonly FieldError[] };

/** Reads a body as the HTTP API reads a request's: the same JSON, the same refusals, every wrong field named. */
export function readCostMessage(body: string): ReadMessage {
  let value: unknown;
  try {
    value = parseJsonObject(body);
  } catch (error) {
    if (error instanceof Problem) return { kind: 'bad', errors: error.errors ?? [] };
    throw error;
  }
  const parsed = costMessage.safeParse(value);
  return parsed.success
    ? { kind: 'message', message: parsed.data }
    : { kind: 'bad', errors: fieldErrors(parsed.error, value) };
}

/**
 * For senders: one run's events as bodies that the queue takes, in as few messages as possible.
 *
 * @throws Error naming an event that is too large for a message of its own
 */
export function costMessageBodies(
  tenantId: string,
  runId: string,
  events: readonly Readonly<Record<string, unknown>>[],
): string[] {
  const bodyOf = (texts: readonly string[]) =>
    `${JSON.stringify({ version: 1, tenantId, runId }).slice(0, -1)},"events":[${texts.join(',')}]}`;
  const empty_bytes = Buffer.byteLength(bodyOf([]));
  const bodies: string[] = [];
  let texts: string[] = [];
  let bytes = empty_bytes;
  for (const event of events) {
    const text = JSON.stringify(event);
    const added_bytes = Buffer.byteLength(text) + 1;
    if (empty_bytes + added_bytes > costMessageBytes_max) {
      throw new Error(
        `Event ${String(event.eventId)} does not fit into a message; leave out what it need not say.`,
      );
    }
    if (texts.length === costMessageEvents_max || bytes + added_bytes > costMessageBytes_max) {
      bodies.push(bodyOf(texts));
      texts = [];
      bytes = empty_bytes;
    }
    texts.push(text);
    bytes += added_bytes;
  }
  return texts.length === 0 ? bodies : [...bodies, bodyOf(texts)];
}

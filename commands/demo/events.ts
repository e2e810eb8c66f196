/** Watches a queue that is subscribed to the bus. */

import type { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { type EventName, envelope, eventNames, source } from '../../shared/coordination/events.ts';
import { receive, remove } from './sqs.ts';

/** What EventBridge puts on a queue, as far as it is read here. */
const message = z.object({
  source: z.literal(source),
  'detail-type': z.enum(eventNames as [EventName, ...EventName[]]),
  detail: envelope,
});

export type SeenEvent = z.infer<typeof envelope> & { readonly name: EventName };

export type EventWatch = {
  /** In the order of arrival, repeats left out. */
  readonly seen: readonly SeenEvent[];
  /** Resolves with the first event of that name that `matches`, come or yet to come. Throws when none comes in time. */
  readonly until: (name: EventName, matches?: (event: SeenEvent) => boolean) => Promise<SeenEvent>;
  readonly stop: () => Promise<void>;
};

const patience_ms = 20_000;

/**
 * Takes every message off the queue until stopped.
 *
 * @param isWanted the others are taken off the queue too, and forgotten
 * @param onEvent hears of each wanted event once
 */
export function watchEvents(
  sqs: SQSClient,
  queueUrl: string,
  isWanted: (event: SeenEvent) => boolean,
  onEvent: (event: SeenEvent) => void = () => {},
): EventWatch {
  const seen: SeenEvent[] = [];
  const ids = new Set<string>();
  const waiting = new Set<() => void>();
  const stopping = new AbortController();
  let failure: unknown;

  function arrive(body: string): void {
    const { 'detail-type': name, detail } = message.parse(JSON.parse(body));
    const event = { ...detail, name };
    // Delivery is at least once.
    if (ids.has(event.id) || !isWanted(event)) return;
    ids.add(event.id);
    seen.push(event);
    onEvent(event);
  }

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const messages = await receive(sqs, queueUrl, { wait_seconds: 5, hidden_seconds: 30 }, stopping.signal);
      for (const { Body = '' } of messages) arrive(Body);
      for (const check of waiting) check();
      await remove(sqs, queueUrl, messages);
    }
  }

  const ended = watch().catch((error: unknown) => {
    if (stopping.signal.aborted) return;
    failure = error;
    for (const check of waiting) check();
  });

  return {
    seen,
    until(name, matches = () => true) {
      return new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          waiting.delete(check);
          clearTimeout(timer);
          act();
        };
        const check = (): void => {
          const event = seen.find((candidate) => candidate.name === name && matches(candidate));
          if (event !== undefined) settle(() => resolve(event));
          else if (failure !== undefined) settle(() => reject(failure));
        };
        const timer = setTimeout(() => {
          const others = seen.map((event) => event.name).join(', ') || 'none';
          const text = `no ${name} on the queue within ${patience_ms / 1000} s; seen: ${others}`;
          settle(() => reject(new Error(text)));
        }, patience_ms);
        waiting.add(check);
        check();
      });
    },
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

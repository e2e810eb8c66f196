/** Sends what a call has written right after its commit, to the bus and the queues that the environment names. */

import type { Database } from '../platform/db.ts';
import { eventBusName, taskQueueUrls } from '../platform/process-env.ts';
import { type Relayed, relayOutbox } from './outbox.ts';
import { awsPublisher, type Publisher } from './queues.ts';

/** Enough for what one call writes; the sweep sends what a storm leaves over. */
const rowsPerCall_max = 100;

let publisher: Publisher | undefined;

/** One per process, so that its connections are kept. */
export function environmentPublisher(): Publisher {
  publisher ??= awsPublisher({ eventBusName: eventBusName(), taskQueueUrls: taskQueueUrls() });
  return publisher;
}

/**
 * `afterCommit` of the functions. Always in real time: this is delivery, not a decision (R4).
 *
 * @throws StoreUnavailable
 */
export function relayAfterCommit({ database }: { readonly database: Database }): Promise<Relayed> {
  return relayOutbox(database, environmentPublisher(), { limit: rowsPerCall_max, now: new Date() });
}

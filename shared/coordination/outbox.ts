/**
 * The outbox: events and doorbells were written in the transaction that caused them; this sends them (E1).
 *
 * At least once: a process that dies between sending and marking leaves its rows claimed, and they are sent again
 * when the claim runs out. Two relays at once never hold the same row. Claims use the store's clock, since the
 * time that an operator may set for a call must not hold rows back.
 */

import type { Database } from '../platform/db.ts';
import { batchMax, type Publisher } from './queues.ts';

/** Longer than any relay lives, so that a row is not sent twice without need. */
const claim_seconds = 30;

type OutboxRow = {
  event_seq: bigint;
  kind: 'event' | 'doorbell';
  tenant_id: string;
  detail_type: string;
  class: number | null;
  body: unknown;
  occurred_at: Date;
};

export type Relayed = { readonly published: number; readonly failed: number };

/**
 * Sends up to `limit` unpublished rows, oldest first.
 *
 * @param options.now the time to note as published
 * @returns how many were sent, and how many stay in the outbox after a failure
 * @throws StoreUnavailable; failures of the bus and the queues are counted, not thrown
 */
export async function relayOutbox(
  database: Database,
  publisher: Publisher,
  { limit, now }: { readonly limit: number; readonly now: Date },
): Promise<Relayed> {
  const rows = await claim(database, limit);
  const sent = (await Promise.all([sendEvents(publisher, rows), ringDoorbells(publisher, rows)])).flat();
  const sentSeqs = new Set(sent);
  const failed = rows.map((row) => row.event_seq).filter((seq) => !sentSeqs.has(seq));
  if (rows.length > 0) await settle(database, sent, failed, now);
  return { published: sent.length, failed: failed.length };
}

async function claim(database: Database, limit: number): Promise<OutboxRow[]> {
  const rows = await database.query<OutboxRow>(
    `update events
     set claimed_until = clock_timestamp() + make_interval(secs => $2), attempts = attempts + 1
     where event_seq in (
       select event_seq from events
       where published_at is null and (claimed_until is null or claimed_until < clock_timestamp())
       order by event_seq limit $1 for update skip locked
     )
     returning event_seq, kind, tenant_id, detail_type, class, body, occurred_at`,
    [limit, claim_seconds],
  );
  return rows.sort((a, b) => (a.event_seq < b.event_seq ? -1 : 1));
}

/** One statement for both: what was sent is published, the rest is free for the next relay. */
async function settle(
  database: Database,
  sent: readonly bigint[],
  failed: readonly bigint[],
  now: Date,
): Promise<void> {
  await database.query(
    `update events
     set published_at = case when event_seq = any($1::bigint[]) then $3::timestamptz end, claimed_until = null
     where event_seq = any($1::bigint[] || $2::bigint[]) and published_at is null`,
    [sent, failed, now],
  );
}

async function sendEvents(publisher: Publisher, rows: readonly OutboxRow[]): Promise<bigint[]> {
  const events = rows.filter((row) => row.kind === 'event');
  return inBatches(events, (batch) =>
    publisher.publishEvents(
      batch.map((row) => ({
        detailType: row.detail_type,
        detail: JSON.stringify(row.body),
        occurredAt: row.occurred_at,
      })),
    ),
  );
}

async function ringDoorbells(publisher: Publisher, rows: readonly OutboxRow[]): Promise<bigint[]> {
  const sent: bigint[] = [];
  for (const [taskClass, doorbells] of Map.groupBy(
    rows.filter((row) => row.kind === 'doorbell'),
    (row) => row.class ?? 0,
  )) {
    sent.push(
      ...(await inBatches(doorbells, (batch) =>
        publisher.ringDoorbells(
          taskClass,
          batch.map((row) => ({ tenantId: row.tenant_id, body: JSON.stringify(row.body) })),
        ),
      )),
    );
  }
  return sent;
}

/** Sends in order, one batch after another; a batch that fails as a whole does not hold up the others. */
async function inBatches(
  rows: readonly OutboxRow[],
  send: (batch: readonly OutboxRow[]) => Promise<boolean[]>,
): Promise<bigint[]> {
  const sent: bigint[] = [];
  for (let start = 0; start < rows.length; start += batchMax) {
    const batch = rows.slice(start, start + batchMax);
    const accepted = await send(batch).catch((): boolean[] => []);
    sent.push(...batch.filter((_, index) => accepted[index] === true).map((row) => row.event_seq));
  }
  return sent;
}

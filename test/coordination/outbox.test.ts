import { beforeEach, expect, test } from '@jest/globals';
import { relayOutbox } from '../../shared/coordination/outbox.ts';
import type { Publisher } from '../../shared/coordination/queues.ts';
import { withDatabase } from '../setup/database.ts';

const store = withDatabase();
const now = new Date('2026-11-22T12:00:00.000Z');

type Recorded = { readonly to: string; readonly names: readonly string[] };

/** Keeps what it is sent; `accepts` decides per message, by its name. */
function recordingPublisher(accepts: (name: string) => boolean = () => true) {
  const batches: Recorded[] = [];
  const take = async (to: string, names: string[]) => {
    batches.push({ to, names });
    return names.map(accepts);
  };
  const publisher: Publisher = {
    publishEvents: (events) =>
      take(
        'bus',
        events.map((event) => (JSON.parse(event.detail) as { name: string }).name),
      ),
    ringDoorbells: (taskClass, doorbells) =>
      take(
        `p${taskClass}`,
        doorbells.map((doorbell) => (JSON.parse(doorbell.body) as { name: string }).name),
      ),
  };
  const names = () => batches.flatMap((batch) => batch.names);
  return { publisher, batches, names };
}

/** One outbox row; a class makes it a doorbell. */
async function addRow(name: string, taskClass: number | null = null): Promise<void> {
  await store.app.query(
    `insert into events (event_id, kind, tenant_id, detail_type, sequence, class, body, occurred_at)
     values (gen_random_uuid(), $1, 'tenant-a', 'run-queued', 1, $2, jsonb_build_object('name', $3::text), $4)`,
    [taskClass === null ? 'event' : 'doorbell', taskClass, name, now],
  );
}

const unpublished = async () =>
  (
    await store.app.query<{ name: string }>(
      `select body->>'name' as name from events where published_at is null order by event_seq`,
    )
  ).map((row) => row.name);

const relay = (publisher: Publisher, limit = 100) => relayOutbox(store.app, publisher, { limit, now });

beforeEach(() => store.app.query(`update events set published_at = occurred_at`));

test('an empty outbox sends nothing', async () => {
  const { publisher, batches } = recordingPublisher();
  expect(await relay(publisher)).toEqual({ published: 0, failed: 0 });
  expect(batches).toEqual([]);
});

test('events go to the bus in order, ten at a time, and are sent once', async () => {
  const names = Array.from({ length: 23 }, (_, index) => `event-${index}`);
  for (const name of names) await addRow(name);
  const { publisher, batches } = recordingPublisher();
  expect(await relay(publisher)).toEqual({ published: 23, failed: 0 });
  expect(batches.map((batch) => batch.names.length)).toEqual([10, 10, 3]);
  expect(batches.flatMap((batch) => batch.names)).toEqual(names);
  expect(await relay(publisher)).toEqual({ published: 0, failed: 0 });
});

test('a doorbell goes to the queue of its class', async () => {
  await addRow('urgent', 0);
  await addRow('idle', 3);
  await addRow('urgent too', 0);
  const { publisher, batches } = recordingPublisher();
  await relay(publisher);
  expect(batches).toEqual([
    { to: 'p0', names: ['urgent', 'urgent too'] },
    { to: 'p3', names: ['idle'] },
  ]);
});

test('only what was refused stays, and goes with the next relay', async () => {
  for (const name of ['a', 'b', 'c']) await addRow(name);
  const picky = recordingPublisher((name) => name !== 'b');
  expect(await relay(picky.publisher)).toEqual({ published: 2, failed: 1 });
  expect(await unpublished()).toEqual(['b']);
  const { publisher, names } = recordingPublisher();
  expect(await relay(publisher)).toEqual({ published: 1, failed: 0 });
  expect(names()).toEqual(['b']);
});

test('the bus being away holds up no doorbell, and loses nothing', async () => {
  await addRow('event');
  await addRow('doorbell', 1);
  const { publisher } = recordingPublisher();
  const cutOff: Publisher = { ...publisher, publishEvents: () => Promise.reject(new Error('away')) };
  expect(await relay(cutOff)).toEqual({ published: 1, failed: 1 });
  expect(await unpublished()).toEqual(['event']);
});

test('two relays at once send each row once', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `row-${index}`);
  for (const name of names) await addRow(name);
  const { publisher, names: sent } = recordingPublisher();
  await Promise.all([relay(publisher, 30), relay(publisher, 30), relay(publisher, 30)]);
  await relay(publisher);
  expect(sent().toSorted()).toEqual(names.toSorted());
});

test('a relay that died after claiming blocks its rows only until the claim runs out', async () => {
  await addRow('claimed');
  const setClaim = (offset: string) =>
    store.app.query(
      `update events set claimed_until = clock_timestamp() + $1::interval where published_at is null`,
      [offset],
    );
  const { publisher } = recordingPublisher();
  await setClaim('10 seconds');
  expect(await relay(publisher)).toEqual({ published: 0, failed: 0 });
  await setClaim('-1 second');
  expect(await relay(publisher)).toEqual({ published: 1, failed: 0 });
});

test('the limit takes the oldest', async () => {
  for (const name of ['first', 'second', 'third']) await addRow(name);
  const { publisher } = recordingPublisher();
  await relay(publisher, 2);
  expect(await unpublished()).toEqual(['third']);
});

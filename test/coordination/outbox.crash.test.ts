/** E1: a relay may die at any moment; nothing is lost, and repeats carry the same id. */

import { beforeEach, expect, test } from '@jest/globals';
import { relayOutbox } from '../../shared/coordination/outbox.ts';
import type { Publisher } from '../../shared/coordination/queues.ts';
import type { Database } from '../../shared/platform/db.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';

const database = withDatabase();
const api = testApi(() => database.app);
const now = new Date('2026-03-11T12:00:00.000Z');

class Died extends Error {}

/** The store as a process sees it that dies before its n-th statement takes effect. */
function dyingStore(statements_max: number): Database {
  let statements = 0;
  return {
    ...database.app,
    query: (text, values) => {
      statements += 1;
      return statements > statements_max ? Promise.reject(new Died()) : database.app.query(text, values);
    },
  };
}

function recorder(onBatch: () => void = () => {}) {
  const ids: string[] = [];
  const publisher: Publisher = {
    publishEvents: async (events) => {
      ids.push(...events.map((event) => (JSON.parse(event.detail) as { id: string }).id));
      onBatch();
      return events.map(() => true);
    },
    ringDoorbells: async (_taskClass, doorbells) => doorbells.map(() => true),
  };
  return { ids, publisher };
}

const relay = (store: Database, publisher: Publisher) => relayOutbox(store, publisher, { limit: 100, now });
const outbox = async () =>
  (
    await database.app.query<{ event_id: string }>(
      `select event_id from events where kind = 'event' and published_at is null order by event_seq`,
    )
  ).map((row) => row.event_id);
const claimsRunOut = () =>
  database.app.query(
    `update events set claimed_until = clock_timestamp() - interval '1 second' where claimed_until is not null`,
  );

let run = 0;
beforeEach(async () => {
  await api.call('operator', 'PUT', '/v1/tenants/tenant/quotas', {});
  await database.app.query('update events set published_at = occurred_at, claimed_until = null');
  // Some thirteen events: more than one batch of ten.
  for (let index = 0; index < 5; index += 1) {
    run += 1;
    const runId = `run-${run}`;
    const as = { tenantId: 'tenant' };
    await api.call(as, 'POST', '/v1/runs', { runId, phase: 'build', budget: { maxCostUSD: 10 } });
    await api.call(as, 'POST', `/v1/tasks/${runId}/cancel`);
  }
});

test('dead between sending and marking: all is sent again, under the same ids', async () => {
  const all = await outbox();
  expect(all.length).toBeGreaterThan(10);
  const first = recorder();
  await expect(relay(dyingStore(1), first.publisher)).rejects.toThrow(Died);
  expect(first.ids).toEqual(all);
  expect(await outbox()).toEqual(all);
  await claimsRunOut();
  const second = recorder();
  await relay(database.app, second.publisher);
  expect(second.ids).toEqual(all);
  expect(await outbox()).toEqual([]);
});

test('dead before claiming: the next relay finds all of it at once', async () => {
  const all = await outbox();
  const first = recorder();
  await expect(relay(dyingStore(0), first.publisher)).rejects.toThrow(Died);
  const second = recorder();
  await relay(database.app, second.publisher);
  expect([first.ids, second.ids]).toEqual([[], all]);
});

test('a publisher that dies in the middle of its batches loses none of them', async () => {
  const all = await outbox();
  let batches = 0;
  const first = recorder(() => {
    batches += 1;
    if (batches === 2) throw new Died();
  });
  await relay(database.app, first.publisher);
  const left = await outbox();
  expect(left).toEqual(all.slice(10));
  const second = recorder();
  await relay(database.app, second.publisher);
  expect(second.ids).toEqual(left);
  expect(await outbox()).toEqual([]);
});

test('while a relay is sending, no other one sends the same rows', async () => {
  const all = await outbox();
  const second = recorder();
  const meanwhile: Promise<unknown>[] = [];
  const first = recorder(() => {
    meanwhile.push(relay(database.app, second.publisher));
  });
  await relay(database.app, first.publisher);
  await Promise.all(meanwhile);
  expect(meanwhile.length).toBeGreaterThan(0);
  expect([first.ids, second.ids]).toEqual([all, []]);
});

test('a call that fails writes neither its change nor its event', async () => {
  const count = async () => (await database.app.query('select 1 from events')).length;
  const before = await count();
  await expect(
    database.app.transaction(async (tx) => {
      await tx.query(`select emit_event('tenant', null, null, 'tenant-throttled', '{}', null, $1)`, [now]);
      throw new Died();
    }),
  ).rejects.toThrow(Died);
  expect(await count()).toBe(before);
});

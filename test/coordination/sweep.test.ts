/** The sweep does each timed duty, once: the clock has decided already, the sweep writes it down. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Publisher } from '../../shared/coordination/queues.ts';
import { testApi, testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';

const database = withDatabase();
let sent: { bus: string[]; doorbells: { taskClass: number; body: string; tenantId: string }[] };
const publisher: Publisher = {
  publishEvents: async (events) => {
    sent.bus.push(...events.map((event) => event.detailType));
    return events.map(() => true);
  },
  ringDoorbells: async (taskClass, doorbells) => {
    sent.doorbells.push(...doorbells.map((doorbell) => ({ taskClass, ...doorbell })));
    return doorbells.map(() => true);
  },
};
const api = testApi(
  () => database.app,
  () => publisher,
);
const as = { tenantId: 'tenant' };

const nothing = {
  unclaimed: 0,
  reclaimed: 0,
  lapsed: 0,
  failed: 0,
  overdue: 0,
  budgetsRolled: 0,
  budgetActions: 0,
  granted: 0,
  preempting: 0,
  rungAgain: 0,
  published: 0,
  publishFailed: 0,
  keysForgotten: 0,
};

const sweep = async () => (await api.call('operator', 'POST', '/v1/sweep')).body;
const task = async (taskId: string) => (await api.call(as, 'GET', `/v1/tasks/${taskId}`)).body;
const start = (runId: string, more: object = {}) =>
  api.call(as, 'POST', '/v1/runs', { runId, phase: 'build', budget: { maxCostUSD: 10 }, ...more });

beforeEach(async () => {
  api.at(testStart);
  await api.call('operator', 'PUT', '/v1/tenants/tenant/quotas', {});
  // Whatever an earlier test has left to do is done before the next one counts.
  await database.admin.query(
    `update events set published_at = occurred_at;
     update tasks set state = 'cancelled', ended_at = now(), quota_held = false, room_until = null, waiting_for = null,
       preempt_deadline = null, promised = false where ended_at is null;
     update runs set live_tasks = 0;
     update pool set cpu = null, memory_gb = null, tasks = null, cpu_used = 0, memory_gb_used = 0, tasks_used = 0;
     update tenants set cpu_in_use = 0, memory_gb_in_use = 0;
     update tenants set cpu_held = 0, memory_gb_held = 0, runs_held = 0, cost_held_usd_nanos = 0`,
  );
  sent = { bus: [], doorbells: [] };
});

test('with nothing due it does nothing', async () => {
  expect(await sweep()).toEqual({ at: testStart.toISOString(), ...nothing });
});

test('a grant that nobody claims in 60 s goes back to its old place, and is granted anew (A11)', async () => {
  await start('unclaimed', { start: 'queue' });
  api.advance(59.999);
  expect(await sweep()).toMatchObject({ unclaimed: 0, granted: 0 });
  api.advance(0.001);
  expect(await sweep()).toMatchObject({ unclaimed: 1, granted: 1 });
  expect(await task('unclaimed')).toMatchObject({ state: 'granted', attempts: 0 });
  const claim = await api.call(as, 'POST', '/v1/tasks/unclaimed/claim', {});
  expect(claim.body.lease.epoch).toBe(2);
});

test('a preempted task that has not left by its deadline is reclaimed (P4)', async () => {
  await start('stubborn', { leaseSeconds: 3600 });
  await api.call('operator', 'POST', '/v1/tasks/stubborn/preempt', { reason: 'drain' });
  api.advance(29.999);
  expect((await sweep()).reclaimed).toBe(0);
  api.advance(0.001);
  expect((await sweep()).reclaimed).toBe(1);
  expect(await task('stubborn')).toMatchObject({ preemptions: 1 });
});

test('a lapsed lease requeues three times, then the task fails (A12)', async () => {
  await start('silent', { leaseSeconds: 10 });
  for (const attempts of [1, 2, 3]) {
    api.advance(9.999);
    expect((await sweep()).lapsed).toBe(0);
    api.advance(0.001);
    expect(await sweep()).toMatchObject({ lapsed: 1, failed: 0, granted: 1 });
    expect(await task('silent')).toMatchObject({ state: 'granted', attempts });
    await api.call(as, 'POST', '/v1/tasks/silent/claim', {});
  }
  api.advance(10);
  expect(await sweep()).toMatchObject({ lapsed: 0, failed: 1, granted: 0 });
  expect(await task('silent')).toMatchObject({ state: 'failed', failCode: 'lease_expired' });
  expect(sent.bus.filter((type) => type === 'lease-expired')).toHaveLength(4);
});

test('tasks of a run past its duration fail, the waiting ones too (B9)', async () => {
  await api.call('operator', 'PUT', '/v1/pool', { cpu: 10, memoryGb: 100 });
  await start('overdue', { budget: { maxCostUSD: 1, maxDurationMs: 5000 }, leaseSeconds: 3600 });
  await api.call(as, 'POST', '/v1/runs/overdue/tasks', { taskId: 'waiting', phase: 'build' });
  api.advance(4.999);
  expect((await sweep()).overdue).toBe(0);
  api.advance(0.001);
  expect((await sweep()).overdue).toBe(2);
  for (const taskId of ['overdue', 'waiting']) {
    expect(await task(taskId)).toMatchObject({ state: 'failed', failCode: 'max_duration' });
  }
});

test('an unanswered doorbell is rung again, on the queue of its class, and not every time (A14)', async () => {
  await start('deaf', { start: 'queue', phase: 'security' });
  await sweep();
  expect(sent.doorbells).toHaveLength(1);
  api.advance(30);
  expect(await sweep()).toMatchObject({ rungAgain: 1 });
  expect(await sweep()).toMatchObject({ rungAgain: 0 });
  expect(sent.doorbells.map(({ taskClass, tenantId }) => [taskClass, tenantId])).toEqual([
    [0, 'tenant'],
    [0, 'tenant'],
  ]);
  expect(sent.doorbells.map(({ body }) => JSON.parse(body))).toEqual(
    Array.from({ length: 2 }, () => ({
      taskId: 'deaf',
      runId: 'deaf',
      tenantId: 'tenant',
      class: 'P0',
      epoch: 1,
      kind: 'start',
    })),
  );
});

test('it sends what the outbox holds, however much', async () => {
  await database.admin.query(
    `insert into events (event_id, kind, tenant_id, detail_type, sequence, body, occurred_at)
     select gen_random_uuid(), 'event', 'tenant', 'run-queued', n, '{}', now() from generate_series(1, 950) n`,
  );
  expect(await sweep()).toMatchObject({ published: 950, publishFailed: 0 });
  expect(sent.bus).toHaveLength(950);
});

test('it forgets idempotency keys that have expired, and keeps the others', async () => {
  await database.admin.query(
    `insert into idempotency_keys (owner, key, route, request_hash, state, created_at, expires_at) values
       ('o', 'old', 'r', 'h', 'in_progress', now(), now() - interval '1 second'),
       ('o', 'new', 'r', 'h', 'in_progress', now(), now() + interval '1 hour')`,
  );
  expect(await sweep()).toMatchObject({ keysForgotten: 1 });
  expect(await database.app.query('select key from idempotency_keys')).toEqual([{ key: 'new' }]);
});

describe('two sweeps', () => {
  test('one after the other: the second finds nothing due', async () => {
    await start('a', { leaseSeconds: 10 });
    await start('b', { start: 'queue' });
    api.advance(61);
    await sweep();
    const { at: _, ...second } = await sweep();
    expect(second).toEqual(nothing);
  });

  test('at once: every duty is done by one of them', async () => {
    await start('c', { leaseSeconds: 10 });
    await start('d', { start: 'queue' });
    api.advance(61);
    const reports = await Promise.all([sweep(), sweep(), sweep()]);
    const sum = (duty: string) => reports.reduce((total, report) => total + report[duty], 0);
    expect({ unclaimed: sum('unclaimed'), lapsed: sum('lapsed'), granted: sum('granted') }).toEqual({
      unclaimed: 1,
      lapsed: 1,
      granted: 2,
    });
  });
});

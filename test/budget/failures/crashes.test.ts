/** What a crash leaves of holds and places: of the store in the middle of a call, or of a runner for good (A12, B3, R3). */

import { afterEach, expect } from '@jest/globals';
import { openDatabase } from '../../../shared/platform/db.ts';
import { type Gate, killAt } from '../../admission/race.ts';
import { type Answer, testApi, testStart } from '../../setup/api.ts';
import { withDatabase } from '../../setup/database.ts';
import { expectInvariants } from '../../setup/invariants.ts';
import { expectNoDrift, worldOf } from '../world.ts';
import { failureTable } from './failure-table.ts';
import { type HeldRun, heldRuns } from './held-run.ts';

const failures = failureTable(import.meta.filename, 'Holds and places lost in a crash', {
  storeGone: {
    seenAt: ['litellm #35569', 'litellm #30460'],
    happened:
      'The store fails while a reservation is settled: the clean-up is lost, and the cost counts twice',
    here: 'a store that dies in the middle of a call, at any lock, leaves what one whole call would have left',
  },
  failsOpen: {
    seenAt: ['litellm #33923', 'litellm #34429'],
    happened: 'Set to fail closed, requests pass unmetered while the store of the reservations is away',
    here: 'without the store nothing starts and nothing is raised, and nothing is held when it is back',
  },
  slots: {
    seenAt: ['litellm #20256', 'litellm #27955', 'litellm #28160', 'hatchet #4494', 'hatchet #4804'],
    happened:
      'Places of parallel requests leak on time-outs until the key is locked out, for more than thirty hours',
    here: 'runners that vanish give their places and their money back, and as many can start again',
  },
  lateCheckpoint: {
    seenAt: ['trigger.dev #1296', 'trigger.dev #1933', 'trigger.dev #2931'],
    happened:
      'The checkpoint comes after the wait is over: the place is never returned, and the run is stuck',
    here: 'a checkpoint after the deadline opens no hold, and the run resumes once',
  },
  falseDeath: {
    seenAt: ['prefect #18942', 'prefect #18839'],
    happened: 'A run that has finished is marked as crashed because its lease could not be renewed',
    here: 'a runner that reports after its end is told that it has ended, is billed, and moves no hold',
  },
});

const database = withDatabase();
const world = worldOf(database);
const { api } = world;
const runs = heldRuns(world, database);

afterEach(async () => {
  await expectNoDrift(database);
  await expectInvariants(database.app, api.now());
  expect(await database.app.query('select * from counter_drift(null)')).toEqual([]);
  api.at(testStart);
});

const sweep = () => api.call('operator', 'POST', '/v1/sweep');
const all = <T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index)));

type MoneyCall = {
  readonly prepare?: (run: HeldRun) => Promise<void>;
  readonly send: (run: HeldRun) => Promise<Answer>;
};

/** Calls that move money, each on a run of 20 USD that has spent 4. */
const calls: Readonly<Record<string, MoneyCall>> = {
  admission: {
    send: ({ tenantId }) =>
      api.call({ tenantId }, 'POST', '/v1/runs', {
        runId: 'second',
        phase: 'plan',
        budget: { maxCostUSD: 4 },
      }),
  },
  report: { send: ({ tenantId, runId }) => world.report(tenantId, runId, { eventId: 'more', costUSD: 5 }) },
  raise: { send: ({ tenantId, runId }) => world.setBudget(tenantId, runId, 23) },
  complete: { send: ({ post }) => post('complete', { epoch: 1, outcome: 'completed' }) },
  cancel: { send: ({ post }) => post('cancel', {}) },
  'the checkpoint that pauses': {
    prepare: (run) => run.orderPause(),
    send: ({ post }) => post('checkpoints', { epoch: 1, sequence: 1, data: {} }),
  },
  'the sweep that pauses': {
    prepare: async (run) => {
      await run.orderPause();
      api.advance(31);
    },
    send: sweep,
  },
};
const gates: readonly Gate[] = ['pool', 'runs', 'tasks', 'events'];

for (const [name, { prepare = async () => {}, send }] of Object.entries(calls)) {
  failures.test(
    'storeGone',
    async () => {
      const slug = name.replaceAll(/\W+/g, '-');
      const whole = await runs.start(`whole-${slug}`, {});
      await prepare(whole);
      expect((await send(whole)).status).toBeLessThan(300);
      const expected = await whole.held();
      let died = 0;
      for (const gate of gates) {
        const run = await runs.start(`dies-${slug}-${gate}`, {});
        await prepare(run);
        const before = await run.held();
        const { answer, killed } = await killAt(database, gate, () => send(run));
        if (killed) {
          died += 1;
          expect({ gate, answer }).toMatchObject({ answer: { value: { status: 503 } } });
          expect([before, expected]).toContainEqual(await run.held());
        }
        expect((await send(run)).status).toBeLessThan(300);
        expect({ gate, held: await run.held() }).toEqual({ gate, held: expected });
      }
      expect(died).toBeGreaterThan(0);
    },
    name,
  );
}

failures.test('failsOpen', async () => {
  const run = await runs.account('closed');
  const away = openDatabase({ connectionString: 'postgres://nobody@127.0.0.1:1/nowhere' });
  const offline = testApi(() => away);
  const caller = { tenantId: run.tenantId };
  const body = { runId: 'run', phase: 'plan', budget: { maxCostUSD: 1 } };
  const without = await Promise.all([
    offline.call(caller, 'POST', '/v1/runs', body),
    offline.call(caller, 'PUT', '/v1/runs/run/budget', { maxCostUSD: 2, reason: 'more' }),
    offline.call(caller, 'POST', '/v1/runs/run/costs', { events: [{ eventId: 'e', costUSD: 1 }] }),
  ]);
  expect(without.map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(without.every(({ headers }) => Number(headers['retry-after']) > 0)).toBe(true);
  await away.close();
  expect(await run.held()).toEqual({ tenant: 0, org: 0, open: 0 });
  expect((await api.call(caller, 'POST', '/v1/runs', body)).status).toBe(201);
});

failures.test('slots', async () => {
  const run = await runs.account('vanished', { concurrentRuns: { limit: 3 } });
  const ask = (runId: string) =>
    api.call({ tenantId: run.tenantId }, 'POST', '/v1/runs', {
      runId,
      phase: 'plan',
      budget: { maxCostUSD: 8 },
      leaseSeconds: 60,
    });
  const first = ['a', 'b', 'c'];
  for (const runId of first) expect((await ask(runId)).status).toBe(201);
  expect((await ask('early')).status).toBe(429);
  // Each is granted again three times, and nobody ever comes.
  for (let minute = 0; minute < 12; minute += 1) {
    api.advance(61);
    await all(2, sweep);
    await all(3, (index) =>
      api.call({ tenantId: run.tenantId }, 'POST', `/v1/tasks/${first[index]}/claim`, { leaseSeconds: 60 }),
    );
  }
  expect(await run.held()).toEqual({ tenant: 0, org: 0, open: 0 });
  const again = await all(3, (index) => ask(`again-${index}`));
  expect(again.map(({ status }) => status)).toEqual([201, 201, 201]);
});

failures.test('lateCheckpoint', async () => {
  const run = await runs.start('late', {});
  await run.orderPause();
  api.advance(31);
  await sweep();
  await all(3, () => run.post('checkpoints', { epoch: 1, sequence: 1, data: {} }));
  await run.expectReleasedOnce();
  const raised = await all(3, () => world.setBudget(run.tenantId, run.runId, 22));
  expect(raised.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(await world.events(run.tenantId, 'run-resumed')).toHaveLength(1);
  expect(await run.held()).toEqual({ tenant: 3, org: 3, open: 1 });
  expect(await run.post('claim', { leaseSeconds: 60 })).toMatchObject({ body: { lease: { epoch: 2 } } });
  expect(await run.post('checkpoints', { epoch: 1, sequence: 2, data: {} })).toMatchObject({ status: 409 });
  expect(await run.held()).toEqual({ tenant: 3, org: 3, open: 1 });
});

failures.test('falseDeath', async () => {
  const run = await runs.start('finished', {});
  await run.post('complete', { epoch: 1, outcome: 'completed' });
  api.advance(500);
  const beats = await all(5, () => run.post('heartbeat', { epoch: 1 }));
  expect(beats.map(({ status, body }) => [status, body.directive.action])).toEqual(
    Array(5).fill([200, 'stop']),
  );
  await all(5, () => world.report(run.tenantId, run.runId, { eventId: 'late', costUSD: 2 }));
  await sweep();
  expect(await world.taskState(run.tenantId, run.runId)).toBe('completed');
  expect(await world.usage(run.tenantId)).toMatchObject({ spentUSD: 6, heldUSD: 0 });
  await run.expectReleasedOnce();
});

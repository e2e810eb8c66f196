/** Money that nobody uses and nobody gets back: reserved by what has ended, crashed or never began (A12, B3). */

import { afterEach, expect } from '@jest/globals';
import { testStart } from '../../setup/api.ts';
import { withDatabase } from '../../setup/database.ts';
import { expectInvariants } from '../../setup/invariants.ts';
import { expectNoDrift, worldOf } from '../world.ts';
import { failureTable } from './failure-table.ts';
import { type HeldRun, heldRuns } from './held-run.ts';

const failures = failureTable(import.meta.filename, 'Phantom holds that block good users', {
  neverReleased: {
    seenAt: ['litellm #27639', 'litellm #29493', 'litellm #39851'],
    happened:
      'A reservation is not taken back on some ways out: the counter climbs, users far below their budget are refused, and a switch to turn reservations off is the cure',
    here: 'whichever way a run ends, its hold is gone once, and a newcomer gets the money to the last nano-dollar',
  },
  clientGone: {
    seenAt: ['litellm #30519', 'litellm #30522'],
    happened:
      'The client disconnects and the reservation stays: 805.80 "spent" of 800, while it was about 280',
    here: 'a caller that never hears the answer leaves one hold, which it finds again or which ends by the clock',
  },
  doubled: {
    seenAt: ['litellm #36926', 'litellm #40050'],
    happened: 'In one process the enforced figure doubles: 111.29 against 55.74 that were spent',
    here: 'the figures that refuse are those of ledger and holds, after any number of repeats',
  },
  eatsAnother: {
    seenAt: ['litellm #39309'],
    happened: 'A request that one limit refuses still counts against another',
    here: 'a refusal takes nothing on any level, of any resource',
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

/** Ways that a run of 20 USD which has spent 4 gives up its hold, each told as often as it can be told. */
const waysOut: Readonly<Record<string, (run: HeldRun) => Promise<void>>> = {
  completes: async ({ post }) =>
    void (await all(3, () => post('complete', { epoch: 1, outcome: 'completed' }))),
  fails: async ({ post }) => void (await all(3, () => post('complete', { epoch: 1, outcome: 'failed' }))),
  'is cancelled': async ({ post }) => void (await all(3, () => post('cancel', {}))),
  'completes while it is cancelled': async ({ post }) =>
    void (await all(6, (index) =>
      index % 2 === 0 ? post('cancel', {}) : post('complete', { epoch: 1, outcome: 'completed' }),
    )),
  'lets its lease lapse four times': async ({ post }) => {
    for (let lapse = 0; lapse < 4; lapse += 1) {
      api.advance(61);
      await all(3, sweep);
      if (lapse < 3) expect(await post('claim', { leaseSeconds: 60 })).toMatchObject({ status: 200 });
    }
  },
  'outlives its duration': async ({ post }) => {
    for (let minute = 0; minute < 61; minute += 20) {
      expect(await post('heartbeat', { epoch: 1 })).toMatchObject({ status: 200 });
      api.advance(1201);
    }
    await all(3, sweep);
  },
  'pauses with its checkpoint': async (run) => {
    await run.orderPause();
    await all(3, () => run.post('checkpoints', { epoch: 1, sequence: 1, data: {} }));
  },
  'is to pause and says nothing': async (run) => {
    await run.orderPause();
    api.advance(31);
    await all(3, sweep);
  },
  'is paused while its lease has lapsed': async (run) => {
    api.advance(61);
    await run.orderPause();
    await all(3, sweep);
  },
  'is cancelled on its way to a pause': async (run) => {
    await run.orderPause();
    await all(3, () => run.post('cancel', {}));
  },
  'is cancelled in line, after a preemption': async ({ tenantId, runId, post }) => {
    expect(
      await api.call('operator', 'PUT', '/v1/pool', { cpu: null, memoryGb: null, tasks: 0 }),
    ).toMatchObject({
      status: 200,
    });
    const reason = { reason: 'make room' };
    expect(
      await api.call('operator', 'POST', `/v1/tasks/${runId}/preempt?tenantId=${tenantId}`, reason),
    ).toMatchObject({
      status: 200,
    });
    await post('checkpoints', { epoch: 1, sequence: 1, data: {} });
    await all(3, () => post('cancel', {}));
    await api.call('operator', 'PUT', '/v1/pool', { cpu: null, memoryGb: null });
  },
  'is cancelled after it was paused': async (run) => {
    await run.orderPause();
    await run.post('checkpoints', { epoch: 1, sequence: 1, data: {} });
    await all(3, () => run.post('cancel', {}));
  },
};

for (const [way, leave] of Object.entries(waysOut)) {
  failures.test(
    'neverReleased',
    async () => {
      const leaseSeconds = way === 'outlives its duration' ? 3600 : 60;
      const budget = { maxCostUSD: 20, maxDurationMs: 3_600_000 };
      const run = await runs.start(way.replaceAll(/\W+/g, '-'), { leaseSeconds, budget });
      expect(await run.fillUp('too-soon', 0.000000001)).toMatchObject({ status: 402 });
      await leave(run);
      await run.expectReleasedOnce();
      expect(await run.fillUp('newcomer', 0)).toMatchObject({ status: 201 });
    },
    `one that ${way}`,
  );
}

failures.test(
  'neverReleased',
  async () => {
    const run = await runs.start('by-the-clock', {});
    // A lease of 60 s and a grace of 300 s; nobody sweeps.
    api.advance(359);
    expect(await run.fillUp('too-soon', 0.000000001)).toMatchObject({ status: 402 });
    api.advance(2);
    expect(await run.fillUp('newcomer', 0)).toMatchObject({ status: 201 });
    await all(3, sweep);
    await run.expectReleasedOnce(['newcomer']);
  },
  'one whose runner crashed, with no sweep to see it',
);

failures.test('clientGone', async () => {
  const run = await runs.account('unheard');
  const key = { 'idempotency-key': 'first-try' };
  const body = { phase: 'build', budget: { maxCostUSD: 20 }, leaseSeconds: 60 };
  const ask = () => api.call({ tenantId: run.tenantId }, 'POST', '/v1/runs', body, key);
  const [first] = await all(10, ask);
  api.advance(20);
  expect((await ask()).body.runId).toBe(first?.body.runId);
  expect(await run.held()).toEqual({ tenant: 20, org: 20, open: 1 });
  // Never asked for again: its lease of 60 s and its grace of 300 s are over.
  api.advance(360);
  expect(await run.fillUp('newcomer', 0)).toMatchObject({ status: 201 });
});

failures.test('doubled', async () => {
  const run = await runs.account('derived');
  const ask = (runId: string, maxCostUSD: number) =>
    api.call({ tenantId: run.tenantId }, 'POST', '/v1/runs', {
      runId,
      phase: 'plan',
      budget: { maxCostUSD },
    });
  for (const [runId, costUSD] of [
    ['a', 1.1],
    ['b', 2.2],
    ['c', 0.3],
  ] as const) {
    const answers = await all(20, () => ask(runId, 4));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    await all(20, () => world.report(run.tenantId, runId, { eventId: 'e', costUSD }));
    if (runId !== 'c') await all(5, () => world.complete(run.tenantId, runId));
  }
  // Settled 3.6; of c's 4 USD 3.7 are left; of 24 that leaves 16.7.
  const { body } = await ask('too-much', 16.700000001);
  const figures = { limit: 24, used: 3.6, held: 3.7, asked: 16.700000001 };
  expect(body.reasons).toMatchObject([
    { level: 'tenant', ...figures },
    { level: 'org', ...figures },
  ]);
  expect((await ask('just-right', 16.7)).status).toBe(201);
});

failures.test('eatsAnother', async () => {
  const run = await runs.account('eaten', { cpu: { limit: 4 }, concurrentRuns: { limit: 3 } });
  const ask = (runId: string, cpu: number, maxCostUSD: number) =>
    api.call({ tenantId: run.tenantId }, 'POST', '/v1/runs', {
      runId,
      phase: 'plan',
      resources: { cpu, memoryGb: 1 },
      budget: { maxCostUSD },
    });
  expect((await ask('first', 2, 20)).status).toBe(201);
  const before = await api.call({ tenantId: run.tenantId }, 'GET', `/v1/tenants/${run.tenantId}/usage`);
  const refused = await all(30, (index) =>
    index % 2 === 0 ? ask(`poor-${index}`, 1, 4.000000001) : ask(`big-${index}`, 5, 4),
  );
  expect(refused.every(({ status }) => [402, 429].includes(status))).toBe(true);
  const after = await api.call({ tenantId: run.tenantId }, 'GET', `/v1/tenants/${run.tenantId}/usage`);
  expect(after.body).toEqual(before.body);
  expect(await run.held()).toEqual({ tenant: 20, org: 20, open: 1 });
  expect((await ask('second', 2, 4)).status).toBe(201);
});

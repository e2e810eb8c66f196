/** What is booked is not what was spent: twice, not at all, or as zero (B1 to B3). */

import { afterEach, expect } from '@jest/globals';
import { type Fault, killAt, watched } from '../../admission/race.ts';
import { type Answer, testApi, testStart } from '../../setup/api.ts';
import { withDatabase } from '../../setup/database.ts';
import { expectNoDrift, worldOf } from '../world.ts';
import { failureTable } from './failure-table.ts';

const failures = failureTable(import.meta.filename, 'Ledgers that do not match the bill', {
  doubleRows: {
    seenAt: ['litellm #15740', 'litellm #17814'],
    happened: 'One call is written to the spend log twice, under ids that nobody can tell apart',
    here: 'an event told thirty times at once, alone and in batches of any order, is booked once',
  },
  missingRows: {
    seenAt: ['litellm #13280'],
    happened: 'Eight calls in the log, nine on the bill of the provider',
    here: 'every event that was acknowledged is in the ledger, and the counters of all levels are its sum',
  },
  badLine: {
    seenAt: ['litellm #35358', 'litellm #37457'],
    happened:
      'The cost of a finished batch is never written, silently: one line without a body makes it zero',
    here: 'one bad event of five hundred is refused by name, and the others are booked',
  },
  failedCalls: {
    seenAt: ['litellm #37365'],
    happened: 'Calls that failed are billed by the provider and logged as zero',
    here: 'what a run cost is booked however it ended: failed, cancelled, with a lease that was lost',
  },
  afterTheGrace: {
    seenAt: ['cycles'],
    happened:
      'A commit after the time of grace is refused, and of the amount above the reservation part is not booked',
    here: 'the whole cost is booked, above the hold, after the hold has ended and over the limit of every level',
  },
  unsure: {
    seenAt: ['litellm #35569'],
    happened: 'After a failure nobody knows whether the cost was counted: it is counted again',
    here: 'a report whose store died, at any lock, is repeated until it is heard, and counts once',
  },
  moved: {
    seenAt: ['B6'],
    happened:
      'Money is counted on two levels that are locked in no order: changes of both at once stand still for each other',
    here: 'a tenant that changes its organisation while it reports meets no deadlock, and each cost is on one of them',
  },
  rounding: {
    seenAt: ['litellm #36592'],
    happened: 'Counters are binary fractions: 0.00054999999999995 where 0.00055 was spent',
    here: 'ten thousand tenths of a cent are ten dollars',
  },
});

const database = withDatabase();
const world = worldOf(database);
const { api } = world;

afterEach(async () => {
  api.at(testStart);
  await expectNoDrift(database);
  expect(await database.app.query('select * from counter_drift(null)')).toEqual([]);
});

const times = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A tenant of an organisation, and what run, tenant and organisation say has been spent. */
async function family(name: string, limitUSD = 1000) {
  await api.call('operator', 'PUT', `/v1/orgs/of-${name}/budget`, { limitUSD, reason: 'contract' });
  await world.setQuotas(name, { orgId: `of-${name}`, cost: { limitUSD } });
  return {
    /** One figure when all levels and the ledger agree. */
    async spentUSD(): Promise<number[]> {
      const runs = (await api.call({ tenantId: name }, 'GET', '/v1/runs')).body.items as { runId: string }[];
      const results = await Promise.all(
        runs.map(async ({ runId }) => (await api.call({ tenantId: name }, 'GET', `/v1/runs/${runId}`)).body),
      );
      const ofRuns = results.reduce((sum, { costs }) => sum + Math.round(costs.totalUSD * 1e9), 0) / 1e9;
      const { spentUSD: ofTenant } = await world.usage(name);
      const { spentUSD: ofOrg } = (await api.call('operator', 'GET', `/v1/orgs/of-${name}/budget`)).body;
      const [row] = await database.app.query<{ usd: number }>(
        'select (sum(cost_usd_nanos) / 1e9)::float8 as usd from cost_events where tenant_id = $1',
        [name],
      );
      return [...new Set([ofRuns, ofTenant, ofOrg, row?.usd ?? 0])];
    },
  };
}

failures.test('doubleRows', async () => {
  const { spentUSD } = await family('double');
  await world.start('double', 'run', 100);
  const batch = times(20).map((index) => ({ eventId: `e${index}`, costUSD: 0.1 }));
  const answers = await Promise.all(
    times(30).map((round) => {
      const from = round % 20;
      const events = [...batch.slice(from), ...batch.slice(0, from)].slice(0, 1 + (round % 7) * 3);
      return world.report('double', 'run', ...(round % 2 === 0 ? events : events.toReversed()), ...events);
    }),
  );
  const rest = await world.report('double', 'run', ...batch);
  const accepted = [...answers, rest].reduce((sum, { body }) => sum + body.accepted, 0);
  expect(accepted).toBe(20);
  expect(await spentUSD()).toEqual([2]);
});

failures.test('missingRows', async () => {
  const { spentUSD } = await family('missing');
  for (const run of times(4)) await world.start('missing', `run-${run}`, 100);
  const tell = (index: number) =>
    world.report('missing', `run-${index % 4}`, { eventId: `e${index}`, costUSD: 0.001 * (1 + (index % 9)) });
  // What was not acknowledged is told again, as a reporter would.
  let untold = times(200);
  for (let round = 0; round < 10 && untold.length > 0; round += 1) {
    const answers = await Promise.all(untold.map(tell));
    untold = untold.filter((_, place) => answers[place]?.status !== 200);
  }
  expect(untold).toEqual([]);
  const [row] = await database.app.query(
    `select count(*) as rows from cost_events where tenant_id = 'missing'`,
  );
  expect(row).toEqual({ rows: 200n });
  // 22 rounds of 1 to 9, and 1 and 2, in thousandths.
  expect(await spentUSD()).toEqual([0.993]);
});

failures.test('badLine', async () => {
  const { spentUSD } = await family('batch');
  await world.start('batch', 'run', 100);
  const events = times(500).map((index) => ({ eventId: `line-${index}`, costUSD: 0.01 }));
  const bad = [
    { eventId: 'line-17' },
    { eventId: 'line-17b', costUSD: -1 },
    {
      eventId: 'line-17c',
      model: 'gpt-4o',
      usage: { inputTokens: 1, cachedInputTokens: 2, outputTokens: 1 },
    },
  ];
  const { body } = await world.report('batch', 'run', ...events.slice(0, 17), ...bad, ...events.slice(20));
  expect(body).toMatchObject({ accepted: 497, duplicates: 0 });
  expect(body.rejected.map(({ eventId }: { eventId: string }) => eventId)).toEqual(
    bad.map(({ eventId }) => eventId),
  );
  expect(await spentUSD()).toEqual([4.97]);
});

failures.test('failedCalls', async () => {
  const { spentUSD } = await family('failed');
  const ends = {
    fails: (runId: string) =>
      api.call({ tenantId: 'failed' }, 'POST', `/v1/tasks/${runId}/complete`, {
        epoch: 1,
        outcome: 'failed',
      }),
    cancelled: (runId: string) => api.call({ tenantId: 'failed' }, 'POST', `/v1/tasks/${runId}/cancel`),
  };
  for (const [runId, end] of Object.entries(ends)) {
    await world.start('failed', runId, 10);
    await Promise.all([
      end(runId),
      ...times(5).map((index) =>
        world.report('failed', runId, { eventId: `e${index}`, taskId: runId, costUSD: 0.2 }),
      ),
    ]);
  }
  await world.start('failed', 'lost', 10, { leaseSeconds: 60 });
  api.advance(61);
  await api.call('operator', 'POST', '/v1/sweep');
  await api.call({ tenantId: 'failed' }, 'POST', '/v1/tasks/lost/claim', { leaseSeconds: 60 });
  const stale = await world.report('failed', 'lost', {
    eventId: 'e',
    taskId: 'lost',
    epoch: 1,
    costUSD: 0.5,
  });
  expect(stale.body).toMatchObject({ accepted: 1 });
  expect(await spentUSD()).toEqual([2.5]);
});

failures.test('afterTheGrace', async () => {
  const { spentUSD } = await family('grace', 10);
  await world.start('grace', 'run', 10, { leaseSeconds: 60 });
  await world.report('grace', 'run', { eventId: 'above', costUSD: 25 });
  api.advance(3600);
  await api.call('operator', 'POST', '/v1/sweep');
  await world.report('grace', 'run', { eventId: 'expired', costUSD: 3 });
  await api.call({ tenantId: 'grace' }, 'POST', '/v1/tasks/run/cancel');
  api.advance(86_400);
  await world.report('grace', 'run', { eventId: 'next-day', costUSD: 4 });
  expect(await spentUSD()).toEqual([32]);
  expect(await world.usage('grace')).toMatchObject({ heldUSD: 0 });
});

failures.test('unsure', async () => {
  const { spentUSD } = await family('unsure');
  await world.start('unsure', 'run', 100);
  const report = () =>
    world.report(
      'unsure',
      'run',
      { eventId: 'e', taskId: 'run', costUSD: 60 },
      { eventId: 'f', costUSD: 30 },
    );
  for (const gate of ['runs', 'tasks', 'events'] as const) {
    const { answer, killed } = await killAt(database, gate, report);
    expect({ gate, killed, answer }).toMatchObject({ killed: true, answer: { value: { status: 503 } } });
    expect(await spentUSD()).toEqual([0]);
  }
  await Promise.all(times(10).map(report));
  expect(await spentUSD()).toEqual([90]);
});

failures.test('moved', async () => {
  const orgs = ['old', 'new'];
  for (const orgId of orgs) {
    await api.call('operator', 'PUT', `/v1/orgs/${orgId}/budget`, { limitUSD: 1000, reason: 'contract' });
  }
  await world.setQuotas('mover', { orgId: 'old' });
  await world.start('mover', 'run', 200);
  const faults: Fault[] = [];
  const watchedApi = testApi(() => watched(database.app, faults));
  const heard = async (call: () => Promise<Answer>) => {
    for (let round = 0; round < 50; round += 1) if ((await call()).status === 200) return true;
    return false;
  };
  const report = (index: number) => () =>
    watchedApi.call({ tenantId: 'mover' }, 'POST', '/v1/runs/run/costs', {
      events: [{ eventId: `e${index}`, costUSD: 1 }],
    });
  const move = (index: number) => () =>
    watchedApi.call('operator', 'PUT', '/v1/tenants/mover/quotas', { orgId: orgs[index % 2] });
  // Twelve that report five times each, beside one that moves the tenant to and fro.
  const reporters = times(12).map(async (place) => {
    for (const turn of times(5)) expect(await heard(report(place * 5 + turn))).toBe(true);
  });
  const mover = async () => {
    for (const turn of times(15)) expect(await heard(move(turn))).toBe(true);
  };
  await Promise.all([...reporters, mover()]);
  // A call that was overtaken is given up at once; none waits until the store breaks a deadlock.
  expect(faults.filter((fault) => !fault.includes('just changed its organisation'))).toEqual([]);
  const spent = await Promise.all(
    orgs.map(async (orgId) => (await api.call('operator', 'GET', `/v1/orgs/${orgId}/budget`)).body.spentUSD),
  );
  expect(spent.reduce((sum, usd) => sum + usd, 0)).toBe(60);
});

failures.test('rounding', async () => {
  const { spentUSD } = await family('tenths');
  await world.start('tenths', 'run', 100);
  await Promise.all(
    times(20).map((batch) =>
      world.report(
        'tenths',
        'run',
        ...times(500).map((index) => ({ eventId: `${batch}-${index}`, costUSD: 0.001 })),
      ),
    ),
  );
  expect(await spentUSD()).toEqual([10]);
});

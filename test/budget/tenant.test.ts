/** B6: a tenant's cost quota is a budget with the same thresholds and alerts. */

import { afterEach, expect, test } from '@jest/globals';
import { testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(async () => {
  world.api.at(testStart);
  await expectNoDrift(database);
});

let reports = 0;
const spend = (tenantId: string, runId: string, costUSD: number) => {
  reports += 1;
  return world.report(tenantId, runId, {
    eventId: `e${reports}`,
    costUSD,
    ...(costUSD < 0 ? { kind: 'correction' } : {}),
  });
};
const tenantAlerts = async (tenantId: string) =>
  (await world.events(tenantId, 'budget-alert')).filter((event) => event.run_id === null);
const thresholds = async (tenantId: string) =>
  (await tenantAlerts(tenantId)).map((event) => event.data.threshold);

/** A tenant of 100 USD with two runs that could each spend half of it, so that dollars are percents. */
async function tenant(tenantId: string, quotas: object = {}) {
  await world.setQuotas(tenantId, { cost: { limitUSD: 100 }, ...quotas });
  await world.start(tenantId, 'a', 49);
  await world.start(tenantId, 'b', 49);
}

test('the spending of all runs together fires 50, 80 and 95, each once and in order', async () => {
  await tenant('sum');
  await spend('sum', 'a', 25);
  await spend('sum', 'b', 24.99);
  expect(await thresholds('sum')).toEqual([]);
  await spend('sum', 'b', 0.01);
  expect(await thresholds('sum')).toEqual([50]);
  await spend('sum', 'a', 46);
  expect(await thresholds('sum')).toEqual([50, 80, 95]);
  await spend('sum', 'b', 10);
  expect(await thresholds('sum')).toEqual([50, 80, 95]);
});

test('a cost that is taken back from the month before and booked on this one counts for this one', async () => {
  await tenant('moved');
  const lastMonth = '2026-02-27T12:00:00Z';
  await world.report('moved', 'a', { eventId: 'wrong', costUSD: 60, occurredAt: lastMonth });
  expect(await thresholds('moved')).toEqual([]);
  await world.report(
    'moved',
    'a',
    { eventId: 'back', costUSD: -60, kind: 'correction', occurredAt: lastMonth },
    { eventId: 'right', costUSD: 60 },
  );
  expect(await thresholds('moved')).toEqual([50]);
});

test('the alert has no run, and says that it is of the tenant', async () => {
  await tenant('told');
  await spend('told', 'a', 50);
  const [alert] = await tenantAlerts('told');
  expect(alert?.data).toEqual({
    scope: 'tenant',
    level: 'warning',
    threshold: 50,
    percentUsed: 50,
    limitUSD: 100,
    spentUSD: 50,
  });
});

test('a hundred parallel reports fire each once', async () => {
  await tenant('storm');
  await Promise.all(
    Array.from({ length: 100 }, (_, index) => spend('storm', index % 2 === 0 ? 'a' : 'b', 1)),
  );
  expect(await thresholds('storm')).toEqual([50, 80, 95]);
});

test('from 95 % on the tenant gets no new holds: no run, no raise; what runs goes on', async () => {
  await tenant('closed');
  await spend('closed', 'a', 47);
  await spend('closed', 'b', 47.9);
  const ask = (runId: string) =>
    world.api.call({ tenantId: 'closed' }, 'POST', '/v1/runs', {
      runId,
      phase: 'build',
      budget: { maxCostUSD: 0.001 },
    });
  expect((await ask('before')).status).toBe(201);
  await spend('closed', 'b', 0.1);
  expect(await ask('after')).toMatchObject({
    status: 402,
    body: { code: 'budget_exhausted', reasons: [{ level: 'tenant', resource: 'cost' }] },
  });
  expect(await world.setBudget('closed', 'a', 49.001)).toMatchObject({ status: 402 });
  const phase = await world.api.call({ tenantId: 'closed' }, 'POST', '/v1/tasks/before/heartbeat', {
    epoch: 1,
  });
  expect(phase.body.directive).toEqual({ action: 'continue' });
});

test('a correction re-arms nothing', async () => {
  await tenant('corrected');
  await spend('corrected', 'a', 50);
  await spend('corrected', 'a', -20);
  await spend('corrected', 'a', 20);
  expect(await thresholds('corrected')).toEqual([50]);
});

test('a raised quota re-arms what is below again, and tells nothing twice', async () => {
  await tenant('raised');
  await spend('raised', 'a', 49);
  await spend('raised', 'b', 36);
  expect(await thresholds('raised')).toEqual([50, 80]);
  await world.setQuotas('raised', { cost: { limitUSD: 150 } });
  expect(await thresholds('raised')).toEqual([50, 80]);
  await spend('raised', 'b', 40);
  expect(await thresholds('raised')).toEqual([50, 80, 80]);
});

test('a lowered quota fires at once', async () => {
  await tenant('lowered');
  await spend('lowered', 'a', 40);
  await world.setQuotas('lowered', { cost: { limitUSD: 49 } });
  expect(await thresholds('lowered')).toEqual([50, 80]);
});

test('a new month re-arms all (B4, B8)', async () => {
  await tenant('monthly');
  await spend('monthly', 'a', 50);
  world.api.at(new Date('2026-03-31T23:59:59.999Z'));
  await spend('monthly', 'b', 1);
  expect(await thresholds('monthly')).toEqual([50]);
  world.api.at(new Date('2026-04-01T00:00:00.000Z'));
  await spend('monthly', 'b', 49);
  expect(await thresholds('monthly')).toEqual([50]);
  await spend('monthly', 'b', 1);
  expect(await thresholds('monthly')).toEqual([50, 50]);
});

test('without a cost quota, or with one of zero, there is nothing to fire', async () => {
  await world.setQuotas('free', {});
  await world.start('free', 'a', 10);
  await spend('free', 'a', 10);
  await world.setQuotas('free', { cost: { limitUSD: 0 } });
  await spend('free', 'a', 1);
  expect(await tenantAlerts('free')).toEqual([]);
});

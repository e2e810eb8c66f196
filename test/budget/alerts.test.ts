/** Percentages that only alert, beside warn, throttle and pause (B4, B6). */

import { afterEach, expect, test } from '@jest/globals';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(() => expectNoDrift(database));

let reports = 0;
const spend = async (tenantId: string, runId: string, costUSD: number) => {
  reports += 1;
  const kind = costUSD < 0 ? { kind: 'correction' } : {};
  return (await world.report(tenantId, runId, { eventId: `e${reports}`, costUSD, ...kind })).body;
};
/** `[threshold, level]` of every alert of the run or, without one, of the tenant. */
const alerts = async (tenantId: string, runId: string | null) =>
  (await world.events(tenantId, 'budget-alert'))
    .filter((event) => event.run_id === runId)
    .map(({ data }) => [data.threshold, data.level]);

/** A run of 100 USD, so that dollars are percents. */
async function run(tenantId: string, percents: readonly number[], quotas: object = {}) {
  await world.setQuotas(tenantId, { thresholds: { alerts: percents }, ...quotas });
  await world.start(tenantId, 'run', 100);
}

test('fire at their percentage and in order with the three, above 100 too', async () => {
  await run('order', [120, 110, 62.5]);
  await spend('order', 'run', 62.499999999);
  expect(await alerts('order', 'run')).toEqual([[50, 'warning']]);
  const { budget } = await spend('order', 'run', 53);
  expect(await alerts('order', 'run')).toEqual([
    [50, 'warning'],
    [62.5, 'warning'],
    [80, 'throttle'],
    [95, 'pause'],
    [110, 'warning'],
  ]);
  expect(budget).toMatchObject({ level: 'pause', firedThresholds: [50, 62.5, 80, 95, 110] });
});

test('alert and do nothing else: no preemption, no pause, and the level stays', async () => {
  await run('quiet', [10, 20, 30]);
  const { budget, directive } = await spend('quiet', 'run', 40);
  expect(budget).toMatchObject({ level: 'ok', firedThresholds: [10, 20, 30] });
  expect(directive).toEqual({ action: 'continue' });
  expect(await world.events('quiet', 'preempt-for-budget', 'run-paused-for-budget')).toEqual([]);
});

test('one that is also warn, throttle or pause fires as that, and once', async () => {
  await run('same', [50, 80]);
  await spend('same', 'run', 80);
  expect(await alerts('same', 'run')).toEqual([
    [50, 'warning'],
    [80, 'throttle'],
  ]);
});

test('each fires once, under parallel reports and after a correction', async () => {
  await run('once', [25, 75]);
  await Promise.all(Array.from({ length: 78 }, () => spend('once', 'run', 1)));
  await spend('once', 'run', -60);
  await spend('once', 'run', 60);
  expect((await alerts('once', 'run')).map(([threshold]) => threshold)).toEqual([25, 50, 75]);
});

test('a raised limit re-arms what is again below, and nothing else', async () => {
  await run('raised', [40, 70]);
  await spend('raised', 'run', 75);
  // 75 of 150 is 50 %.
  const raised = await world.setBudget('raised', 'run', 150);
  expect(raised.body.firedThresholds).toEqual([40, 50]);
  await spend('raised', 'run', 30);
  expect((await alerts('raised', 'run')).map(([threshold]) => threshold)).toEqual([40, 50, 70, 70]);
});

test("a tenant's cost quota alerts at them too (B6)", async () => {
  await run('tenant', [60, 101], { cost: { limitUSD: 200 } });
  await spend('tenant', 'run', 120);
  expect(await alerts('tenant', null)).toEqual([
    [50, 'warning'],
    [60, 'warning'],
  ]);
});

test('are shown sorted, stay when not given, and go with an empty list', async () => {
  const shown = async (thresholds: object) =>
    (await world.api.call('operator', 'PUT', '/v1/tenants/kept/quotas', { thresholds })).body.thresholds;
  expect(await shown({ alerts: [120, 12.5] })).toMatchObject({ warn: 50, alerts: [12.5, 120] });
  expect(await shown({ warn: 40 })).toMatchObject({ warn: 40, alerts: [12.5, 120] });
  expect(await shown({ alerts: [] })).toMatchObject({ warn: 40, alerts: [] });
});

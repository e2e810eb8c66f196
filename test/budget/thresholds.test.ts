import { afterEach, expect, test } from '@jest/globals';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(() => expectNoDrift(database));

/** A fresh tenant with a run of 100 USD, so that dollars are percents. */
async function run(tenantId: string, quotas: object = {}) {
  await world.setQuotas(tenantId, quotas);
  await world.start(tenantId, 'run', 100);
  let count = 0;
  return {
    /** Reports what brings the run's total to `total`. */
    spendTo: async (total: number) => {
      const { spent_usd_nanos: spent } = (
        await database.app.query<{ spent_usd_nanos: bigint }>(
          'select spent_usd_nanos from runs where tenant_id = $1',
          [tenantId],
        )
      )[0] ?? { spent_usd_nanos: 0n };
      const difference = Number(BigInt(Math.round(total * 1e9)) - spent) / 1e9;
      count += 1;
      const answer = await world.report(tenantId, 'run', {
        eventId: `e${count}`,
        costUSD: difference,
        ...(difference < 0 ? { kind: 'correction' } : {}),
      });
      return answer.body.budget;
    },
    alerts: async () =>
      (await world.events(tenantId, 'budget-alert'))
        .filter((event) => event.run_id !== null)
        .map((event) => event.data.threshold),
  };
}

test('a threshold fires at its percentage, not a nano-dollar before (B4)', async () => {
  const { spendTo, alerts } = await run('edge');
  expect(await spendTo(49.999999999)).toMatchObject({ level: 'ok', firedThresholds: [] });
  expect(await spendTo(50)).toMatchObject({ level: 'warning', percentUsed: 50, firedThresholds: [50] });
  expect(await spendTo(79.999999999)).toMatchObject({ level: 'warning', firedThresholds: [50] });
  expect(await spendTo(80)).toMatchObject({ level: 'throttle', firedThresholds: [50, 80] });
  expect(await spendTo(94.999999999)).toMatchObject({ level: 'throttle', firedThresholds: [50, 80] });
  expect(await spendTo(95)).toMatchObject({ level: 'pause', firedThresholds: [50, 80, 95] });
  expect(await spendTo(200)).toMatchObject({ level: 'pause', percentUsed: 200 });
  expect(await alerts()).toEqual([50, 80, 95]);
});

test('a jump from 40 to 96 fires 50, 80 and 95 in order, each with its event (B4, B5)', async () => {
  const { spendTo } = await run('jump');
  await spendTo(40);
  await spendTo(96);
  const types = ['budget-alert', 'preempt-for-budget', 'run-paused-for-budget'];
  const events = await world.events('jump', ...types);
  expect(events.map(({ detail_type, data }) => [detail_type, data.threshold])).toEqual([
    ['budget-alert', 50],
    ['budget-alert', 80],
    ['preempt-for-budget', 80],
    ['budget-alert', 95],
    ['run-paused-for-budget', 95],
  ]);
  expect(events[0]?.data).toMatchObject({
    runId: 'run',
    level: 'warning',
    percentUsed: 96,
    limitUSD: 100,
    spentUSD: 96,
  });
  expect(events[2]?.data).toMatchObject({ taskId: 'run', runId: 'run', reason: 'budget_exceeded' });
  expect(events[4]?.data).toMatchObject({ runId: 'run', timestamp: world.api.now().toISOString() });
  // Each order names the alert that caused it.
  expect(events[2]?.cause_id).toBe(events[1]?.event_id);
  expect(events[4]?.cause_id).toBe(events[3]?.event_id);
});

test('a hundred parallel events fire each threshold once (B4)', async () => {
  const { alerts } = await run('storm');
  await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      world.report('storm', 'run', { eventId: `p${index}`, costUSD: 1 }),
    ),
  );
  expect(await alerts()).toEqual([50, 80, 95]);
  const fired = await database.app.query<{ threshold: string }>(
    `select threshold::text from budget_events where tenant_id = 'storm' order by threshold`,
  );
  expect(fired.map((row) => Number(row.threshold))).toEqual([50, 80, 95]);
});

test('a correction downward fires nothing, and the way up again fires nothing twice (B4)', async () => {
  const { spendTo, alerts } = await run('seesaw');
  await spendTo(85);
  expect(await spendTo(30)).toMatchObject({ level: 'ok', firedThresholds: [50, 80] });
  await spendTo(85);
  expect(await alerts()).toEqual([50, 80]);
});

test('a raised limit re-arms what is again below, and nothing else (B4)', async () => {
  const { spendTo, alerts } = await run('raised');
  await spendTo(85);
  expect(await alerts()).toEqual([50, 80]);
  const raised = await world.setBudget('raised', 'run', 150);
  // 85 of 150 is 57 %: 50 is still reached and stays fired, 80 may fire again.
  expect(raised.body).toMatchObject({ level: 'warning', firedThresholds: [50], version: 2 });
  expect(await alerts()).toEqual([50, 80]);
  await spendTo(119.99);
  expect(await alerts()).toEqual([50, 80]);
  await spendTo(120);
  expect(await alerts()).toEqual([50, 80, 80]);
});

test('a raise far enough re-arms all', async () => {
  const { spendTo, alerts } = await run('doubled');
  await spendTo(96);
  expect((await world.setBudget('doubled', 'run', 1000)).body).toMatchObject({
    level: 'ok',
    firedThresholds: [],
  });
  await spendTo(960);
  expect(await alerts()).toEqual([50, 80, 95, 50, 80, 95]);
});

test('a lowered limit fires at once (B4)', async () => {
  const { spendTo, alerts } = await run('lowered');
  await spendTo(45);
  const lowered = await world.setBudget('lowered', 'run', 50);
  expect(lowered.body).toMatchObject({
    limitUSD: 50,
    percentUsed: 90,
    level: 'throttle',
    firedThresholds: [50, 80],
    version: 2,
  });
  expect(await alerts()).toEqual([50, 80]);
});

test('setting the same limit again fires nothing again', async () => {
  const { spendTo, alerts } = await run('same');
  await spendTo(60);
  await world.setBudget('same', 'run', 100);
  await spendTo(61);
  expect(await alerts()).toEqual([50]);
});

test("a tenant's own percentages rule (B4)", async () => {
  const { spendTo, alerts } = await run('own', { thresholds: { warn: 10, throttle: 20, pause: 30.5 } });
  await spendTo(10);
  expect(await alerts()).toEqual([10]);
  expect(await spendTo(30.5)).toMatchObject({ level: 'pause', firedThresholds: [10, 20, 30.5] });
});

test('a limit that is next to nothing fires all three, and every figure is finite', async () => {
  await world.setQuotas('tiny', { cost: { limitUSD: 1e-9 } });
  await world.start('tiny', 'run', 1e-9);
  const { status, body } = await world.report('tiny', 'run', { eventId: 'e', costUSD: 1_000_000 });
  expect(status).toBe(200);
  // 1,000,000 of 0.000000001 USD.
  expect(body.budget).toMatchObject({ level: 'pause', percentUsed: 1e17, firedThresholds: [50, 80, 95] });
});

test('budget_events tells when each fired, under which version', async () => {
  const { spendTo } = await run('told');
  await spendTo(50);
  world.api.advance(5);
  await spendTo(80);
  const rows = await database.app.query<{ level: string; budget_version: number; triggered_at: Date }>(
    `select level, budget_version, triggered_at from budget_events where tenant_id = 'told' order by triggered_at`,
  );
  expect(rows.map((row) => [row.level, row.budget_version])).toEqual([
    ['warning', 1],
    ['throttle', 1],
  ]);
  expect((rows[1]?.triggered_at.getTime() ?? 0) - (rows[0]?.triggered_at.getTime() ?? 0)).toBe(5000);
});

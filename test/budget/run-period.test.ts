/** A run's own period (B4, B5, B8): what it has spent, fired and been stopped for ends with it, and nothing has to run. */

import { afterEach, expect, test } from '@jest/globals';
import { testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

const noon = new Date('2026-03-10T12:00:00.000Z');
const lastMoment = new Date('2026-03-10T23:59:59.999Z');
const midnight = new Date('2026-03-11T00:00:00.000Z');

afterEach(async () => {
  await expectNoDrift(database);
  await expectInvariants(database.app, noon);
  expect(await database.app.query('select * from counter_drift(null)')).toEqual([]);
  world.api.at(testStart);
});

const budgetOf = async (tenantId: string, runId: string) =>
  (await world.api.call({ tenantId }, 'GET', `/v1/runs/${runId}`)).body.budget;

/** A run of 10 USD a day that has spent `spentUSD` by noon. */
async function daily(tenantId: string, spentUSD: number, more: object = {}) {
  world.api.at(noon);
  await world.setQuotas(tenantId, {});
  await world.start(tenantId, 'run', 10, { budget: { maxCostUSD: 10, period: 'day' }, ...more });
  await world.report(tenantId, 'run', { eventId: 'morning', costUSD: spentUSD });
}

test('the last millisecond is of the old day and the first of the new one', async () => {
  await daily('turn', 6);
  world.api.at(lastMoment);
  expect(await budgetOf('turn', 'run')).toMatchObject({
    ...{ limitUSD: 10, spentUSD: 6, heldUSD: 4, totalUSD: 6, firedThresholds: [50] },
    ...{ periodStart: '2026-03-10T00:00:00.000Z', periodEndsAt: midnight.toISOString() },
  });
  world.api.at(midnight);
  expect(await budgetOf('turn', 'run')).toMatchObject({
    ...{ limitUSD: 10, spentUSD: 0, heldUSD: 10, totalUSD: 6, firedThresholds: [] },
    periodStart: midnight.toISOString(),
  });
  const [row] = await database.app.query(
    `select spent_usd, held_usd, total_spent_usd from v_budget_status where tenant_id = 'turn'`,
  );
  expect(row).toBeDefined();
});

test('a late event counts for its own day, and for the whole of the run', async () => {
  await daily('late', 6);
  world.api.at(midnight);
  await world.report('late', 'run', { eventId: 'late', costUSD: 3, occurredAt: lastMoment.toISOString() });
  expect(await budgetOf('late', 'run')).toMatchObject({ spentUSD: 0, totalUSD: 9, firedThresholds: [] });
  await world.report('late', 'run', { eventId: 'new', costUSD: 5 });
  expect(await budgetOf('late', 'run')).toMatchObject({ spentUSD: 5, totalUSD: 14, firedThresholds: [50] });
});

test('thresholds fire once in each period', async () => {
  await daily('again', 6);
  world.api.at(midnight);
  await world.report('again', 'run', { eventId: 'next', costUSD: 6 });
  await world.report('again', 'run', { eventId: 'more', costUSD: 1 });
  const alerts = await world.events('again', 'budget-alert');
  expect(alerts.map(({ data }) => [data.threshold, data.spentUSD])).toEqual([
    [50, 6],
    [50, 6],
  ]);
});

test('a run paused at 95 % is resumed once by the new day, whoever comes first, and says so', async () => {
  await daily('paused', 9.6);
  await act('paused', 'pause');
  await world.api.call({ tenantId: 'paused' }, 'POST', '/v1/tasks/run/checkpoints', {
    epoch: 1,
    sequence: 1,
    data: { step: 3 },
  });
  await database.app.query(
    `select sweep_rooms(p_policy => (select numbers from policies limit 1), p_max => 10, p_now => $1)`,
    [new Date(noon.getTime() + 60_000)],
  );
  expect(await world.taskState('paused', 'run')).toBe('paused');
  expect(await budgetOf('paused', 'run')).toMatchObject({ heldUSD: 0 });

  world.api.at(midnight);
  await Promise.all([1, 2, 3].map(() => world.api.call('operator', 'POST', '/v1/sweep')));
  expect(await world.taskState('paused', 'run')).not.toBe('paused');
  const resumed = await world.events('paused', 'run-resumed');
  expect(resumed.map(({ data }) => data)).toMatchObject([{ runId: 'run', approvedBy: 'period' }]);
  expect(await budgetOf('paused', 'run')).toMatchObject({ spentUSD: 0, heldUSD: 10 });
});

test('demotion ends with the day', async () => {
  await daily('demoted', 8.5);
  await act('demoted', 'throttle');
  const classOf = async () =>
    (
      await database.app.query<{ queue_class: number }>(
        `select queue_class from tasks where tenant_id = 'demoted'`,
      )
    )[0]?.queue_class;
  expect(await classOf()).toBe(3);
  world.api.at(midnight);
  await world.report('demoted', 'run', { eventId: 'next', costUSD: 1 });
  expect(await classOf()).toBe(1);
});

test('a further phase is judged by the new day, without any sweep; so is its dry run', async () => {
  await daily('phase', 9.9);
  const further = (dryRun: boolean) =>
    world.api.call({ tenantId: 'phase' }, 'POST', '/v1/runs/run/tasks', {
      taskId: 'second',
      phase: 'test',
      dryRun,
    });
  world.api.at(lastMoment);
  expect((await further(true)).status).toBe(200);
  expect((await further(true)).body.decision).toBe('refused');
  world.api.at(midnight);
  expect((await further(true)).body).toMatchObject({
    decision: 'admitted',
    decisionId: '',
    budget: { spentUSD: 0, heldUSD: 10 },
  });
  expect(await budgetOf('phase', 'run')).toMatchObject({ totalUSD: 9.9 });
  expect((await further(false)).body).toMatchObject({
    decision: 'admitted',
    budget: { spentUSD: 0, heldUSD: 10 },
  });
});

test('where the tenant cannot hold a whole new day, the run leaves and waits until it can', async () => {
  world.api.at(noon);
  await world.setQuotas('short', { cost: { limitUSD: 12, period: 'none' } });
  await world.start('short', 'run', 10, { budget: { maxCostUSD: 10, period: 'day' } });
  await world.report('short', 'run', { eventId: 'a', costUSD: 7 });
  world.api.at(midnight);
  const answer = await world.report('short', 'run', { eventId: 'b', costUSD: 1 });
  expect(answer.body.directive).toMatchObject({ action: 'checkpoint', reason: 'short_of_money' });
  const later = new Date(midnight.getTime() + 31_000);
  world.api.at(later);
  await world.api.call('operator', 'POST', '/v1/sweep');
  const [task] = await database.app.query(
    `select state, waiting_for, quota_held from tasks where tenant_id = 'short'`,
  );
  expect(task).toEqual({ state: 'queued', waiting_for: 'quota', quota_held: false });
  await world.setQuotas('short', { cost: { limitUSD: 100 } });
  expect(await world.taskState('short', 'run')).toBe('granted');
});

test("a run's own thresholds are its own", async () => {
  world.api.at(noon);
  await world.setQuotas('own', {});
  await world.start('own', 'run', 10, {
    budget: { maxCostUSD: 10, thresholds: { warn: 10, throttle: 20, pause: 30, alerts: [5] } },
  });
  await world.report('own', 'run', { eventId: 'a', costUSD: 2.5 });
  expect(await budgetOf('own', 'run')).toMatchObject({ level: 'throttle', firedThresholds: [5, 10, 20] });
});

test('a change of period counts the ledger of the new one', async () => {
  await daily('changed', 6);
  const change = (body: object) =>
    world.api.call({ tenantId: 'changed' }, 'PUT', '/v1/runs/run/budget', {
      maxCostUSD: 10,
      reason: 'shorter',
      ...body,
    });
  world.api.at(new Date('2026-03-11T10:00:00Z'));
  await world.report('changed', 'run', { eventId: 'next', costUSD: 1 });
  expect((await change({ period: 'month' })).body).toMatchObject({
    ...{ spentUSD: 7, heldUSD: 3, periodStart: '2026-03-01T00:00:00.000Z' },
    approved: { reason: 'shorter' },
  });
  expect((await change({ period: 'none' })).body).toMatchObject({ spentUSD: 7, periodStart: null });
});

/** What the bus would bring about. */
async function act(tenantId: string, level: 'throttle' | 'pause') {
  await database.app.query(
    `select act_on_budget(p_tenant_id => $1, p_run_id => 'run', p_level => $2, p_by => 'bus', p_cause_id => null,
       p_policy => (select numbers from policies order by first_used_at desc limit 1), p_now => $3)`,
    [tenantId, level, noon],
  );
}

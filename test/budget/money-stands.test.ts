/** Money that a run holds is money that there is (B3, B6, B8): when a period turns, and when nobody sweeps for a while. */

import { afterEach, expect, test } from '@jest/globals';
import { testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);
const after = (seconds: number) => new Date(testStart.getTime() + seconds * 1000);

const evening = new Date('2026-03-10T23:59:50.000Z');
const midnight = new Date('2026-03-11T00:00:00.000Z');

afterEach(async () => {
  await expectNoDrift(database);
  expect(await database.app.query('select * from counter_drift(null)')).toEqual([]);
  world.api.at(testStart);
});

const post = (tenantId: string, path: string, body: object = {}) =>
  world.api.call({ tenantId }, 'POST', path, body);
const further = (tenantId: string, taskId: string) =>
  post(tenantId, '/v1/runs/run/tasks', { taskId, phase: 'test', leaseSeconds: 86_400 });
const checkpoint = (tenantId: string, taskId: string) =>
  post(tenantId, `/v1/tasks/${taskId}/checkpoints`, { epoch: 1, sequence: 1, data: {} });
const whereIs = async (tenantId: string, taskId: string) =>
  (
    await database.app.query('select state, waiting_for from tasks where tenant_id = $1 and task_id = $2', [
      tenantId,
      taskId,
    ])
  )[0];
const waitsForMoney = { state: 'queued', waiting_for: 'quota' };

/** A run of 10 USD a day, of a tenant that may spend 12 in all. */
async function daily(tenantId: string) {
  world.api.at(evening);
  await world.setQuotas(tenantId, { cost: { limitUSD: 12, period: 'none' } });
  await world.start(tenantId, 'run', 10, { budget: { maxCostUSD: 10, period: 'day' } });
}

/** What the bus would bring about. */
const pause = (tenantId: string, at: Date) =>
  database.app.query(
    `select act_on_budget(p_tenant_id => $1, p_run_id => 'run', p_level => 'pause', p_by => 'bus', p_cause_id => null,
       p_policy => (select numbers from policies order by first_used_at desc limit 1), p_now => $2)`,
    [tenantId, at],
  );

test('a hold that a place in the line kept without end expires once that place is given up', async () => {
  await world.setQuotas('line', { cost: { limitUSD: 12 } });
  await world.setQuotas('before', {});
  await world.start('before', 'before', 1);
  // Beside the 8 vCPU of a build there is no room for another one, and enough for research.
  await world.api.call('operator', 'PUT', '/v1/pool', { cpu: 10, memoryGb: null });
  const waits = await post('line', '/v1/runs', { runId: 'run', phase: 'build', budget: { maxCostUSD: 6 } });
  expect(waits.status).toBe(202);
  const second = { taskId: 'second', phase: 'research', leaseSeconds: 60 };
  expect((await post('line', '/v1/runs/run/tasks', second)).status).toBe(201);
  await post('line', '/v1/tasks/run/cancel');
  await world.api.call('operator', 'PUT', '/v1/pool', { cpu: null, memoryGb: null });
  world.api.at(after(361));
  await world.start('line', 'other', 8);
});

test('of a run that is short of its new day, no task starts while another is still on its way out', async () => {
  await daily('pair');
  expect((await further('pair', 'second')).status).toBe(201);
  await world.report('pair', 'run', { eventId: 'a', costUSD: 7 });
  world.api.at(midnight);
  await world.report('pair', 'run', { eventId: 'b', costUSD: 0.5 });
  expect(await world.taskState('pair', 'second')).toBe('preempting');
  await checkpoint('pair', 'run');
  expect(await whereIs('pair', 'run')).toEqual(waitsForMoney);
  expect((await further('pair', 'third')).status).toBe(402);
  await checkpoint('pair', 'second');
  expect(await whereIs('pair', 'second')).toEqual(waitsForMoney);
  expect(await world.usage('pair')).toMatchObject({ spentUSD: 7.5, heldUSD: 0 });
});

test('a run that was leaving to be paused when the day turned waits for money, and holds none', async () => {
  await daily('leaving');
  expect((await further('leaving', 'second')).status).toBe(201);
  await world.report('leaving', 'run', { eventId: 'a', costUSD: 9.6 });
  await pause('leaving', evening);
  await checkpoint('leaving', 'second');
  expect(await world.taskState('leaving', 'second')).toBe('paused');
  world.api.at(midnight);
  await world.api.call('operator', 'POST', '/v1/sweep');
  await checkpoint('leaving', 'run');
  expect(await whereIs('leaving', 'run')).toEqual(waitsForMoney);
  expect(await whereIs('leaving', 'second')).toEqual(waitsForMoney);
  expect(await world.usage('leaving')).toMatchObject({ spentUSD: 9.6, heldUSD: 0 });
});

test('a pause that is carried out after the day has turned pauses nothing', async () => {
  await daily('late');
  await world.report('late', 'run', { eventId: 'a', costUSD: 9.6 });
  await world.setQuotas('late', { cost: { limitUSD: 100, period: 'none' } });
  world.api.at(midnight);
  await pause('late', midnight);
  expect(await world.taskState('late', 'run')).toBe('running');
});

test('a paused task is resumed in the new day by whoever asks, without any sweep', async () => {
  await daily('asked');
  await world.report('asked', 'run', { eventId: 'a', costUSD: 9.6 });
  await pause('asked', evening);
  await checkpoint('asked', 'run');
  await world.setQuotas('asked', { cost: { limitUSD: 100, period: 'none' } });
  expect((await post('asked', '/v1/tasks/run/resume')).status).toBe(402);
  world.api.at(midnight);
  expect((await post('asked', '/v1/tasks/run/resume')).status).toBe(200);
  expect(await world.events('asked', 'run-resumed')).toHaveLength(1);
});

test('a request of a throttled tenant begins no new period: it holds no locks', async () => {
  await daily('flood');
  await world.report('flood', 'run', { eventId: 'a', costUSD: 7 });
  await database.admin.query(
    `update tenants set throttled_until = '2026-03-11T00:05Z' where tenant_id = 'flood'`,
  );
  world.api.at(midnight);
  expect((await further('flood', 'second')).status).toBe(429);
  const [run] = await database.app.query(
    `select period_spent_usd_nanos as spent from runs where tenant_id = 'flood'`,
  );
  expect(run).toEqual({ spent: 7_000_000_000n });
});

/** A run that holds 6 of 12 USD, whose hold has expired without a sweep and been taken by another run. */
async function takenFrom(tenantId: string, more: object) {
  world.api.at(testStart);
  await world.setQuotas(tenantId, { cost: { limitUSD: 12 } });
  await world.start(tenantId, 'run', 6, more);
  world.api.at(after(361));
  await world.start(tenantId, 'other', 8);
}

test('a further phase does not bring an expired hold back when its money is gone', async () => {
  await takenFrom('revived', { leaseSeconds: 60 });
  const refused = await further('revived', 'second');
  expect(refused).toMatchObject({ status: 402, body: { reasons: [{ level: 'tenant', held: 8, asked: 6 }] } });
  await world.complete('revived', 'other');
  expect((await further('revived', 'third')).status).toBe(201);
});

test('a grant that nobody claimed before its hold expired waits for money that is gone', async () => {
  await takenFrom('unclaimed', { start: 'queue' });
  await world.api.call('operator', 'POST', '/v1/sweep');
  expect(await whereIs('unclaimed', 'run')).toEqual(waitsForMoney);
  expect(await world.usage('unclaimed')).toMatchObject({ heldUSD: 8 });
});

test('a pause threshold that is lowered to where another has fired pauses', async () => {
  await world.setQuotas('lowered', {});
  await world.start('lowered', 'run', 10);
  await world.report('lowered', 'run', { eventId: 'a', costUSD: 8.5 });
  const answer = await world.api.call({ tenantId: 'lowered' }, 'PUT', '/v1/runs/run/budget', {
    maxCostUSD: 10,
    reason: 'stop earlier',
    thresholds: { warn: 50, throttle: 60, pause: 80 },
  });
  expect(answer.body).toMatchObject({ level: 'pause', firedThresholds: [50, 60, 80] });
  expect(await world.events('lowered', 'run-paused-for-budget')).toHaveLength(1);
  // What had fired as itself does not fire again.
  const alerts = await world.events('lowered', 'budget-alert');
  expect(alerts.map(({ data }) => data.threshold)).toEqual([50, 80, 60, 80]);
});

import { expect, test } from '@jest/globals';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

const lastMoment = new Date('2026-03-31T23:59:59.999Z');
const midnight = new Date('2026-04-01T00:00:00.000Z');

const ask = (tenantId: string, runId: string, maxCostUSD: number) =>
  world.api.call({ tenantId }, 'POST', '/v1/runs', { runId, phase: 'build', budget: { maxCostUSD } });

/** A tenant that has spent its 10 USD of March. */
async function spentTenant(tenantId: string, period: 'month' | 'none') {
  world.api.at(new Date('2026-03-20T00:00:00.000Z'));
  await world.setQuotas(tenantId, { cost: { limitUSD: 10, period } });
  await world.start(tenantId, 'march', 10);
  await world.report(tenantId, 'march', { eventId: 'all', costUSD: 10 });
  await world.complete(tenantId, 'march');
}

test('the quota of a month ends with the month, to the millisecond, and nothing has to run (B8)', async () => {
  await spentTenant('monthly', 'month');
  world.api.at(lastMoment);
  const refused = await ask('monthly', 'too-soon', 10);
  expect(refused).toMatchObject({ status: 402, body: { code: 'budget_exhausted' } });
  expect(refused.body.reasons[0].retryAt).toBe(midnight.toISOString());
  expect(await world.usage('monthly')).toMatchObject({ spentUSD: 10 });

  world.api.at(midnight);
  expect(await world.usage('monthly')).toMatchObject({ spentUSD: 0 });
  expect(await ask('monthly', 'april', 10)).toMatchObject({ status: 201 });
});

test('the same refused request is judged anew once the month has turned', async () => {
  await spentTenant('patient', 'month');
  world.api.at(lastMoment);
  expect((await ask('patient', 'again', 10)).status).toBe(402);
  world.api.at(midnight);
  expect((await ask('patient', 'again', 10)).status).toBe(201);
});

test('a quota without a period never starts over', async () => {
  await spentTenant('once', 'none');
  world.api.at(midnight);
  expect((await ask('once', 'april', 1)).status).toBe(402);
  expect(await world.usage('once')).toMatchObject({ spentUSD: 10 });
});

test.each([
  ['the last millisecond belongs to the old month', lastMoment, { march: 4, april: 0 }],
  ['the first belongs to the new one', midnight, { march: 0, april: 4 }],
])('%s', async (name, occurredAt, expected) => {
  const tenantId = name.replaceAll(' ', '-');
  world.api.at(new Date('2026-03-20T00:00:00.000Z'));
  await world.setQuotas(tenantId, { cost: { limitUSD: 10 } });
  await world.start(tenantId, 'run', 10);
  world.api.at(new Date(midnight.getTime() + 1000));
  await world.report(tenantId, 'run', { eventId: 'e', costUSD: 4, occurredAt: occurredAt.toISOString() });
  expect((await world.usage(tenantId)).spentUSD).toBe(expected.april);
  world.api.at(lastMoment);
  expect((await world.usage(tenantId)).spentUSD).toBe(expected.march);
});

test('a hold goes on over midnight: money that a live run may still spend is not free', async () => {
  world.api.at(lastMoment);
  await world.setQuotas('over', { cost: { limitUSD: 10 } });
  await world.start('over', 'long', 8);
  await world.report('over', 'long', { eventId: 'e', costUSD: 3 });
  world.api.at(midnight);
  expect(await world.usage('over')).toMatchObject({ spentUSD: 0, heldUSD: 5 });
  expect((await ask('over', 'big', 6)).status).toBe(402);
  expect((await ask('over', 'small', 5)).status).toBe(201);
  await expectNoDrift(database);
});

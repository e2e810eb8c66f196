import { afterEach, expect, test } from '@jest/globals';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(() => expectNoDrift(database));

test('money moves from held to spent, and the end gives the rest back (B3)', async () => {
  const tenant = 'life';
  const money = () => world.usage(tenant);
  await world.setQuotas(tenant, { cost: { limitUSD: 100 } });
  expect(await money()).toMatchObject({ heldUSD: 0, spentUSD: 0 });

  await world.start(tenant, 'first', 40);
  expect(await money()).toMatchObject({ heldUSD: 40, spentUSD: 0 });
  await world.start(tenant, 'second', 30);
  expect(await money()).toMatchObject({ heldUSD: 70, spentUSD: 0 });

  await world.report(tenant, 'first', { eventId: 'a', costUSD: 15 });
  expect(await money()).toMatchObject({ heldUSD: 55, spentUSD: 15 });
  await world.report(tenant, 'first', { eventId: 'b', costUSD: -5, kind: 'correction' });
  expect(await money()).toMatchObject({ heldUSD: 60, spentUSD: 10 });

  await world.report(tenant, 'second', { eventId: 'a', costUSD: 32 });
  expect(await money()).toMatchObject({ heldUSD: 30, spentUSD: 42 });
  await world.report(tenant, 'second', { eventId: 'b', costUSD: -4, kind: 'correction' });
  expect(await money()).toMatchObject({ heldUSD: 32, spentUSD: 38 });

  await world.complete(tenant, 'first');
  expect(await money()).toMatchObject({ heldUSD: 2, spentUSD: 38 });
  await world.report(tenant, 'first', { eventId: 'late', costUSD: 1 });
  expect(await money()).toMatchObject({ heldUSD: 2, spentUSD: 39 });
  await world.complete(tenant, 'second');
  expect(await money()).toMatchObject({ heldUSD: 0, spentUSD: 39 });
});

test('several phases share one hold, which the last of them gives back (A17)', async () => {
  const tenant = 'phases';
  await world.setQuotas(tenant, { cost: { limitUSD: 10 } });
  await world.start(tenant, 'run', 10);
  const second = await world.api.call({ tenantId: tenant }, 'POST', '/v1/runs/run/tasks', {
    taskId: 'second',
    phase: 'test',
    leaseSeconds: 86_400,
  });
  expect(second).toMatchObject({ status: 201 });
  expect(await world.usage(tenant)).toMatchObject({ heldUSD: 10, spentUSD: 0 });
  await world.complete(tenant, 'run');
  expect(await world.usage(tenant)).toMatchObject({ heldUSD: 10, spentUSD: 0 });
  await world.complete(tenant, 'second');
  expect(await world.usage(tenant)).toMatchObject({ heldUSD: 0, spentUSD: 0 });
});

test('the hold keeps other runs out, and what is left after the end lets them in', async () => {
  const tenant = 'full';
  await world.setQuotas(tenant, { cost: { limitUSD: 100 } });
  await world.start(tenant, 'first', 70);
  const ask = () =>
    world.api.call({ tenantId: tenant }, 'POST', '/v1/runs', {
      runId: 'second',
      phase: 'build',
      budget: { maxCostUSD: 40 },
    });
  const refused = await ask();
  expect(refused).toMatchObject({ status: 402, body: { code: 'budget_exhausted', decision: 'refused' } });
  expect(refused.body.reasons).toEqual([
    expect.objectContaining({ resource: 'cost', level: 'tenant', limit: 100, used: 0, held: 70, asked: 40 }),
  ]);
  await world.report(tenant, 'first', { eventId: 'e', costUSD: 20 });
  await world.complete(tenant, 'first');
  expect(await ask()).toMatchObject({ status: 201 });
});

test('a tenant quota is exact to the nano-dollar', async () => {
  await world.setQuotas('exact', { cost: { limitUSD: 0.3 } });
  await world.start('exact', 'a', 0.1);
  const over = await world.api.call({ tenantId: 'exact' }, 'POST', '/v1/runs', {
    runId: 'over',
    phase: 'build',
    budget: { maxCostUSD: 0.200000001 },
  });
  expect(over.status).toBe(402);
  await world.start('exact', 'b', 0.2);
});

test('fifty parallel runs for the money of ten are ten runs', async () => {
  await world.setQuotas('race', { cost: { limitUSD: 10 } });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      world.api.call({ tenantId: 'race' }, 'POST', '/v1/runs', {
        runId: `r${index}`,
        phase: 'build',
        budget: { maxCostUSD: 1 },
      }),
    ),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
  expect(await world.usage('race')).toMatchObject({ heldUSD: 10 });
});

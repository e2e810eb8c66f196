/** E3: quota-exceeded per tenant and resource: the first at once, then at most one in 10 s, with a count. */

import { beforeEach, expect, test } from '@jest/globals';
import { testApi, testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';

const database = withDatabase();
const api = testApi(() => database.app);

beforeEach(() => api.at(testStart));

/** A tenant that holds all of its 4 cpu and 4 GB. */
async function fullTenant(tenantId: string) {
  await api.call('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, {
    cpu: { limit: 4, burstShare: 0 },
    memory: { limit: 4, burstShare: 0 },
  });
  let asked = 0;
  const ask = (cpu: number, memoryGb: number) => {
    asked += 1;
    return api.call({ tenantId }, 'POST', '/v1/runs', {
      runId: `run-${asked}`,
      phase: 'build',
      budget: { maxCostUSD: 1 },
      resources: { cpu, memoryGb },
      leaseSeconds: 3600,
    });
  };
  expect(await ask(4, 4)).toMatchObject({ status: 201 });
  return {
    refuse: async (cpu: number, memoryGb: number) => {
      expect(await ask(cpu, memoryGb)).toMatchObject({ status: 429 });
    },
    told: async () =>
      (
        await database.app.query<{ data: { resource: string; count: number } }>(
          `select body->'data' as data from events
           where tenant_id = $1 and detail_type = 'quota-exceeded' order by event_seq`,
          [tenantId],
        )
      ).map(({ data }) => [data.resource, data.count]),
  };
}

test('a storm is told at once, then every ten seconds with how many there were', async () => {
  const { refuse, told } = await fullTenant('storm');
  await refuse(1, 0);
  expect(await told()).toEqual([['cpu', 1]]);
  api.advance(1);
  await refuse(1, 0);
  api.advance(8.999);
  await refuse(1, 0);
  expect(await told()).toEqual([['cpu', 1]]);
  api.advance(0.001);
  await refuse(1, 0);
  expect(await told()).toEqual([
    ['cpu', 1],
    ['cpu', 3],
  ]);
});

test('every refusal is counted once in all', async () => {
  const { refuse, told } = await fullTenant('slow');
  for (let index = 0; index < 12; index += 1) {
    await refuse(1, 0);
    // Slow enough never to be throttled: fewer than five in a minute.
    api.advance(15);
  }
  expect((await told()).reduce((sum, [, count]) => sum + Number(count), 0)).toBe(12);
});

test('each resource has a pace of its own, and so has each tenant', async () => {
  const first = await fullTenant('first');
  const second = await fullTenant('second');
  await first.refuse(1, 0);
  await first.refuse(0, 1);
  await second.refuse(1, 0);
  expect(await first.told()).toEqual([
    ['cpu', 1],
    ['memory', 1],
  ]);
  expect(await second.told()).toEqual([['cpu', 1]]);
});

test('the event says what was asked of how much', async () => {
  const { refuse } = await fullTenant('told');
  await refuse(3, 0);
  const [event] = await database.app.query<{ data: unknown }>(
    `select body->'data' as data from events where tenant_id = 'told' and detail_type = 'quota-exceeded'`,
  );
  expect(event?.data).toEqual({ tenantId: 'told', resource: 'cpu', quota: 4, usage: 4, asked: 3, count: 1 });
});

test('a repeated request and a dry run are not told again', async () => {
  const { told } = await fullTenant('quiet');
  const request = {
    runId: 'same',
    phase: 'build',
    budget: { maxCostUSD: 1 },
    resources: { cpu: 1, memoryGb: 0 },
  };
  const ask = (more: object) => api.call({ tenantId: 'quiet' }, 'POST', '/v1/runs', { ...request, ...more });
  await ask({ dryRun: true });
  expect(await told()).toEqual([]);
  await ask({});
  api.advance(1);
  await ask({});
  await ask({ dryRun: true });
  expect(await told()).toEqual([['cpu', 1]]);
});

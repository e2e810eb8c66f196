/** What a tenant had in use lately (A10): the same whoever works it out, and whenever it is written down. */

import { beforeEach, expect, test } from '@jest/globals';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

beforeEach(() => startAgain(db.admin, api));

async function line(): Promise<string[]> {
  const { body } = await api.call('operator', 'GET', '/v1/queue?limit=100');
  return body.items.map((item: { taskId: string }) => item.taskId);
}

async function start(tenant: string, id: string, cpu: number, leaseSeconds: number): Promise<void> {
  const { status } = await scene.askAs('P1', tenant, id, { cpu, leaseSeconds });
  expect([id, status]).toEqual([id, 201]);
}

async function wait(tenant: string, id: string, cpu: number): Promise<void> {
  const { status } = await scene.askAs('P1', tenant, id, { cpu, start: 'queue' });
  expect([id, status]).toEqual([id, 202]);
}

test('a lease that has lapsed counts the same before and after it is written down', async () => {
  await scene.setPool(8, null);
  for (const tenant of ['a', 'b']) await scene.setQuotas(tenant, {});
  // Charged at their starts: a 6 vCPU, b 7. In use since: a 6, of which 4 until they lapse, b 2.
  await start('b', 'b-short', 5, 60);
  await scene.complete('b', 'b-short', 1);
  await start('b', 'b-holds', 2, 3600);
  await start('a', 'a-lapses', 4, 60);
  await start('a', 'a-holds', 2, 3600);
  await wait('a', 'a-waits', 6);
  await wait('b', 'b-waits', 6);
  api.advance(300);
  expect(await line()).toEqual(['b-waits', 'a-waits']);
  await scene.cancel('a', 'a-lapses');
  expect(await line()).toEqual(['b-waits', 'a-waits']);
});

test('who was granted room in this pass stands equal to who was in an earlier one, to the thousandth', async () => {
  // Two of seven vCPU: a charge of 60 s * 2/7, which no decimal holds.
  await scene.setPool(7, null);
  for (const tenant of ['a', 'b', 'filler']) await scene.setQuotas(tenant, {});
  await start('a', 'a1', 2, 3600);
  await start('filler', 'filled', 5, 3600);
  await wait('b', 'b1', 2);
  await wait('a', 'a2', 2);
  await wait('b', 'b2', 2);
  await scene.complete('filler', 'filled', 1);
  // b1, since nothing of b runs; then a and b stand equal, all were accepted at once, and the id decides.
  expect(await line()).toEqual(['b2']);
});

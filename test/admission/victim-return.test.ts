/** Room that comes free while a preemptor still waits: its victims may not take it, others may (P3). */

import { expect, test } from '@jest/globals';
import { withScene } from './with-scene.ts';

const { db, scene } = withScene(async ({ scene, api }) => {
  await scene.setPool(11);
  for (const tenant of ['v', 'n', 'x', 'o']) await scene.setQuotas(tenant, {});
  await scene.ask('v', 'small', { cpu: 2, ...long });
  await scene.ask('v', 'large', { cpu: 6, ...long });
  await scene.askAs('P0', 'x', 'urgent', { cpu: 3, ...long });
  api.advance(100);
  await scene.askAs('P1', 'n', 'newcomer', { cpu: 8 });
  expect(await statesOf('small', 'large', 'newcomer')).toEqual(['preempting', 'preempting', 'queued']);
  await scene.checkpoint('v', 'small', 1, 1);
  await scene.complete('x', 'urgent', 1);
});
const long = { leaseSeconds: 3600 };

const statesOf = async (...ids: readonly string[]) => {
  const rows = await db.admin.query<{ task_id: string; state: string }>('select task_id, state from tasks');
  return ids.map((id) => rows.find((row) => row.task_id === id)?.state);
};

/**
 * A pool of 11 vCPU, full: P3 runs of 2 and 6 vCPU, and a P0 run of 3. A P1 task of 8 preempts both P3 runs; the small one
 * leaves first, and then the P0 run ends. 3 vCPU are free beside the 2 that are promised, so the small one would fit.
 */

test('no victim comes back before its preemptor has its room', async () => {
  await scene.sweep();
  expect(await statesOf('small', 'newcomer')).toEqual(['queued', 'queued']);
  await scene.checkpoint('v', 'large', 1, 1);
  await scene.sweep();
  expect(await statesOf('small', 'large', 'newcomer')).toEqual(['granted', 'queued', 'granted']);
});

test('somebody else has what is free and not promised', async () => {
  expect((await scene.ask('o', 'other', { cpu: 3 })).status).toBe(201);
});

test('a preemptor that gives up holds its victims back no longer', async () => {
  await scene.cancel('n', 'newcomer');
  expect(await statesOf('small')).toEqual(['granted']);
});

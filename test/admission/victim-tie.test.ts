/** A victim waits for the need that it left for, and not for a later one of the same preemptor (P3). */

import { expect, test } from '@jest/globals';
import { withScene } from './with-scene.ts';

/**
 * A pool of 12 vCPU, three tasks of 4. `victim` (P2) is alone past its minimum run when `preemptor` (P1) comes, and leaves for
 * it. `preemptor` starts; then its runner is lost and a P0 run takes the room. Both wait now, and each makes one of the P3 runs
 * leave, which have run their minute by then.
 */
const { scene } = withScene(async ({ scene, api }) => {
  await scene.setPool(12);
  for (const tenant of ['v', 'n', 'x', 'o']) await scene.setQuotas(tenant, {});
  await scene.askAs('P2', 'v', 'victim', { cpu: 4, ...long });
  api.advance(61);
  for (const id of ['o1', 'o2']) await scene.ask('o', id, { cpu: 4, ...long });
  await scene.askAs('P1', 'n', 'preemptor', { cpu: 4, onQuota: 'wait' });
  await scene.checkpoint('v', 'victim', 1, 1);
  await scene.claim('n', 'preemptor');
  expect(await states()).toEqual({ victim: 'queued', preemptor: 'running', o1: 'running', o2: 'running' });
  api.advance(61);
  await scene.askAs('P0', 'x', 'urgent', { cpu: 4, ...long });
  await scene.sweep();
  expect(await states()).toMatchObject({ victim: 'queued', preemptor: 'queued' });
  expect(await states()).toMatchObject({ o1: 'preempting', o2: 'preempting' });
});
const long = { leaseSeconds: 3600 };

const states = async () => ({
  victim: await scene.stateOf('v', 'victim'),
  preemptor: await scene.stateOf('n', 'preemptor'),
  o1: await scene.stateOf('o', 'o1'),
  o2: await scene.stateOf('o', 'o2'),
});

test('what its own victims leave to it is its own at once, whatever its preemptor waits for by then', async () => {
  await scene.checkpoint('o', 'o2', 1, 1);
  expect(await states()).toEqual({ victim: 'granted', preemptor: 'queued', o1: 'preempting', o2: 'queued' });
});

/** The shield against preemption outlasts a checkpoint that was taken on the way out (P1). */

import { afterEach, expect, test } from '@jest/globals';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);
const long = { leaseSeconds: 3600 };

afterEach(() => expectInvariants(db.admin, api.now()));

test.each([
  ['shielded after three preemptions', 3, 'running'],
  ['and after a fourth, by an operator, out of which it saved a checkpoint', 4, 'running'],
  ['not after two', 2, 'preempting'],
])('%s', async (_what, preemptions, state) => {
  await startAgain(db.admin, api);
  await scene.setPool(4);
  for (const tenant of ['v', 'n']) await scene.setQuotas(tenant, {});
  await scene.ask('v', 'v1', { cpu: 4, ...long });
  for (let epoch = 1; epoch <= preemptions; epoch += 1) {
    const ordered = await api.call('operator', 'POST', '/v1/tasks/v1/preempt?tenantId=v', { reason: 'test' });
    expect(ordered.status).toBe(200);
    await scene.checkpoint('v', 'v1', epoch, epoch);
    await scene.claim('v', 'v1', long);
  }
  api.advance(100);
  await scene.askAs('P1', 'n', 'n1', { cpu: 4 });
  expect(await scene.stateOf('v', 'v1')).toBe(state);
});

/** The head of the line as newcomers meet it, and how far waiting carries it (A10, A11). */

import { expect, test } from '@jest/globals';
import { withScene } from './with-scene.ts';

/** A pool of 8 vCPU of which a P0 run keeps 6; a P2 task of 4 waits at the head, and 2 are free. */
const { api, scene } = withScene(async ({ scene }) => {
  await scene.setPool(8);
  for (const tenant of ['x', 'h', 'n']) await scene.setQuotas(tenant, {});
  await scene.askAs('P0', 'x', 'long', { cpu: 6, leaseSeconds: 86_400 });
  await scene.askAs('P2', 'h', 'head', { cpu: 4 });
});
const minutes = 60;

test.each([
  ['a moment before', 10 * minutes - 0.001, 201],
  ['once', 10 * minutes, 202],
])('a newcomer passes a head that does not fit: %s it has waited 10 min', async (_when, seconds, status) => {
  api.advance(seconds);
  expect((await scene.askAs('P3', 'n', 'newcomer', { cpu: 2 })).status).toBe(status);
});

test('nobody is held up by a head that stands behind it', async () => {
  api.advance(10 * minutes);
  expect((await scene.askAs('P0', 'n', 'newcomer', { cpu: 2 })).status).toBe(201);
});

test('however long it waits, it stays behind P0', async () => {
  api.advance(24 * 60 * minutes - 1);
  expect(await scene.askAs('P0', 'n', 'urgent', { cpu: 4 })).toMatchObject({
    status: 202,
    body: { queue: { position: 1 } },
  });
});

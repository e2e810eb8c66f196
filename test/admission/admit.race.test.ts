/** Real parallel connections: 24 at once against one database. */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { sceneOf, startAgain, tally } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

let limitsLowered = false;
beforeEach(async () => {
  limitsLowered = false;
  await startAgain(db.admin, api);
});
afterEach(() => expectInvariants(db.admin, api.now(), { limitsLowered }));

const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

test.each([
  ['concurrent runs', { concurrentRuns: { limit: 10 } }],
  ['cpu', { cpu: { limit: 10, burstShare: 0 } }],
  ['cpu with burst', { cpu: { limit: 8, burstShare: 0.25 } }],
  ['memory', { memory: { limit: 10, burstShare: 0 } }],
  ['money', { cost: { limitUSD: 10 } }],
])('200 parallel requests for 10 places by %s give exactly 10', async (_what, quotas) => {
  await scene.setPool(1000, 1000);
  await scene.setQuotas('a', quotas);
  const answers = await times(200, (index) => scene.ask('a', `r${index}`));
  const { 201: admitted, ...refused } = tally(answers);
  expect(admitted).toBe(10);
  expect(Object.values(refused).reduce((sum, count) => sum + count, 0)).toBe(190);
  expect(Object.keys(refused).filter((status) => status !== '429' && status !== '402')).toEqual([]);
  // Five violations start the one throttle; whoever came later was throttled and wrote none.
  const [row] = await db.admin.query<{ violations: number; throttles: number }>(
    `select (select count(*)::integer from quota_violations) as violations,
       (select count(*)::integer from events where detail_type = 'tenant-throttled') as throttles`,
  );
  expect(row).toEqual({ violations: 5, throttles: 1 });
});

test('200 parallel requests for 10 places in the pool start exactly 10, and the others wait', async () => {
  await scene.setPool(10);
  const tenants = ['a', 'b', 'c'];
  for (const tenantId of tenants) await scene.setQuotas(tenantId, {});
  // On a slow machine some wait too long for one of the 24 connections: they repeat, as callers do on 503.
  const answers = await times(200, async (index) => {
    const ask = () => scene.ask(tenants[index % 3] ?? 'a', `r${index}`);
    let answer = await ask();
    while (answer.status === 503) answer = await ask();
    return answer;
  });
  expect(tally(answers)).toEqual({ 201: 10, 202: 190 });
}, 90_000);

test('50 parallel duplicates give one run, and the same answer to all', async () => {
  await scene.setPool(100);
  await scene.setQuotas('a', { cpu: { limit: 10 } });
  const answers = await times(50, () => scene.ask('a', 'r1', { cpu: 5 }));
  expect(tally(answers)).toEqual({ 201: 50 });
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  expect(await scene.usage('a')).toMatchObject({ cpu: { held: 5 } });
  expect(await scene.eventsOf('a', 'r1')).toEqual(['run-admitted', 'task-started']);
});

test('50 parallel duplicates of a refusal give one violation', async () => {
  await scene.setQuotas('a', { cpu: { limit: 10 } });
  const answers = await times(50, () => scene.ask('a', 'r1', { cpu: 50 }));
  expect(new Set(answers.map(({ body }) => body.decisionId)).size).toBe(1);
  const rows = await db.admin.query('select 1 from quota_violations');
  expect(rows).toHaveLength(1);
});

test('of two bodies under one id in parallel one wins, and the other hears so', async () => {
  await scene.setQuotas('a', { cpu: { limit: 100 } });
  const answers = await times(40, (index) => scene.ask('a', 'r1', { cpu: 1 + (index % 2) }));
  expect(tally(answers)).toEqual({ 201: 20, 422: 20 });
});

test('a quota lowered among parallel requests lets nobody in above the old limit or, after its answer, above the new', async () => {
  limitsLowered = true;
  await scene.setPool(1000);
  await scene.setQuotas('a', { concurrentRuns: { limit: 20 } });
  const before = times(60, (index) => scene.ask('a', `r${index}`));
  await scene.setQuotas('a', { concurrentRuns: { limit: 5 } });
  const atChange = (await scene.usage('a')).concurrentRuns.used;
  const admitted = tally(await before)[201] ?? 0;
  expect(admitted).toBeLessThanOrEqual(20);
  expect(admitted).toBe(Math.max(atChange, 5));
});

test('ends and requests in parallel keep the books', async () => {
  await scene.setPool(12);
  await scene.setQuotas('a', { cpu: { limit: 10 } });
  await times(10, (index) => scene.ask('a', `old${index}`));
  await Promise.all([
    times(10, (index) => scene.complete('a', `old${index}`, 1)),
    times(40, (index) => scene.ask('a', `new${index}`, { onQuota: 'wait' })),
    times(10, (index) => scene.spend('a', `old${index}`, 'e1', 0.1, { taskId: `old${index}` })),
  ]);
  // Whatever the order, all that room and quota allow is in use in the end: ten within the limit, two on burst.
  await scene.sweep();
  const { cpu } = await scene.usage('a');
  expect(cpu.held).toBeGreaterThanOrEqual(10);
  expect(cpu.held).toBeLessThanOrEqual(12);
});

/** Who may borrow, who keeps quota for whom, and what a lowered limit does to those who wait (A5, A10, A11, A15, A16). */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

const minutes = 60;
/** Leases and limits that play no part. */
const long = { leaseSeconds: 86_400 };
const cpu = (limit: number, burst = 0) => ({ cpu: { limit, burst } });
const statesOf = (tenantId: string, ...taskIds: string[]) =>
  Promise.all(taskIds.map((taskId) => scene.stateOf(tenantId, taskId)));

let limitsLowered = false;
beforeEach(async () => {
  limitsLowered = false;
  await startAgain(db.admin, api);
  await scene.setQuotas('b', {});
});
afterEach(() => expectInvariants(db.admin, api.now(), { limitsLowered }));

describe('what others have borrowed', () => {
  // a asks for a P1 run in the place of its own P3 run, and for 2 GB more, which only b's borrowed P1 run could leave.
  test.each([
    ['is reclaimed for a tenant that stays within its limit, its own victim included', cpu(6), 'preempting'],
    ['is not reclaimed for a tenant that borrows itself, and then nobody leaves', cpu(4, 4), 'running'],
  ])('%s', async (_what, quotas, state) => {
    await scene.setPool(10, 10);
    await scene.setQuotas('a', quotas);
    await scene.setQuotas('b', cpu(1, 3));
    await scene.askAs('P3', 'a', 'own', { cpu: 6, memoryGb: 2, ...long });
    await scene.askAs('P1', 'b', 'borrowed', { cpu: 4, memoryGb: 4, ...long });
    api.advance(61);
    await scene.askAs('P1', 'a', 'newcomer', { cpu: 6, memoryGb: 8, onQuota: 'wait' });
    expect([await scene.stateOf('a', 'own'), await scene.stateOf('b', 'borrowed')]).toEqual([state, state]);
  });
});

describe('a limit lowered below what is held stops new work (A15)', () => {
  beforeEach(async () => {
    limitsLowered = true;
    await scene.setPool(4);
    await scene.setQuotas('a', cpu(5));
  });

  test('who waits for quota takes none from a task that waits for the pool when that would not be enough', async () => {
    await scene.askAs('P0', 'b', 'blocker', { cpu: 4, ...long });
    await scene.askAs('P3', 'a', 'low', { cpu: 4 });
    await scene.askAs('P1', 'a', 'high', { cpu: 2, onQuota: 'wait' });
    await scene.setQuotas('a', cpu(1));
    await scene.complete('b', 'blocker', 1);
    expect(await statesOf('a', 'low', 'high')).toEqual(['granted', 'queued']);
  });

  test('nobody is preempted for quota that the lowered limit does not give', async () => {
    await scene.askAs('P3', 'a', 'low', { cpu: 4, ...long });
    await scene.askAs('P1', 'a', 'high', { cpu: 2, onQuota: 'wait' });
    await scene.setQuotas('a', cpu(1));
    api.advance(61);
    await scene.sweep();
    expect(await statesOf('a', 'low', 'high')).toEqual(['running', 'queued']);
  });
});

test('a task that waiting has brought forward takes the quota of one of its tenant that it now stands ahead of', async () => {
  await scene.setPool(8);
  await scene.setQuotas('a', cpu(4));
  await scene.askAs('P0', 'a', 'first', { cpu: 4, ...long });
  await scene.askAs('P0', 'b', 'blocker', { cpu: 4, ...long });
  await scene.askAs('P2', 'a', 'aged', { cpu: 4, onQuota: 'wait' });
  await scene.askAs('P0', 'b', 'next', { cpu: 4, ...long });
  await scene.complete('a', 'first', 1);
  await scene.claim('b', 'next');
  await scene.askAs('P1', 'a', 'newer', { cpu: 4 });
  // P2 stands as P1 from then on, accepted before the other.
  api.advance(10 * minutes);
  await scene.complete('b', 'blocker', 1);
  expect(await statesOf('a', 'aged', 'newer')).toEqual(['granted', 'queued']);
});

describe('one that would have to borrow', () => {
  // 4 of 6 vCPU are free, and c waits for 5, of which its limit holds 2.
  test.each(['P1', 'P3'])(
    'keeps no room, however long it waits: a %s newcomer within its limit passes',
    async (of) => {
      await scene.setPool(6);
      await scene.setQuotas('c', cpu(2, 3));
      await scene.askAs('P0', 'b', 'blocker', { cpu: 2, ...long });
      await scene.askAs('P2', 'c', 'borrower', { cpu: 5, onQuota: 'wait' });
      api.advance(10 * minutes);
      expect((await scene.askAs(of, 'b', 'newcomer', { cpu: 4 })).status).toBe(201);
    },
  );

  test('keeps its quota once it has waited 10 min: none of its tenant takes it first', async () => {
    await scene.setPool(100);
    await scene.setQuotas('a', cpu(2, 2));
    await scene.askAs('P1', 'a', 'stays', { cpu: 1, ...long });
    await scene.askAs('P1', 'a', 'ends', { cpu: 2, ...long });
    await scene.askAs('P1', 'a', 'borrower', { cpu: 3, onQuota: 'wait' });
    api.advance(10 * minutes);
    await scene.askAs('P1', 'a', 'small', { cpu: 1, onQuota: 'wait' });
    await scene.complete('a', 'ends', 1);
    expect(await statesOf('a', 'borrower', 'small')).toEqual(['granted', 'queued']);
  });

  test('starts with what is left by a larger one ahead of it, at once', async () => {
    await scene.setPool(13);
    for (const tenant of ['a', 'c']) await scene.setQuotas(tenant, cpu(6, 3));
    await scene.askAs('P1', 'a', 'stays', { cpu: 5, ...long });
    await scene.askAs('P0', 'b', 'blocker', { cpu: 8, ...long });
    await scene.askAs('P1', 'c', 'larger', { cpu: 5 });
    await scene.askAs('P1', 'a', 'borrower', { cpu: 2, onQuota: 'wait' });
    await scene.complete('b', 'blocker', 1);
    expect([await scene.stateOf('c', 'larger'), await scene.stateOf('a', 'borrower')]).toEqual([
      'granted',
      'granted',
    ]);
  });

  test('is marked for what its tenant holds above the limit, not for what is promised to another of it', async () => {
    await scene.setPool(8);
    await scene.setQuotas('a', cpu(3, 3));
    await scene.askAs('P0', 'b', 'blocker', { cpu: 4, ...long });
    await scene.askAs('P2', 'a', 'victim', { cpu: 2, ...long });
    await scene.askAs('P0', 'a', 'preemptor', { cpu: 3, onQuota: 'wait' });
    // The victim still holds 2, and 1 is kept for the preemptor: the next 1 is above the limit, but not held above it.
    expect((await scene.askAs('P0', 'a', 'next', { cpu: 1, ...long })).body).toMatchObject({
      decision: 'admitted',
      resources: { burstCpu: 0 },
    });
    await expectInvariants(db.admin, api.now());
    await scene.checkpoint('a', 'victim', 1, 1);
    expect((await scene.task('a', 'preemptor')).body).toMatchObject({
      state: 'granted',
      resources: { burstCpu: 1 },
    });
  });
});

test('who gives up its quota after 10 min of waiting stands where it stood: none of its tenant passes it for quota', async () => {
  await scene.setPool(6);
  await scene.setQuotas('a', cpu(1, 4));
  // On borrowed quota, and never claimed: it waits again, with its quota, as of the day it came.
  await scene.askAs('P0', 'a', 'large', { cpu: 5, start: 'queue' });
  api.advance(10 * minutes);
  for (const id of ['first', 'second']) await scene.askAs('P0', 'a', id, { cpu: 1, onQuota: 'wait' });
  await scene.sweep();
  expect(await statesOf('a', 'large', 'first', 'second')).toEqual(['queued', 'granted', 'queued']);
  expect((await scene.task('a', 'large')).body.queue.waitingFor).toBe('quota');
});

test('decimal fractions add up: 0.2 fits beside 0.1 in a limit of 0.3', async () => {
  await scene.setPool(10);
  await scene.setQuotas('a', cpu(0.3));
  await scene.ask('a', 'stays', { cpu: 0.1 });
  await scene.ask('a', 'ends', { cpu: 0.2 });
  await scene.ask('a', 'waits', { cpu: 0.2, onQuota: 'wait' });
  await scene.complete('a', 'ends', 1);
  expect(await scene.stateOf('a', 'waits')).toBe('granted');
});

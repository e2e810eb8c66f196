/** Quota in motion: burst (A5), waiting for quota (A16), several phases of one run (A17). */

import { describe, expect, test } from '@jest/globals';
import { expectInvariants } from '../setup/invariants.ts';
import { codesOf, someQuotas, withScene } from './with-scene.ts';

/** A tenant of `someQuotas` on a pool of 100 vCPU and 400 GB. */
const { db, api, scene } = withScene(async ({ scene }) => {
  await scene.setPool(100, 400);
  await scene.setQuotas('a', someQuotas);
});

describe('burst (A5)', () => {
  test('up to half more than the limit out of idle room; only the part above is marked', async () => {
    await scene.ask('a', 'r1', { cpu: 8 });
    const { body } = await scene.ask('a', 'r2', { cpu: 7 });
    expect(body.resources).toMatchObject({ cpu: 7, burstCpu: 5 });
    expect((await scene.ask('a', 'r3', { cpu: 0.001 })).status).toBe(429);
  });

  test("the share is the quota's own where it says so", async () => {
    await scene.setQuotas('a', { cpu: { limit: 10, burstShare: 0.1 } });
    expect((await scene.ask('a', 'r1', { cpu: 11 })).body.resources.burstCpu).toBe(1);
    expect((await scene.ask('a', 'r2', { cpu: 0.001 })).status).toBe(429);
  });

  test('not where the room is not idle: what would burst is refused and does not wait', async () => {
    await scene.setPool(12, 400);
    await scene.ask('a', 'r1', { cpu: 8 });
    expect(await scene.ask('a', 'r2', { cpu: 5 })).toMatchObject({
      status: 429,
      body: { code: 'quota_exceeded' },
    });
    expect((await scene.ask('a', 'r3', { cpu: 4 })).body.resources.burstCpu).toBe(2);
  });

  test('not past somebody who waits for that room within its limit', async () => {
    await scene.setPool(20, 400);
    await scene.setQuotas('b', { cpu: { limit: 30 } });
    await scene.ask('a', 'r1', { cpu: 10 });
    await scene.ask('b', 'b1', { cpu: 9 });
    // One vCPU is free; b's second waits for two, so a's burst of one may pass it only while it may not start itself.
    expect((await scene.ask('b', 'b2', { cpu: 2 })).status).toBe(202);
    expect((await scene.ask('a', 'r2', { cpu: 1 })).body.resources.burstCpu).toBe(1);
  });

  test('ends when the tenant is within its limit again: the mark goes', async () => {
    await scene.ask('a', 'r1', { cpu: 8 });
    await scene.ask('a', 'r2', { cpu: 7 });
    await scene.complete('a', 'r1', 1);
    expect((await scene.task('a', 'r2')).body.resources).toMatchObject({ cpu: 7, burstCpu: 0 });
  });

  test('a lowered limit marks the excess, on the newest first, and kills nothing (A15)', async () => {
    await scene.ask('a', 'r1', { cpu: 4 });
    api.advance(1);
    await scene.ask('a', 'r2', { cpu: 4 });
    await scene.setQuotas('a', { cpu: { limit: 2, burstShare: 0 } });
    const marks = await Promise.all(['r1', 'r2'].map(async (id) => (await scene.task('a', id)).body));
    expect(marks.map(({ state, resources }) => [state, resources.burstCpu])).toEqual([
      ['running', 2],
      ['running', 4],
    ]);
    expect((await scene.ask('a', 'r3', { cpu: 1 })).status).toBe(429);
    await expectInvariants(db.admin, api.now(), { limitsLowered: true });
    await scene.setQuotas('a', { cpu: { limit: 10 } });
  });
});

describe('waiting for quota (A16)', () => {
  test('what its quota can hold later waits: no violation, nothing held, granted when it fits', async () => {
    await scene.ask('a', 'r1', { cpu: 8 });
    const before = await scene.usage('a');
    const waiting = await scene.ask('a', 'r2', { cpu: 10, onQuota: 'wait' });
    expect(waiting).toMatchObject({ status: 202, body: { state: 'queued', queue: { waitingFor: 'quota' } } });
    expect((await scene.usage('a')).cpu).toEqual(before.cpu);
    expect((await api.call({ tenantId: 'a' }, 'GET', '/v1/tenants/a/violations')).body.items).toEqual([]);
    await scene.complete('a', 'r1', 1);
    expect(await scene.stateOf('a', 'r2')).toBe('granted');
    expect((await scene.usage('a')).cpu).toMatchObject({ held: 10 });
  });

  test.each([
    ['what never fits does not wait', { cpu: 16 }, 422, 'never_fits'],
    ['money never waits', { cpu: 8, maxCostUSD: 99.5 }, 429, 'quota_exceeded'],
  ])('%s', async (_what, ask, status, code) => {
    await scene.ask('a', 'r1', { cpu: 8 });
    expect(await scene.ask('a', 'r2', { ...ask, onQuota: 'wait' })).toMatchObject({ status, body: { code } });
  });

  test('what only limit and burst together can hold waits, and borrows from room that is idle', async () => {
    await scene.ask('a', 'r1', { cpu: 8 });
    expect(await scene.ask('a', 'r2', { cpu: 12, onQuota: 'wait' })).toMatchObject({
      status: 202,
      body: { queue: { waitingFor: 'quota' }, violations: [] },
    });
    await scene.complete('a', 'r1', 1);
    expect((await scene.task('a', 'r2')).body).toMatchObject({
      state: 'granted',
      resources: { cpu: 12, burstCpu: 2 },
    });
  });

  test('a newcomer that fits waits behind one of its tenant that has waited 10 min for quota', async () => {
    await scene.setQuotas('a', { cpu: { limit: 10, burstShare: 0 } });
    await scene.ask('a', 'r1', { cpu: 8, leaseSeconds: 3600 });
    await scene.ask('a', 'big', { cpu: 4, onQuota: 'wait' });
    api.advance(599);
    expect((await scene.ask('a', 'passes', { cpu: 1 })).status).toBe(201);
    api.advance(1);
    expect(await scene.ask('a', 'waits', { cpu: 1 })).toMatchObject({
      status: 202,
      body: { queue: { waitingFor: 'quota', position: 2 } },
    });
    // A tenant that waits for nothing is not concerned.
    await scene.setQuotas('b', {});
    expect((await scene.ask('b', 'other', { cpu: 1 })).status).toBe(201);
    await scene.complete('a', 'r1', 1);
    expect(await scene.stateOf('a', 'big')).toBe('granted');
    expect(await scene.stateOf('a', 'waits')).toBe('granted');
  });

  test('a better task takes the quota of one of its tenant that waits for the pool behind it', async () => {
    await scene.setPool(4, 400);
    await scene.setQuotas('a', { cpu: { limit: 4, burstShare: 0 } });
    await scene.setQuotas('b', {});
    await scene.askAs('P0', 'b', 'blocker', { cpu: 4 });
    await scene.askAs('P3', 'a', 'low', { cpu: 4 });
    await scene.askAs('P1', 'a', 'high', { cpu: 4, onQuota: 'wait' });
    await scene.complete('b', 'blocker', 1);
    expect((await scene.task('a', 'high')).body).toMatchObject({ state: 'granted' });
    expect((await scene.task('a', 'low')).body).toMatchObject({
      state: 'queued',
      queue: { waitingFor: 'quota' },
    });
    await scene.claim('a', 'high');
    await scene.complete('a', 'high', 1);
    expect(await scene.stateOf('a', 'low')).toBe('granted');
  });

  test('a better task preempts its own tenant for quota; the victim waits for quota and comes back', async () => {
    await scene.setPool(100, 400);
    await scene.setQuotas('a', { cpu: { limit: 4, burstShare: 0 }, concurrentRuns: { limit: 1 } });
    await scene.setQuotas('b', {});
    await scene.askAs('P3', 'a', 'low', { cpu: 4, leaseSeconds: 3600 });
    await scene.askAs('P3', 'b', 'stranger', { cpu: 4, leaseSeconds: 3600 });
    api.advance(61);
    await scene.askAs('P1', 'a', 'high', { cpu: 3, onQuota: 'wait' });
    expect(await scene.stateOf('b', 'stranger')).toBe('running');
    expect(await scene.stateOf('a', 'low')).toBe('preempting');
    // What the victim will free is spoken for.
    expect((await scene.ask('a', 'thief', { cpu: 1 })).status).toBe(429);
    await scene.checkpoint('a', 'low', 1, 1);
    expect(await scene.stateOf('a', 'high')).toBe('granted');
    expect((await scene.task('a', 'low')).body).toMatchObject({
      state: 'queued',
      preempted: true,
      queue: { waitingFor: 'quota' },
    });
    await scene.claim('a', 'high');
    await scene.complete('a', 'high', 1);
    expect(await scene.stateOf('a', 'low')).toBe('granted');
    expect((await scene.claim('a', 'low')).body).toMatchObject({ lease: { epoch: 2 } });
  });

  test('a run count that is full is waited for as well', async () => {
    await scene.setQuotas('a', { concurrentRuns: { limit: 1 } });
    await scene.ask('a', 'r1');
    expect((await scene.ask('a', 'r2', { onQuota: 'wait' })).body.queue).toMatchObject({
      waitingFor: 'quota',
    });
    await scene.complete('a', 'r1', 1);
    expect(await scene.stateOf('a', 'r2')).toBe('granted');
  });

  test('one that cannot start holds up nobody who can', async () => {
    await scene.setPool(4, 400);
    await scene.setQuotas('a', { concurrentRuns: { limit: 1 } });
    await scene.setQuotas('b', {});
    await scene.ask('a', 'a1', { cpu: 1 });
    await scene.askAs('P1', 'a', 'a2', { cpu: 3, onQuota: 'wait' });
    expect((await scene.ask('b', 'b1', { cpu: 3 })).status).toBe(201);
    expect((await scene.ask('b', 'b2', { cpu: 3 })).status).toBe(202);
    await scene.complete('b', 'b1', 1);
    expect(await scene.stateOf('b', 'b2')).toBe('granted');
  });

  test('several are granted by one release that makes room for them', async () => {
    await scene.setQuotas('a', { cpu: { limit: 10, burstShare: 0 } });
    await scene.ask('a', 'r1', { cpu: 10 });
    for (const id of ['w1', 'w2', 'w3']) await scene.ask('a', id, { cpu: 3, onQuota: 'wait' });
    await scene.complete('a', 'r1', 1);
    const states = await Promise.all(['w1', 'w2', 'w3'].map((id) => scene.stateOf('a', id)));
    expect(states).toEqual(['granted', 'granted', 'granted']);
  });
});

describe('several phases of one run (A17)', () => {
  test('side by side they count as one run under one budget', async () => {
    await scene.setQuotas('a', { concurrentRuns: { limit: 1 } });
    await scene.ask('a', 'r1', { phase: 'plan', maxCostUSD: 40 });
    const second = await scene.askPhase('a', 'r1', {
      taskId: 't2',
      phase: 'build',
      resources: { cpu: 4, memoryGb: 4 },
    });
    expect(second).toMatchObject({
      status: 201,
      body: { runId: 'r1', taskId: 't2', budget: { limitUSD: 40 } },
    });
    expect(await scene.usage('a')).toMatchObject({
      cpu: { held: 5 },
      concurrentRuns: { used: 1 },
      cost: { heldUSD: 40 },
    });
    await scene.complete('a', 'r1', 1);
    expect((await api.call({ tenantId: 'a' }, 'GET', '/v1/runs/r1')).body.status).toBe('running');
    await scene.complete('a', 't2', 1);
    expect((await api.call({ tenantId: 'a' }, 'GET', '/v1/runs/r1')).body.status).toBe('completed');
    expect(await scene.usage('a')).toMatchObject({ concurrentRuns: { used: 0 }, cost: { heldUSD: 0 } });
  });

  test('one after another: the run takes up again what is left of its money', async () => {
    await scene.ask('a', 'r1', { maxCostUSD: 40 });
    await scene.spend('a', 'r1', 'e1', 10);
    await scene.complete('a', 'r1', 1);
    expect((await scene.askPhase('a', 'r1', { taskId: 't2', phase: 'build' })).status).toBe(201);
    expect(await scene.usage('a')).toMatchObject({ cost: { heldUSD: 30, spentUSD: 10 } });
  });

  test('of a run that there is not: 404', async () => {
    expect((await scene.askPhase('a', 'nobody', { phase: 'build' })).status).toBe(404);
  });

  test('of a run at its pause threshold: 402 at the level of the run', async () => {
    await scene.ask('a', 'r1', { maxCostUSD: 10 });
    await scene.spend('a', 'r1', 'e1', 9.5);
    const { status, body } = await scene.askPhase('a', 'r1', { phase: 'build' });
    expect(status).toBe(402);
    expect(codesOf(body)).toEqual(['budget_exhausted run cost']);
  });
});

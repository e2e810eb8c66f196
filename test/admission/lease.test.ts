/** Claims (A11), leases (A12) and fencing (A13). */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { withScene } from './with-scene.ts';

const { db, api, scene } = withScene(async ({ scene }) => {
  await scene.setPool(4);
  await scene.setQuotas('a', { cpu: { limit: 100 } });
});

describe('claims (A11, A14)', () => {
  test('a granted task is claimed once, with a lease of its own length', async () => {
    await scene.ask('a', 'r1', { start: 'queue', leaseSeconds: 100 });
    expect(await scene.claim('a', 'r1')).toMatchObject({
      status: 200,
      body: { state: 'running', lease: { epoch: 1, expiresAt: '2026-03-11T12:01:40.000Z' } },
    });
    expect(await scene.claim('a', 'r1')).toMatchObject({ status: 409, body: { code: 'not_granted' } });
    expect(await scene.eventsOf('a', 'r1')).toEqual(['run-admitted', 'task-granted', 'task-started']);
  });

  test('the claimer may ask for another lease', async () => {
    await scene.ask('a', 'r1', { start: 'queue' });
    expect((await scene.claim('a', 'r1', { leaseSeconds: 10 })).body.lease.expiresAt).toBe(
      '2026-03-11T12:00:10.000Z',
    );
  });

  test('a queued task cannot be claimed, whoever rings', async () => {
    await scene.ask('a', 'r1', { cpu: 4 });
    await scene.ask('a', 'r2', { cpu: 1 });
    expect(await scene.claim('a', 'r2')).toMatchObject({ status: 409, body: { state: 'queued' } });
  });

  test('claims takes the best granted first: class, acceptance, id', async () => {
    const classes = { r1: 'P3', r2: 'P1', r3: 'P2', r4: 'P1' };
    for (const [id, of] of Object.entries(classes)) await scene.askAs(of, 'a', id, { start: 'queue' });
    const { body } = await api.call({ tenantId: 'a' }, 'POST', '/v1/claims', { max: 3 });
    expect(body.tasks.map((task: { taskId: string }) => task.taskId)).toEqual(['r2', 'r4', 'r3']);
    expect((await api.call({ tenantId: 'a' }, 'POST', '/v1/claims', { classes: ['P2'] })).body).toEqual({
      tasks: [],
      pollAfterMs: expect.any(Number),
    });
    expect((await api.call({ tenantId: 'a' }, 'POST', '/v1/claims', {})).body.tasks).toHaveLength(1);
  });

  test('not claimed within 60 s a task gives up its room at once and returns to its old place', async () => {
    await scene.ask('a', 'r1', { cpu: 4, start: 'queue' });
    api.advance(1);
    await scene.ask('a', 'r2', { cpu: 4 });
    api.advance(58.999);
    expect(await scene.stateOf('a', 'r1')).toBe('granted');
    api.advance(0.001);
    expect(await scene.claim('a', 'r1')).toMatchObject({ status: 409, body: { code: 'not_granted' } });
    await scene.sweep();
    // The oldest of its class: first again.
    expect(await scene.task('a', 'r1')).toMatchObject({ body: { state: 'granted' } });
    expect((await scene.claim('a', 'r1')).body.lease.epoch).toBe(2);
    expect(await scene.stateOf('a', 'r2')).toBe('queued');
  });

  test('the time in line is counted once, the unclaimed grant included', async () => {
    await scene.ask('a', 'r0', { cpu: 4, leaseSeconds: 3600 });
    await scene.ask('a', 'r1', { cpu: 4 });
    api.advance(100);
    await scene.complete('a', 'r0', 1);
    api.advance(60);
    await scene.sweep();
    await scene.claim('a', 'r1');
    expect((await api.call({ tenantId: 'a' }, 'GET', '/v1/runs/r1')).body.metrics.queuedMs).toBe(160_000);
  });
});

describe('leases (A12)', () => {
  test('a heartbeat renews it from now on', async () => {
    await scene.ask('a', 'r1');
    api.advance(59.999);
    expect(await scene.heartbeat('a', 'r1', 1)).toMatchObject({
      status: 200,
      body: {
        state: 'running',
        lease: { epoch: 1, expiresAt: '2026-03-11T12:01:59.999Z' },
        directive: { action: 'continue' },
      },
    });
  });

  test.each([9, 86_401])('%i s is no lease', async (leaseSeconds) => {
    expect(await scene.ask('a', 'r1', { leaseSeconds })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'leaseSeconds' }] },
    });
  });

  test('a lapsed lease stops counting by the clock alone, before any sweep', async () => {
    await scene.ask('a', 'r1', { cpu: 4 });
    api.advance(59.999);
    expect((await scene.ask('a', 'r2', { cpu: 4, dryRun: true })).body.decision).toBe('queued');
    api.advance(0.001);
    expect((await scene.ask('a', 'r2', { cpu: 4 })).status).toBe(201);
    // Its room is given away: the runner that comes back has lost it.
    expect(await scene.heartbeat('a', 'r1', 1)).toMatchObject({ status: 409, body: { code: 'stale_epoch' } });
  });

  test("nor does it count in its tenant's share, which orders the line (A10)", async () => {
    await scene.setQuotas('b', {});
    await scene.ask('a', 'a1', { cpu: 3 });
    await scene.ask('b', 'b1', { cpu: 1, leaseSeconds: 3600 });
    await scene.ask('b', 'b2', { cpu: 4 });
    await scene.ask('a', 'a2', { cpu: 4 });
    const placeOf = async (of: string, id: string) => (await scene.task(of, id)).body.queue.position;
    expect([await placeOf('b', 'b2'), await placeOf('a', 'a2')]).toEqual([1, 2]);
    api.advance(60);
    expect([await placeOf('b', 'b2'), await placeOf('a', 'a2')]).toEqual([2, 1]);
  });

  test('a runner that comes back before its task was given away gets the lease back', async () => {
    await scene.ask('a', 'r1', { cpu: 4 });
    api.advance(500);
    expect(await scene.heartbeat('a', 'r1', 1)).toMatchObject({
      status: 200,
      body: { state: 'running', lease: { epoch: 1 } },
    });
    expect((await scene.ask('a', 'r2', { cpu: 4 })).status).toBe(202);
  });

  test('also when the sweep has queued it again and nobody took it', async () => {
    await scene.ask('a', 'r1', { cpu: 4 });
    await scene.setPool(3);
    api.advance(60);
    await scene.sweep();
    expect(await scene.stateOf('a', 'r1')).toBe('queued');
    expect((await scene.heartbeat('a', 'r1', 1)).status).toBe(409);
    await db.admin.query('update pool set cpu = 4');
    expect(await scene.heartbeat('a', 'r1', 1)).toMatchObject({ status: 200, body: { state: 'running' } });
    expect(await scene.usage('a')).toMatchObject({ cpu: { held: 4, used: 4 } });
  });

  test('the sweep queues it again three times, with its last checkpoint, and then fails it', async () => {
    await scene.ask('a', 'r1');
    await scene.checkpoint('a', 'r1', 1, 1, { step: 7 });
    for (let epoch = 1; epoch <= 3; epoch += 1) {
      api.advance(60);
      expect(await scene.sweep()).toMatchObject({ lapsed: 1, failed: 0 });
      expect(await scene.claim('a', 'r1')).toMatchObject({
        status: 200,
        body: {
          lease: { epoch: epoch + 1 },
          attempts: epoch,
          checkpoint: { sequence: 1, data: { step: 7 } },
        },
      });
    }
    api.advance(60);
    expect(await scene.sweep()).toMatchObject({ lapsed: 0, failed: 1 });
    expect((await scene.task('a', 'r1')).body).toMatchObject({ state: 'failed', failCode: 'lease_expired' });
    expect(await scene.usage('a')).toMatchObject({ cpu: { held: 0, used: 0 } });
    expect((await scene.eventsOf('a', 'r1')).filter((type) => type === 'lease-expired')).toHaveLength(4);
  });

  test('work since the last checkpoint is lost with the lease, in USD and once', async () => {
    await scene.ask('a', 'r1');
    await scene.spend('a', 'r1', 'e1', 0.1, { taskId: 'r1' });
    await scene.checkpoint('a', 'r1', 1, 1);
    await scene.spend('a', 'r1', 'e2', 0.02, { taskId: 'r1' });
    api.advance(60);
    await scene.sweep();
    await scene.claim('a', 'r1');
    api.advance(60);
    await scene.sweep();
    expect((await api.call({ tenantId: 'a' }, 'GET', '/v1/runs/r1')).body.metrics.lostWorkUSD).toBe(0.02);
  });

  test('a heartbeat that meets a finished task hears so, not an error', async () => {
    await scene.ask('a', 'r1');
    await scene.complete('a', 'r1', 1);
    expect(await scene.heartbeat('a', 'r1', 1)).toMatchObject({
      status: 200,
      body: { state: 'completed', lease: null, directive: { action: 'stop', reason: 'completed' } },
    });
    await scene.ask('a', 'r2');
    await scene.cancel('a', 'r2');
    expect(await scene.heartbeat('a', 'r2', 1)).toMatchObject({
      status: 200,
      body: { state: 'cancelled', directive: { action: 'stop' } },
    });
  });
});

describe('fencing (A13)', () => {
  beforeEach(async () => {
    await scene.ask('a', 'r1');
    api.advance(60);
    await scene.sweep();
    await scene.claim('a', 'r1');
  });

  test.each([
    ['heartbeat', () => scene.heartbeat('a', 'r1', 1)],
    ['checkpoint', () => scene.checkpoint('a', 'r1', 1, 1)],
    ['completion', () => scene.complete('a', 'r1', 1)],
    ['failure', () => scene.complete('a', 'r1', 1, 'failed')],
    ['heartbeat of an epoch to come', () => scene.heartbeat('a', 'r1', 3)],
  ])('a %s with another epoch changes nothing and gets 409', async (_what, call) => {
    const before = await db.admin.query(`select * from tasks`);
    expect(await call()).toMatchObject({ status: 409, body: { code: 'stale_epoch', epoch: 2 } });
    expect(await db.admin.query(`select * from tasks`)).toEqual(before);
  });

  test('the cost it reports is booked all the same', async () => {
    const answer = await scene.spend('a', 'r1', 'e1', 0.25, { taskId: 'r1', epoch: 1 });
    expect(answer).toMatchObject({ status: 200, body: { accepted: 1, budget: { spentUSD: 0.25 } } });
    const [row] = await db.admin.query(`select stale_epoch from cost_events`);
    expect(row).toEqual({ stale_epoch: true });
  });
});

/** Checkpoints (P4) and the end of a run (A12, B9). */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { withScene } from './with-scene.ts';

const { api, scene } = withScene(async ({ scene }) => {
  await scene.setPool(4);
  await scene.setQuotas('a', { cpu: { limit: 100 } });
});

describe('checkpoints (P4)', () => {
  beforeEach(async () => {
    await scene.ask('a', 'r1');
  });

  test('sequences rise; the same one with the same content is a repeat, with another a conflict', async () => {
    const first = await scene.checkpoint('a', 'r1', 1, 3, { at: 1 });
    expect(first).toMatchObject({
      status: 201,
      body: { sequence: 3, state: 'running', directive: { action: 'continue' } },
    });
    expect((await scene.checkpoint('a', 'r1', 1, 3, { at: 1 })).body).toEqual(first.body);
    expect(await scene.checkpoint('a', 'r1', 1, 3, { at: 2 })).toMatchObject({
      status: 409,
      body: { code: 'sequence_conflict' },
    });
    expect((await scene.checkpoint('a', 'r1', 1, 2, { at: 1 })).status).toBe(409);
    expect((await scene.checkpoint('a', 'r1', 1, 4, { at: 2 })).status).toBe(201);
    expect((await scene.eventsOf('a', 'r1')).filter((type) => type === 'checkpoint-saved')).toHaveLength(2);
  });

  test.each([
    ['256 KB as JSON fit', 256 * 1024 - 2, 201],
    ['one byte more does not', 256 * 1024 - 1, 400],
  ])('%s', async (_what, length, status) => {
    expect((await scene.checkpoint('a', 'r1', 1, 1, 'x'.repeat(length))).status).toBe(status);
  });

  test.each([
    ['neither data nor location', {}, 'data'],
    ['both', { data: 1, location: 's3://b/k' }, 'data'],
    ["a size that is not the data's", { data: { a: 1 }, sizeBytes: 8 }, 'sizeBytes'],
    ["a hash that is not the data's", { data: { a: 1 }, sha256: '0'.repeat(64) }, 'sha256'],
  ])('%s is refused', async (_what, body, path) => {
    const answer = await api.call({ tenantId: 'a' }, 'POST', '/v1/tasks/r1/checkpoints', {
      epoch: 1,
      sequence: 1,
      ...body,
    });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  });

  test('data elsewhere is kept as told, with size and hash', async () => {
    const elsewhere = { location: 's3://bucket/key', sizeBytes: 5_000_000_000, sha256: 'a'.repeat(64) };
    const answer = await api.call({ tenantId: 'a' }, 'POST', '/v1/tasks/r1/checkpoints', {
      epoch: 1,
      sequence: 1,
      ...elsewhere,
    });
    expect(answer.status).toBe(201);
    expect((await scene.task('a', 'r1')).body.checkpoint).toMatchObject({ sequence: 1, ...elsewhere });
  });

  test('a task that has ended takes none', async () => {
    await scene.complete('a', 'r1', 1);
    expect((await scene.checkpoint('a', 'r1', 1, 1)).status).toBe(409);
  });
});

describe('the end', () => {
  test.each([
    ['completed', 'completed'],
    ['failed', 'failed'],
  ])('a task that %s gives room, quota and money back, once', async (outcome, status) => {
    await scene.ask('a', 'r1', { maxCostUSD: 5 });
    await scene.spend('a', 'r1', 'e1', 1);
    const first = await scene.complete('a', 'r1', 1, outcome);
    expect(first).toMatchObject({ status: 200, body: { status, costs: { totalUSD: 1, heldUSD: 0 } } });
    expect(await scene.complete('a', 'r1', 1, outcome)).toMatchObject({ status: 200, body: { status } });
    const other = outcome === 'completed' ? 'failed' : 'completed';
    expect(await scene.complete('a', 'r1', 1, other)).toMatchObject({
      status: 409,
      body: { code: 'already_ended' },
    });
    expect((await scene.eventsOf('a', 'r1')).filter((type) => type === `run-${status}`)).toHaveLength(1);
    expect(await scene.usage('a')).toMatchObject({ cpu: { held: 0 }, cost: { spentUSD: 1, heldUSD: 0 } });
  });

  test.each(['queued', 'granted', 'running'])('a %s task is cancelled, once', async (state) => {
    if (state === 'queued') await scene.ask('a', 'r0', { cpu: 4 });
    await scene.ask('a', 'r1', { cpu: 2, start: state === 'granted' ? 'queue' : 'now' });
    expect(await scene.stateOf('a', 'r1')).toBe(state);
    expect(await scene.cancel('a', 'r1')).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect((await scene.cancel('a', 'r1')).status).toBe(200);
    expect(await scene.complete('a', 'r1', 1)).toMatchObject({ status: 409 });
    expect((await scene.eventsOf('a', 'r1')).filter((type) => type === 'run-cancelled')).toHaveLength(1);
  });

  test('room that is given back goes to the head of the line', async () => {
    await scene.ask('a', 'r1', { cpu: 4 });
    await scene.ask('a', 'r2', { cpu: 4 });
    await scene.complete('a', 'r1', 1);
    expect(await scene.stateOf('a', 'r2')).toBe('granted');
    expect((await scene.claim('a', 'r2')).status).toBe(200);
  });

  test('a run past its longest duration is told to stop, and its tasks fail at the next sweep (B9)', async () => {
    await scene.ask('a', 'r1', { budget: { maxCostUSD: 1, maxDurationMs: 90_000 }, leaseSeconds: 3600 });
    api.advance(89.999);
    expect((await scene.heartbeat('a', 'r1', 1)).body.directive).toEqual({ action: 'continue' });
    api.advance(0.001);
    expect((await scene.heartbeat('a', 'r1', 1)).body.directive).toEqual({
      action: 'stop',
      reason: 'max_duration',
    });
    expect(await scene.sweep()).toMatchObject({ overdue: 1 });
    expect((await scene.task('a', 'r1')).body).toMatchObject({ state: 'failed', failCode: 'max_duration' });
  });

  test('a runner with a lapsed lease may still deliver while its task was not given away', async () => {
    await scene.ask('a', 'r1');
    api.advance(61);
    expect(await scene.complete('a', 'r1', 1)).toMatchObject({ status: 200, body: { status: 'completed' } });
  });
});

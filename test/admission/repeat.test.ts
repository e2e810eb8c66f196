/** Repeated requests (A7), violations and the throttle (A6). */

import { describe, expect, test } from '@jest/globals';
import { tally } from './scene.ts';
import { withScene } from './with-scene.ts';

const { db, api, scene } = withScene(async ({ scene }) => {
  await scene.setPool(100, 400);
  await scene.setQuotas('a', { cpu: { limit: 10, burstShare: 0 } });
});

const violationsOf = async (tenantId: string) =>
  (await api.call({ tenantId }, 'GET', `/v1/tenants/${tenantId}/violations`)).body.items;
const countOf = async (table: string) => {
  const [row] = await db.admin.query<{ count: bigint }>(`select count(*) from ${table}`);
  return Number(row?.count);
};
const eventTypes = async () =>
  (
    await db.admin.query<{ detail_type: string }>(
      `select detail_type from events where run_id is null order by event_seq`,
    )
  ).map((row) => row.detail_type);

describe('a repeated request hears the first answer (A7)', () => {
  test('an admitted run, at once and a day later', async () => {
    const first = await scene.ask('a', 'r1');
    for (const seconds of [0, 86_400]) {
      api.advance(seconds);
      const again = await scene.ask('a', 'r1');
      expect({ status: again.status, body: again.body }).toEqual({ status: 201, body: first.body });
      expect(again.headers['idempotent-replayed']).toBe('true');
    }
    expect(await countOf('tasks')).toBe(1);
  });

  test('also after the run has ended', async () => {
    const first = await scene.ask('a', 'r1');
    await scene.complete('a', 'r1', 1);
    expect((await scene.ask('a', 'r1')).body).toEqual(first.body);
    expect(await scene.usage('a')).toMatchObject({ cpu: { held: 0 } });
  });

  test('a queued run', async () => {
    await scene.setPool(1, 400);
    await scene.ask('a', 'r0');
    const first = await scene.ask('a', 'r1');
    expect(first.status).toBe(202);
    await scene.complete('a', 'r0', 1);
    expect(await scene.ask('a', 'r1')).toMatchObject({ status: 202, body: first.body });
  });

  test('a further phase', async () => {
    await scene.ask('a', 'r1');
    const phase = { taskId: 't2', phase: 'build', resources: { cpu: 1, memoryGb: 1 } };
    const first = await scene.askPhase('a', 'r1', phase);
    expect(await scene.askPhase('a', 'r1', phase)).toMatchObject({ status: 201, body: first.body });
    expect(await scene.usage('a')).toMatchObject({ cpu: { held: 2 } });
  });

  test('the order of members does not matter', async () => {
    const body = { runId: 'r1', phase: 'plan', budget: { maxCostUSD: 1 } };
    const turned = { budget: { maxCostUSD: 1 }, phase: 'plan', runId: 'r1' };
    const first = await api.call({ tenantId: 'a' }, 'POST', '/v1/runs', body);
    expect(await api.call({ tenantId: 'a' }, 'POST', '/v1/runs', turned)).toMatchObject({
      status: 201,
      body: first.body,
    });
  });

  test.each([
    ['the run id with other resources', { cpu: 2 }],
    ['the run id with another budget', { maxCostUSD: 2 }],
    ['the run id with another phase', { phase: 'plan' }],
  ])('%s: 422', async (_what, other) => {
    await scene.ask('a', 'r1');
    expect(await scene.ask('a', 'r1', other)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_mismatch' },
    });
  });

  test('a task id of another run: 422', async () => {
    await scene.ask('a', 'r1', { taskId: 't1' });
    expect(await scene.ask('a', 'r2', { taskId: 't1' })).toMatchObject({ status: 422 });
    await scene.ask('a', 'r3');
    expect(await scene.askPhase('a', 'r3', { taskId: 't1', phase: 'build' })).toMatchObject({ status: 422 });
  });

  test('the same ids of another tenant are another run', async () => {
    await scene.setQuotas('b', {});
    await scene.ask('a', 'r1');
    expect(await scene.ask('b', 'r1', { cpu: 2 })).toMatchObject({ status: 201, body: { tenantId: 'b' } });
  });

  test('an Idempotency-Key stands for a request that names no id', async () => {
    const body = { phase: 'plan', budget: { maxCostUSD: 1 } };
    const ask = (of: object, key: string) =>
      api.call({ tenantId: 'a' }, 'POST', '/v1/runs', of, { 'idempotency-key': key });
    const first = await ask(body, 'k1');
    const again = await ask(body, 'k1');
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect((await ask({ ...body, phase: 'build' }, 'k1')).status).toBe(422);
    expect((await ask(body, 'k2')).body.runId).not.toBe(first.body.runId);
  });

  test('a refusal: the same answer and one violation, until what it rested on has changed', async () => {
    await scene.ask('a', 'r1', { cpu: 8 });
    const first = await scene.ask('a', 'r2', { cpu: 8 });
    for (let repeat = 0; repeat < 10; repeat += 1) {
      expect(await scene.ask('a', 'r2', { cpu: 8 })).toMatchObject({ status: 429, body: first.body });
    }
    expect(await violationsOf('a')).toHaveLength(1);
    await scene.complete('a', 'r1', 1);
    expect((await scene.ask('a', 'r2', { cpu: 8 })).status).toBe(201);
  });

  test('the same request refused anew after its retry time is still one violation', async () => {
    await scene.ask('a', 'r1', { cpu: 8, leaseSeconds: 3600 });
    for (let repeat = 0; repeat < 10; repeat += 1) {
      expect((await scene.ask('a', 'r2', { cpu: 8 })).body.code).toBe('quota_exceeded');
      api.advance(11);
    }
    expect(await violationsOf('a')).toHaveLength(1);
  });
});

describe('violations and the throttle (A6)', () => {
  const refuse = async (count: number, prefix = 'v') => {
    const answers = [];
    for (let index = 0; index < count; index += 1)
      answers.push(await scene.ask('a', `${prefix}${index}`, { cpu: 11 }));
    return answers;
  };

  test('the fifth within 60 s starts 300 s of 429 for all new admissions', async () => {
    expect(tally(await refuse(4))).toEqual({ 422: 4 });
    expect((await scene.ask('a', 'r1')).status).toBe(201);
    expect(tally(await refuse(1, 'w'))).toEqual({ 422: 1 });
    const throttled = await scene.ask('a', 'r2');
    expect(throttled).toMatchObject({
      status: 429,
      body: { code: 'throttled', reasons: [{ code: 'throttled', retryAt: '2026-03-11T12:05:00.000Z' }] },
    });
    expect(throttled.headers['retry-after']).toBe('300');
    expect((await scene.usage('a')).throttledUntil).toBe('2026-03-11T12:05:00.000Z');
    api.advance(299.999);
    expect((await scene.ask('a', 'r3')).body.code).toBe('throttled');
    api.advance(0.001);
    expect((await scene.ask('a', 'r4')).status).toBe(201);
    expect((await eventTypes()).filter((type) => type === 'tenant-throttled')).toHaveLength(1);
  });

  test('five spread over 60 s do not', async () => {
    for (let index = 0; index < 5; index += 1) {
      await refuse(1, `s${index}`);
      api.advance(15);
    }
    expect((await scene.ask('a', 'r1')).status).toBe(201);
  });

  test('requests during the throttle neither count nor extend it, and are judged anew after it', async () => {
    await refuse(5);
    api.advance(200);
    expect(tally(await refuse(20, 'during'))).toEqual({ 429: 20 });
    expect(await violationsOf('a')).toHaveLength(5);
    api.advance(100);
    expect((await scene.ask('a', 'r1')).status).toBe(201);
    // A request throttled then is judged now, and only now is it a violation.
    expect((await scene.ask('a', 'during0', { cpu: 11 })).body.code).toBe('never_fits');
    expect(await violationsOf('a')).toHaveLength(6);
  });

  test('a throttled request hears of every other reason as well', async () => {
    await refuse(5);
    const { body } = await scene.ask('a', 'r1', { cpu: 11 });
    expect(body.reasons.map((reason: { code: string }) => reason.code)).toEqual(['throttled', 'never_fits']);
  });

  test('a throttled tenant does not wait for quota either', async () => {
    await refuse(5);
    expect((await scene.ask('a', 'r1', { onQuota: 'wait' })).status).toBe(429);
  });

  test('repeats and dry runs write none', async () => {
    await refuse(1);
    for (let repeat = 0; repeat < 5; repeat += 1) {
      await refuse(1);
      await scene.ask('a', `dry${repeat}`, { cpu: 11, dryRun: true });
    }
    expect(await violationsOf('a')).toHaveLength(1);
    expect((await scene.ask('a', 'r1')).status).toBe(201);
  });

  test('running work goes on, and what was accepted is still answered', async () => {
    const first = await scene.ask('a', 'r1');
    await refuse(5);
    expect((await scene.heartbeat('a', 'r1', 1)).body.directive).toEqual({ action: 'continue' });
    expect((await scene.ask('a', 'r1')).body).toEqual(first.body);
    expect((await scene.spend('a', 'r1', 'e1', 0.1)).status).toBe(200);
    expect((await scene.complete('a', 'r1', 1)).status).toBe(200);
  });

  test('another tenant is not throttled', async () => {
    await scene.setQuotas('b', {});
    await refuse(5);
    expect((await scene.ask('b', 'r1')).status).toBe(201);
  });

  test('after a throttle five new ones start the next', async () => {
    await refuse(5);
    api.advance(300);
    expect(tally(await refuse(4, 'x'))).toEqual({ 422: 4 });
    expect((await scene.ask('a', 'r1')).status).toBe(201);
    await refuse(1, 'y');
    expect((await scene.ask('a', 'r2')).body.code).toBe('throttled');
  });

  test('a violation names tenant, resource and numbers', async () => {
    await refuse(1);
    expect(await violationsOf('a')).toMatchObject([
      {
        type: 'quota_exceeded',
        severity: 'warning',
        resource: 'cpu',
        at: '2026-03-11T12:00:00.000Z',
        message: expect.stringContaining('11'),
      },
    ]);
  });

  test('quota-exceeded comes at once, then at most every 10 s with a count (E3)', async () => {
    await refuse(3, 'a');
    api.advance(10);
    await refuse(1, 'b');
    const rows = await db.admin.query<{ count: number }>(
      `select (body->'data'->>'count')::integer as count from events where detail_type = 'quota-exceeded' order by event_seq`,
    );
    expect(rows.map((row) => row.count)).toEqual([1, 3]);
    expect((await eventTypes()).filter((type) => type === 'quota-violation')).toHaveLength(4);
  });
});

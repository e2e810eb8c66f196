import { describe, expect, test } from '@jest/globals';
import { type Ask, bodyOf } from './scene.ts';
import { codesOf, someQuotas, withScene } from './with-scene.ts';

/** A tenant of `someQuotas` on a pool of 100 vCPU and 400 GB. */
const { db, api, scene } = withScene(async ({ scene }) => {
  await scene.setPool(100, 400);
  await scene.setQuotas('a', someQuotas);
});

describe('the answer of an accepted run', () => {
  test('an admitted run has the lease, its budget held, and its decision stored', async () => {
    const { status, body } = await scene.ask('a', 'r1', {
      phase: 'plan',
      cpu: 2,
      memoryGb: 8,
      maxCostUSD: 12.5,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      runId: 'r1',
      taskId: 'r1',
      tenantId: 'a',
      phase: 'plan',
      decision: 'admitted',
      state: 'running',
      priority: { class: 'P2', reason: 'phase:plan', overridable: true },
      resources: { cpu: 2, memoryGb: 8, burstCpu: 0, burstMemoryGb: 0 },
      lease: { epoch: 1, expiresAt: '2026-03-11T12:01:00.000Z' },
      queue: null,
      budget: {
        limitUSD: 12.5,
        spentUSD: 0,
        heldUSD: 12.5,
        percentUsed: 0,
        level: 'ok',
        firedThresholds: [],
        version: 1,
      },
    });
    const decision = await api.call('operator', 'GET', `/v1/decisions/${body.decisionId}`);
    expect(decision).toMatchObject({ status: 200, body: { kind: 'admit', result: 'admitted' } });
  });

  test('the phase gives resources that the caller does not name', async () => {
    const { body } = await api.call({ tenantId: 'a' }, 'POST', '/v1/runs', {
      phase: 'build',
      budget: { maxCostUSD: 1 },
    });
    expect(body.resources).toEqual({ cpu: 8, memoryGb: 32, burstCpu: 0, burstMemoryGb: 0 });
    expect(body.taskId).toBe(body.runId);
  });

  test('a caller names task, lease and start; a queue start is granted and not leased', async () => {
    const first = await scene.ask('a', 'r1', { taskId: 't1', leaseSeconds: 3600 });
    expect(first.body).toMatchObject({ taskId: 't1', lease: { expiresAt: '2026-03-11T13:00:00.000Z' } });
    const second = await scene.ask('a', 'r2', { start: 'queue' });
    expect(second).toMatchObject({
      status: 201,
      body: { decision: 'admitted', state: 'granted', lease: null },
    });
  });

  test('what fits the quota and not the pool waits', async () => {
    await scene.setPool(4, 400);
    await scene.ask('a', 'r1', { cpu: 3 });
    const { status, body } = await scene.ask('a', 'r2', { cpu: 2 });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      decision: 'queued',
      state: 'queued',
      lease: null,
      queue: { position: 1, aheadInTenant: 0, waitingFor: 'pool' },
    });
    expect(await scene.usage('a')).toMatchObject({ cpu: { held: 5, used: 3 } });
  });
});

describe('a refusal names every failing dimension, the leading code first (A2)', () => {
  const cases: [string, Ask, number, string, string[]][] = [
    ['cpu above limit and burst never fits', { cpu: 15.001 }, 422, 'never_fits', ['never_fits tenant cpu']],
    [
      'memory above limit and burst never fits',
      { memoryGb: 60.001 },
      422,
      'never_fits',
      ['never_fits tenant memory'],
    ],
    [
      'money above the cost quota never fits',
      { maxCostUSD: 100.000000001 },
      422,
      'never_fits',
      ['never_fits tenant cost'],
    ],
    [
      'cpu, memory, runs and money at once',
      { cpu: 15, memoryGb: 60, maxCostUSD: 60 },
      429,
      'quota_exceeded',
      [
        'quota_exceeded tenant cpu',
        'quota_exceeded tenant memory',
        'quota_exceeded tenant concurrent_runs',
        'budget_exhausted tenant cost',
      ],
    ],
    [
      'never_fits leads before quota_exceeded and budget_exhausted',
      { cpu: 15, memoryGb: 61, maxCostUSD: 60 },
      422,
      'never_fits',
      [
        'never_fits tenant memory',
        'quota_exceeded tenant cpu',
        'quota_exceeded tenant concurrent_runs',
        'budget_exhausted tenant cost',
      ],
    ],
  ];
  test.each(cases)('%s', async (_what, ask, status, code, reasons) => {
    // Holds 5 vCPU, 5 GB, 50 USD and all five runs.
    for (const id of [1, 2, 3, 4, 5]) await scene.ask('a', `r${id}`, { maxCostUSD: 10 });
    if (reasons.length === 1) for (const id of [1, 2]) await scene.complete('a', `r${id}`, 1);
    const before = await scene.usage('a');
    const answer = await scene.ask('a', 'new', ask);
    expect(answer).toMatchObject({ status, body: { code, decision: 'refused' } });
    expect(codesOf(answer.body)).toEqual(reasons);
    expect(await scene.usage('a')).toEqual(before);
    expect((await scene.task('a', 'new')).status).toBe(404);
  });

  test('each reason has its numbers, and when to ask again', async () => {
    await scene.ask('a', 'r1', { cpu: 10, maxCostUSD: 70 });
    const { body, headers } = await scene.ask('a', 'r2', { cpu: 6, maxCostUSD: 40 });
    expect(body.reasons).toEqual([
      {
        code: 'quota_exceeded',
        level: 'tenant',
        resource: 'cpu',
        limit: 10,
        burst: 5,
        used: 10,
        held: 10,
        asked: 6,
        retryAt: '2026-03-11T12:00:10.000Z',
      },
      {
        code: 'budget_exhausted',
        level: 'tenant',
        resource: 'cost',
        limit: 100,
        burst: 0,
        used: 0,
        held: 70,
        asked: 40,
        retryAt: '2026-04-01T00:00:00.000Z',
      },
    ]);
    expect(headers['retry-after']).toBe('10');
    expect(body.violations).toMatchObject([{ type: 'quota_exceeded', resource: 'cpu' }]);
  });

  test('what exceeds the whole pool is refused at once, though the pool is empty', async () => {
    await scene.setPool(4, 2);
    const { status, body } = await scene.ask('a', 'r1', { cpu: 5, memoryGb: 3 });
    expect(status).toBe(422);
    expect(codesOf(body)).toEqual(['never_fits pool cpu', 'never_fits pool memory']);
    // The pool is nobody's quota: no violation.
    expect((await api.call({ tenantId: 'a' }, 'GET', '/v1/tenants/a/violations')).body.items).toEqual([]);
  });

  test('money alone answers 402', async () => {
    await scene.ask('a', 'r1', { maxCostUSD: 60 });
    const { status, body } = await scene.ask('a', 'r2', { maxCostUSD: 40.000000001 });
    expect(status).toBe(402);
    expect(codesOf(body)).toEqual(['budget_exhausted tenant cost']);
    expect((await scene.ask('a', 'r3', { maxCostUSD: 40 })).status).toBe(201);
  });

  test('from the pause threshold of its cost quota on, a tenant gets no new holds (B6)', async () => {
    await scene.ask('a', 'r1', { maxCostUSD: 99 });
    await scene.spend('a', 'r1', 'e1', 94.999999999);
    await scene.complete('a', 'r1', 1);
    expect((await scene.ask('a', 'r2', { maxCostUSD: 1 })).status).toBe(201);
    await scene.spend('a', 'r2', 'e2', 0.000000001);
    expect(await scene.ask('a', 'r3', { maxCostUSD: 1 })).toMatchObject({
      status: 402,
      body: { code: 'budget_exhausted' },
    });
  });

  test('a rejected plan blocks the next phase until a score passes, where the tenant enforces it (D5)', async () => {
    await scene.setQuotas('a', { qualityGate: 'enforce' });
    await scene.ask('a', 'r1', { phase: 'plan' });
    const score = (recommendation: string, at: string) =>
      db.admin.query(
        `insert into deliberation_scores (score_id, tenant_id, run_id, phase, overall_score, depth_score, coherence_score,
           relevance_score, recommendation, scorer_version, thresholds, evidence, contradictions, recommendations, text_sha256, created_at)
         values ($2::text, 'a', 'r1', 'plan', 0.5, 0.5, 0.5, 0.5, $1, 'test', '{}', '{}', '[]', '[]', '', $2::text::timestamptz)`,
        [recommendation, at],
      );
    await score('reject', '2026-03-11T11:00:00Z');
    const gated = await scene.askPhase('a', 'r1', {
      taskId: 't2',
      phase: 'build',
      resources: { cpu: 16, memoryGb: 1 },
    });
    expect(codesOf(gated.body)).toEqual(['never_fits tenant cpu', 'quality_gate run']);
    expect((await scene.askPhase('a', 'r1', { taskId: 't3', phase: 'design' })).body.code).toBe(
      'quality_gate',
    );
    await score('review', '2026-03-11T11:01:00Z');
    expect((await scene.askPhase('a', 'r1', { taskId: 't4', phase: 'design' })).status).toBe(409);
    await score('pass', '2026-03-11T11:02:00Z');
    expect((await scene.askPhase('a', 'r1', { taskId: 't5', phase: 'design' })).status).toBe(201);
  });
});

describe('limits (A4)', () => {
  test.each([
    ['cpu', { cpu: { limit: 0 } }],
    ['memory', { memory: { limit: 0 } }],
    ['cost', { cost: { limitUSD: 0 } }],
    ['concurrent_runs', { concurrentRuns: { limit: 0 } }],
  ])('zero %s means none', async (resource, limit) => {
    await scene.setQuotas('b', limit);
    const { status, body } = await scene.ask('b', 'r1');
    expect(status).toBe(422);
    expect(codesOf(body)).toEqual([`never_fits tenant ${resource}`]);
  });

  test('a limit of zero leaves room for those who ask for nothing of it', async () => {
    await scene.setQuotas('b', { memory: { limit: 0 } });
    expect((await scene.ask('b', 'r1', { memoryGb: 0 })).status).toBe(201);
  });

  test('null, or nothing, means no bound', async () => {
    await scene.setPool(null);
    await scene.setQuotas('b', { cpu: { limit: 1 } });
    await scene.setQuotas('b', { cpu: { limit: null } });
    expect(
      (await scene.ask('b', 'r1', { cpu: 100_000, memoryGb: 100_000, maxCostUSD: 1_000_000 })).status,
    ).toBe(201);
  });

  test('exactly the limit fits, in every resource', async () => {
    const { status, body } = await scene.ask('a', 'r1', { cpu: 10, memoryGb: 40, maxCostUSD: 100 });
    expect(status).toBe(201);
    expect(body.resources).toMatchObject({ burstCpu: 0, burstMemoryGb: 0 });
  });

  test('decimals add up exactly', async () => {
    await scene.setQuotas('b', { cpu: { limit: 0.3, burstShare: 0 } });
    expect((await scene.ask('b', 'r1', { cpu: 0.1 })).status).toBe(201);
    expect((await scene.ask('b', 'r2', { cpu: 0.2 })).status).toBe(201);
    expect((await scene.ask('b', 'r3', { cpu: 0.001 })).body.code).toBe('quota_exceeded');
  });
});

describe('overrides (A3)', () => {
  test('an operator overrides class and overridable with a reason, which is stored with the actor', async () => {
    const priority = { class: 'P0', overridable: false, reason: 'incident 42' };
    const { body } = await api.call('operator', 'POST', '/v1/runs', {
      ...bodyOf('r1', {}),
      tenantId: 'a',
      priority,
    });
    expect(body.priority).toEqual({ class: 'P0', overridable: false, reason: 'incident 42' });
    const [row] = await db.admin.query(
      `select class, overridable, priority_reason, priority_actor from tasks where task_id = 'r1'`,
    );
    expect(row).toEqual({
      class: 0,
      overridable: false,
      priority_reason: 'incident 42',
      priority_actor: 'operator',
    });
  });

  test('a runner may not', async () => {
    const answer = await scene.ask('a', 'r1', { priority: { class: 'P0', reason: 'me first' } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'priority' }] } });
  });

  test('an operator gives a reason', async () => {
    const answer = await api.call('operator', 'POST', '/v1/runs', {
      ...bodyOf('r1', {}),
      tenantId: 'a',
      priority: { class: 'P0' },
    });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'priority.reason' }] } });
  });
});

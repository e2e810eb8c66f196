import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { cache, textOf, whale } from './samples.ts';

const database = withDatabase();
const api = testApi(() => database.app);

const sound = textOf(cache);
/** Sound in itself, and about something else. */
const foreign = textOf(whale);

async function run(tenantId: string, quotas: object = {}) {
  const as = { tenantId };
  await api.call('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, quotas);
  await api.call(as, 'POST', '/v1/runs', {
    runId: 'run',
    phase: 'plan',
    goal: cache.goal,
    budget: { maxCostUSD: 10 },
    leaseSeconds: 3600,
  });
  return {
    score: (text: string, more: object = {}) =>
      api.call(as, 'POST', '/v1/runs/run/deliberations', { text, ...more }),
    result: async () => (await api.call(as, 'GET', '/v1/runs/run')).body,
    nextPhase: (more: object = {}) =>
      api.call(as, 'POST', '/v1/runs/run/tasks', { phase: 'build', leaseSeconds: 3600, ...more }),
  };
}

test('a score is answered and stored with its evidence, version and thresholds (D1 to D3)', async () => {
  const { score } = await run('stored');
  const answer = await score(sound, { taskId: 'run', modelUsed: 'gpt-4o', thinkingTokens: 1200 });
  expect(answer).toMatchObject({
    status: 201,
    body: { recommendation: 'pass', thinkingTokens: 1200, contradictions: [] },
  });
  const { overall, depth, coherence, relevance } = answer.body;
  expect(overall).toBeCloseTo(0.35 * depth + 0.35 * coherence + 0.3 * relevance, 4);
  const [row] = await database.app.query<Record<string, unknown>>(
    `select score_id, run_id, task_id, phase, recommendation, thinking_tokens, model_used, scorer_version, evidence, thresholds
     from deliberation_scores where tenant_id = 'stored'`,
  );
  expect(row).toEqual({
    score_id: answer.body.scoreId,
    run_id: 'run',
    task_id: 'run',
    phase: 'plan',
    recommendation: 'pass',
    thinking_tokens: 1200,
    model_used: 'gpt-4o',
    scorer_version: answer.body.scorerVersion,
    evidence: answer.body.evidence,
    thresholds: answer.body.thresholds,
  });
});

test('the same text gives the same score, each time as a row of its own (D1)', async () => {
  const { score, result } = await run('same');
  const [first, second] = [await score(sound), await score(sound)];
  expect(second.body.overall).toBe(first.body.overall);
  expect(second.body.scoreId).not.toBe(first.body.scoreId);
  expect((await result()).deliberation.scores).toHaveLength(2);
});

test('the hash of the text is kept with it', async () => {
  const { score } = await run('hashed');
  await score(sound);
  const [row] = await database.app.query<{ text_sha256: string }>(
    `select text_sha256 from deliberation_scores where tenant_id = 'hashed'`,
  );
  expect(row?.text_sha256).toBe(createHash('sha256').update(sound).digest('hex'));
});

test("a goal in the request goes before the run's", async () => {
  const { score } = await run('goal');
  expect((await score(foreign)).body.recommendation).toBe('reject');
  expect((await score(foreign, { goal: whale.goal })).body.recommendation).not.toBe('reject');
});

test('a reject is a violation and a recommendation in the result of the run (D5)', async () => {
  const { score, result } = await run('rejected');
  const answer = await score(foreign);
  expect(answer.body).toMatchObject({ recommendation: 'reject' });
  expect(answer.body.recommendations).not.toEqual([]);
  const { violations, recommendations, deliberation } = await result();
  expect(violations).toMatchObject([{ type: 'low_reasoning_quality', severity: 'warning' }]);
  expect(recommendations).toEqual(expect.arrayContaining(answer.body.recommendations));
  expect(deliberation).toMatchObject({
    averageOverall: expect.closeTo(answer.body.overall, 4),
    lastRecommendation: 'reject',
    scores: [{ scoreId: answer.body.scoreId }],
  });
  const { body } = await api.call({ tenantId: 'rejected' }, 'GET', '/v1/tenants/rejected/violations');
  expect(body.items).toMatchObject([{ type: 'low_reasoning_quality' }]);
});

test('rejects never throttle a tenant: only quota refusals do (A6)', async () => {
  const { score, nextPhase } = await run('patient');
  for (let index = 0; index < 6; index += 1) await score(foreign);
  expect((await nextPhase()).status).toBe(201);
});

test('more than 2000 thinking tokens fall back, with the score given (D2)', async () => {
  const { score, result } = await run('long');
  expect((await score(sound, { thinkingTokens: 2000 })).body.recommendation).toBe('pass');
  const answer = await score(sound, { thinkingTokens: 2001 });
  expect(answer.body).toMatchObject({ recommendation: 'fallback', overall: expect.any(Number) });
  expect((await result()).recommendations).not.toEqual([]);
  expect((await result()).violations).toEqual([]);
});

test('the event tells the four numbers and the verdict', async () => {
  const { score } = await run('told');
  const { body } = await score(sound, { taskId: 'run' });
  const [event] = await database.app.query<{ data: unknown; task_id: string }>(
    `select task_id, body->'data' as data from events
     where tenant_id = 'told' and detail_type = 'deliberation-scored'`,
  );
  const { overall, depth, coherence, relevance } = body;
  expect(event).toEqual({
    task_id: 'run',
    data: { taskId: 'run', score: { overall, depth, coherence, relevance }, recommendation: 'pass' },
  });
});

test.each([
  ['an unknown run', '/v1/runs/nobody/deliberations', {}],
  ['an unknown task', '/v1/runs/run/deliberations', { taskId: 'nobody' }],
])('%s is 404 and stores nothing', async (name, path, more) => {
  const tenantId = name.replaceAll(' ', '-');
  await run(tenantId);
  const answer = await api.call({ tenantId }, 'POST', path, { text: sound, ...more });
  expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(
    await database.app.query('select 1 from deliberation_scores where tenant_id = $1', [tenantId]),
  ).toEqual([]);
});

test('a repeat under an Idempotency-Key is one score', async () => {
  await run('repeat');
  const call = () =>
    api.call(
      { tenantId: 'repeat' },
      'POST',
      '/v1/runs/run/deliberations',
      { text: sound },
      { 'idempotency-key': 'k' },
    );
  const first = await call();
  const second = await call();
  expect(second.body).toEqual(first.body);
  expect(second.headers).toMatchObject({ 'idempotent-replayed': 'true' });
  expect(
    await database.app.query(`select 1 from deliberation_scores where tenant_id = 'repeat'`),
  ).toHaveLength(1);
});

test('the gate: a rejected plan blocks the next phase until a later score passes (D5)', async () => {
  const { score, nextPhase } = await run('gated', { qualityGate: 'enforce' });
  await score(foreign);
  const refused = await nextPhase();
  expect(refused).toMatchObject({
    status: 409,
    body: { code: 'quality_gate', decision: 'refused', reasons: [{ code: 'quality_gate', level: 'run' }] },
  });
  expect((await nextPhase({ dryRun: true })).body).toMatchObject({ code: 'quality_gate' });
  api.advance(1);
  // Asked again with nothing changed it hears the same.
  expect((await nextPhase()).status).toBe(409);
  await score(sound);
  expect(await nextPhase()).toMatchObject({ status: 201 });
});

test('the gate stays shut on a fallback or review: only a pass opens it', async () => {
  const { score, nextPhase } = await run('shut', { qualityGate: 'enforce' });
  await score(foreign);
  api.advance(1);
  expect((await score(sound, { thinkingTokens: 5000 })).body.recommendation).toBe('fallback');
  expect((await nextPhase()).status).toBe(409);
});

test.each(['off', 'advise'])('with the gate at "%s" a rejected plan blocks nothing', async (qualityGate) => {
  const { score, nextPhase } = await run(`gate-${qualityGate}`, { qualityGate });
  await score(foreign);
  expect((await nextPhase()).status).toBe(201);
});

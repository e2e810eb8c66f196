/** What a verdict does (D5): violations, recommendations, and the gate in each of its settings. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { explainDecision } from '../../shared/admission/explain.ts';
import { wordsOf } from '../../shared/admission/explain-words.ts';
import { policyWith } from '../../shared/admission/policy.ts';
import { putInForce } from '../../shared/admission/policy-in-force.ts';
import { thresholdsOfStored, verdictOf } from '../../shared/deliberation/verdict.ts';
import { sceneOf, startAgain } from '../admission/scene.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { type Numbers, passing, rejected, reviewed, store } from './labelled-scorer.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

beforeEach(() => startAgain(db.admin, api));

const score = (numbers: Numbers, more: Parameters<typeof store>[4] = {}) =>
  store(db.app, 'a', numbers, api.now(), more);
const phase = (name: string, more: object = {}) => scene.askPhase('a', 'run', { phase: name, ...more });
const result = async () => (await api.call({ tenantId: 'a' }, 'GET', '/v1/runs/run')).body;

/** A run of tenant `a` whose plan is under way. */
async function planning(qualityGate: string, quotas: object = {}): Promise<void> {
  await scene.setQuotas('a', { qualityGate, ...quotas });
  expect((await scene.ask('a', 'run', { phase: 'plan', leaseSeconds: 3600 })).status).toBe(201);
}

describe('thresholds of a tenant', () => {
  test('decide from the next score on; each score keeps those that it was judged by, and is judged again by them', async () => {
    await planning('off');
    const numbers = { depth: 0.5, coherence: 0.7, relevance: 0.7 };
    expect((await score(numbers)).recommendation).toBe('review');
    await scene.setQuotas('a', { policy: { passDepth: 0.45 } });
    expect((await score(numbers)).recommendation).toBe('pass');
    await scene.setQuotas('a', { policy: { passDepth: null, rejectDepth: 0.51 } });
    expect((await score(numbers)).recommendation).toBe('reject');
    await scene.setQuotas('a', { policy: { thinkingTokensMax: 10 } });
    expect((await score(numbers, { thinkingTokens: 10 })).recommendation).toBe('reject');
    expect((await score(numbers, { thinkingTokens: 11 })).recommendation).toBe('fallback');
    const rows = await db.app.query<Record<string, never>>(
      `select overall_score, depth_score, coherence_score, relevance_score, recommendation, thinking_tokens, thresholds, scorer_version
       from deliberation_scores order by score_number`,
    );
    expect(rows).toHaveLength(5);
    for (const row of rows) {
      const stored = {
        overall: Number(row.overall_score),
        depth: Number(row.depth_score),
        coherence: Number(row.coherence_score),
        relevance: Number(row.relevance_score),
      };
      const again = verdictOf(stored, row.thinking_tokens ?? 0, thresholdsOfStored(row.thresholds as never));
      expect({ again, version: row.scorer_version }).toEqual({
        again: row.recommendation,
        version: 'labelled-1',
      });
    }
  });

  test('go before the stage’s, and the answer names those in force', async () => {
    await planning('off', { policy: { passDepth: 0.5 } });
    const restore = putInForce(policyWith({ pass_depth: 0.9, pass_relevance: 0.3, thinking_tokens_max: 7 }));
    try {
      const answer = await score({ depth: 0.5, coherence: 0.9, relevance: 0.4, overall: 0.6 });
      expect(answer).toMatchObject({
        recommendation: 'pass',
        thresholds: { pass_depth: 0.5, pass_coherence: 0.6, pass_relevance: 0.3, thinking_tokens_max: 7 },
      });
    } finally {
      restore();
    }
  });

  test('a score is judged as it is stored: a scorer’s seventh decimal decides nothing', async () => {
    await planning('off');
    const answer = await score({ depth: 0.59999999, coherence: 0.6, relevance: 0.6, overall: 0.59999999 });
    expect(answer).toMatchObject({ recommendation: 'pass', depth: 0.6, overall: 0.6 });
  });
});

describe('what the result of the run carries', () => {
  test('scores in the order in which they came, also where they share their time; the mean, and the last verdict', async () => {
    await planning('off');
    for (const numbers of [rejected, reviewed, passing, reviewed]) await score(numbers);
    const { deliberation } = await result();
    expect(deliberation.scores.map((one: { recommendation: string }) => one.recommendation)).toEqual([
      'reject',
      'review',
      'pass',
      'review',
    ]);
    // 0.35 * 0.7 + 0.35 * 0.1 + 0.3 * 0.6 = 0.46; (0.46 + 0.5 + 0.8 + 0.5) / 4 = 0.565
    expect(deliberation).toMatchObject({ averageOverall: 0.565, lastRecommendation: 'review' });
  });

  test('a violation for a reject, saying what was too low; recommendations for all but a pass', async () => {
    await planning('off');
    await score(passing);
    expect(await result()).toMatchObject({ violations: [], recommendations: [] });
    await score(reviewed);
    const afterReview = await result();
    expect(afterReview.violations).toEqual([]);
    expect(afterReview.recommendations).not.toEqual([]);
    await score(passing, { thinkingTokens: 2001 });
    const afterFallback = await result();
    expect(afterFallback.violations).toEqual([]);
    expect(afterFallback.recommendations.length).toBeGreaterThan(afterReview.recommendations.length);
    await score(rejected);
    expect((await result()).violations).toMatchObject([
      {
        type: 'low_reasoning_quality',
        severity: 'warning',
        message: 'The reasoning of plan was rejected: coherence 0.1 is below 0.2.',
        taskId: 'run',
      },
    ]);
  });
});

test('the event names the task, also where the caller did not', async () => {
  await planning('off');
  await phase('build', { taskId: 'builder' });
  await score(passing);
  await score(passing, { phase: 'build' });
  await score(passing, { taskId: 'builder' });
  const events = await db.app.query<{ data: Record<string, unknown> }>(
    `select body->'data' as data from events where detail_type = 'deliberation-scored' order by sequence`,
  );
  const numbers = { overall: 0.8, depth: 0.8, coherence: 0.8, relevance: 0.8 };
  expect(events.map(({ data }) => data)).toEqual(
    ['run', 'builder', 'builder'].map((taskId) => ({ taskId, score: numbers, recommendation: 'pass' })),
  );
  const rows = await db.app.query<{ phase: string; task_id: string }>(
    'select phase, task_id from deliberation_scores order by score_number',
  );
  expect(rows.map((row) => `${row.task_id} ${row.phase}`)).toEqual([
    'run plan',
    'builder build',
    'builder build',
  ]);
});

describe('enforced', () => {
  beforeEach(() => planning('enforce'));

  test('the refusal names the score, what was too low, and what to do', async () => {
    const { scoreId } = await score(rejected);
    const { status, body } = await phase('build');
    expect(status).toBe(409);
    expect(body).toMatchObject({
      code: 'quality_gate',
      detail: `The reasoning of plan (${scoreId}) was rejected: coherence 0.1 is below 0.2.`,
      reasons: [
        {
          code: 'quality_gate',
          level: 'run',
          score: {
            scoreId,
            phase: 'plan',
            coherence: 0.1,
            tooLow: [{ of: 'coherence', score: 0.1, floor: 0.2 }],
          },
        },
      ],
      violations: [{ type: 'low_reasoning_quality', severity: 'warning' }],
    });
    expect(body.recommendations[0]).toContain('Revise the reasoning of plan');
    // The violation was written with the score; the refusal adds none, and throttles nobody (A6).
    for (let index = 0; index < 6; index += 1) await phase('build', { taskId: `again-${index}` });
    expect((await result()).violations).toHaveLength(1);
    expect((await phase('build')).status).toBe(409);
    await expectInvariants(db.admin, api.now());
  });

  test.each<[string, readonly [Numbers, object][], number]>([
    ['a reject', [[rejected, {}]], 409],
    [
      'a later review does not lift it',
      [
        [rejected, {}],
        [reviewed, {}],
      ],
      409,
    ],
    [
      'nor a later fallback',
      [
        [rejected, {}],
        [passing, { thinkingTokens: 9999 }],
      ],
      409,
    ],
    [
      'a later pass does',
      [
        [rejected, {}],
        [reviewed, {}],
        [passing, {}],
      ],
      201,
    ],
    [
      'until the next reject',
      [
        [rejected, {}],
        [passing, {}],
        [rejected, {}],
      ],
      409,
    ],
    ['a review alone closes nothing', [[reviewed, {}]], 201],
    ['a fallback alone closes nothing', [[rejected, { thinkingTokens: 9999 }]], 201],
    [
      'a pass before the reject does not count',
      [
        [passing, {}],
        [rejected, {}],
      ],
      409,
    ],
    ['design closes it too', [[rejected, { phase: 'design' }]], 409],
    ['story_loop closes it too', [[rejected, { phase: 'story_loop' }]], 409],
    ['a reject of any other phase closes nothing', [[rejected, { phase: 'research' }]], 201],
    [
      'a pass of any other phase opens nothing',
      [
        [rejected, {}],
        [passing, { phase: 'research' }],
      ],
      409,
    ],
    [
      'a pass of design lifts a rejected plan',
      [
        [rejected, {}],
        [passing, { phase: 'design' }],
      ],
      201,
    ],
  ])('%s', async (_, scores, expected) => {
    for (const [numbers, more] of scores) await score(numbers, more);
    expect((await phase('build')).status).toBe(expected);
  });

  test('the phase that was rejected may come again, to be revised, and hears why', async () => {
    await score(rejected);
    const { status, body } = await phase('plan');
    expect(status).toBe(201);
    expect(body.violations).toEqual([]);
    expect(body.recommendations[0]).toContain('coherence 0.1 is below 0.2');
  });

  test('the task that is running goes on, and so does what was accepted before', async () => {
    await phase('build', { taskId: 'earlier' });
    await score(rejected);
    expect(await scene.heartbeat('a', 'run', 1)).toMatchObject({
      status: 200,
      body: { directive: { action: 'continue' } },
    });
    expect(await scene.stateOf('a', 'earlier')).toBe('running');
    expect((await scene.complete('a', 'run', 1)).status).toBe(200);
    // Other runs of the tenant are other plans.
    expect((await scene.ask('a', 'another', { phase: 'build' })).status).toBe(201);
  });

  test('a review after the reject is named in the refusal', async () => {
    await score(rejected);
    await score(reviewed);
    expect((await phase('build')).body.detail).toContain('A later review does not lift it.');
  });

  test('a repeat hears the first refusal until something is scored, an admitted one for good (A7)', async () => {
    await score(rejected);
    const first = await phase('build', { taskId: 'b' });
    const again = await phase('build', { taskId: 'b' });
    expect(again.body.decisionId).toBe(first.body.decisionId);
    expect(again.headers).toMatchObject({ 'idempotent-replayed': 'true' });
    // A later review changes what is said, not whether it is let in.
    await score(reviewed);
    const told = await phase('build', { taskId: 'b' });
    expect(told).toMatchObject({ status: 409, body: { reasons: [{ score: { lastVerdict: 'review' } }] } });
    await score(passing);
    const admitted = await phase('build', { taskId: 'b' });
    expect(admitted.status).toBe(201);
    await score(rejected);
    expect((await phase('build', { taskId: 'b' })).body.decisionId).toBe(admitted.body.decisionId);
    await expectInvariants(db.admin, api.now());
  });

  test('a dry run says what the live call then says (A8), and every decision is made again the same (R5)', async () => {
    const { scoreId } = await score(rejected);
    for (const name of ['build', 'plan']) {
      const dry = (await phase(name, { taskId: name, dryRun: true })).body;
      const live = await phase(name, { taskId: name });
      const { code, reasons, recommendations, violations, decision } = live.body;
      expect(dry).toMatchObject({
        ...(live.status === 409 ? { code, reasons } : {}),
        ...{ recommendations, violations, decision },
      });
      const explained = await explainDecision(db.app, live.body.decisionId);
      expect(explained?.same).toBe(true);
      if (explained === null) throw new Error('not stored');
      expect(wordsOf(explained).join(' ')).toContain(`(${scoreId}) was rejected: coherence 0.1 is below 0.2`);
    }
    // Whatever is scored since, the stored decision rests on what it rested on.
    const { body } = await phase('design', { taskId: 'design' });
    await score(passing);
    expect((await explainDecision(db.app, body.decisionId))?.same).toBe(true);
  });

  test('never_fits and throttled go before the gate, quota and money come after it (A2)', async () => {
    await scene.setQuotas('a', { cpu: { limit: 2, burstShare: 0 }, memory: { limit: 4, burstShare: 0 } });
    await score(rejected);
    const codes = async (resources: object) =>
      (await phase('build', { resources })).body.reasons.map(({ code }: { code: string }) => code);
    expect(await codes({ cpu: 2, memoryGb: 1 })).toEqual(['quality_gate', 'quota_exceeded']);
    expect(await codes({ cpu: 3, memoryGb: 4 })).toEqual(['never_fits', 'quality_gate', 'quota_exceeded']);
  });
});

describe('advised', () => {
  beforeEach(() => planning('advise'));

  test('the same is said as recommendations, without a violation, and blocks nothing', async () => {
    const { scoreId } = await score(rejected);
    const dry = await phase('build', { taskId: 'b', dryRun: true });
    const { status, body } = await phase('build', { taskId: 'b' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ decision: 'admitted', violations: [] });
    expect(body.recommendations[0]).toBe(
      `The reasoning of plan (${scoreId}) was rejected: coherence 0.1 is below 0.2.`,
    );
    expect(body.recommendations[1]).toContain('Revise the reasoning of plan');
    expect(dry.body.recommendations).toEqual(body.recommendations);
    // A repeat hears the first answer, whatever was scored since (A7).
    await score(passing);
    expect((await phase('build', { taskId: 'b' })).body.recommendations).toEqual(body.recommendations);
    expect((await phase('test', { taskId: 't' })).body.recommendations).toEqual([]);
    expect((await explainDecision(db.app, body.decisionId))?.same).toBe(true);
  });

  test('it is said with a refusal for another reason, anew once something was scored', async () => {
    await scene.setQuotas('a', { cpu: { limit: 1, burstShare: 0 } });
    const ask = () => phase('build', { taskId: 'b', resources: { cpu: 1, memoryGb: 1 } });
    await score(rejected);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } });
    expect(refused.body.recommendations.join(' ')).toContain('was rejected');
    await score(passing);
    expect((await ask()).body.recommendations.join(' ')).not.toContain('was rejected');
    // One request, one violation of the quota (A6).
    expect((await result()).violations.map(({ type }: { type: string }) => type)).toEqual([
      'low_reasoning_quality',
      'quota_exceeded',
    ]);
  });
});

test('off: nothing is said and nothing blocks; switched on, what was scored before counts', async () => {
  await planning('off');
  await score(rejected);
  const { status, body } = await phase('build', { taskId: 'b' });
  expect({ status, violations: body.violations, recommendations: body.recommendations }).toEqual({
    status: 201,
    violations: [],
    recommendations: [],
  });
  await scene.setQuotas('a', { qualityGate: 'enforce' });
  expect((await phase('test', { taskId: 't' })).status).toBe(409);
  await scene.setQuotas('a', { qualityGate: 'off' });
  expect((await phase('test', { taskId: 't' })).status).toBe(201);
});

test('a refusal that was stored before the gate named its score is made again the same', async () => {
  await planning('enforce');
  await score(rejected);
  const { body } = await phase('build');
  // As the facts and the answer were then.
  await db.admin.query(
    `update decisions set
       counters = jsonb_set(counters #- '{run,closedGate}', '{run,lastVerdict}', '"reject"'),
       answer = answer #- '{reasons,0,score}'
     where decision_id = $1`,
    [body.decisionId],
  );
  const explained = await explainDecision(db.app, body.decisionId);
  expect(explained?.same).toBe(true);
  if (explained === null) throw new Error('not stored');
  expect(wordsOf(explained).join(' ')).toContain('The last reasoning scored for the run was rejected');
});

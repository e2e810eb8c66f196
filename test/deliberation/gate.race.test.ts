/** Scores and admissions at the same time. */

import { beforeEach, expect, test } from '@jest/globals';
import { meetAt } from '../admission/race.ts';
import { sceneOf, startAgain } from '../admission/scene.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { passing, rejected, reviewed, store } from './labelled-scorer.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

beforeEach(() => startAgain(db.admin, api));

const score = (numbers: typeof passing) => store(db.app, 'a', numbers, api.now());
const phase = (taskId: string) => scene.askPhase('a', 'run', { taskId, phase: 'build' });

async function gated(): Promise<void> {
  await scene.setQuotas('a', { qualityGate: 'enforce' });
  await scene.ask('a', 'run', { phase: 'plan', leaseSeconds: 3600 });
  await score(rejected);
}

/** What was heard of the score that the refusal rested on, and where each stands in the order of the run. */
async function orderOf(taskId: string): Promise<string[]> {
  const rows = await db.admin.query<{ what: string }>(
    `select detail_type as what from events
     where run_id = 'run' and (detail_type = 'deliberation-scored' or task_id = $1) order by sequence`,
    [taskId],
  );
  return rows.map(({ what }) => what);
}

test.each(['pool', 'runs', 'events'] as const)(
  'a score passes while the next phase is admitted: one before the other, met at %s',
  async (gate) => {
    for (const scoreFirst of [true, false]) {
      await startAgain(db.admin, api);
      await gated();
      const pass = async () => ({ status: (await score(passing)).recommendation });
      const ask = async () => ({ status: (await phase('next')).status });
      const calls: (() => Promise<{ status: string | number }>)[] = scoreFirst ? [pass, ask] : [ask, pass];
      const { answers } = await meetAt(db, gate, calls);
      const heard = answers.find(({ status }) => typeof status === 'number')?.status;
      expect([201, 409]).toContain(heard);
      if (heard === 201) {
        // It was let in by the pass: its events stand after the pass's in the order of the run.
        expect((await orderOf('next')).slice(0, 3)).toEqual([
          'deliberation-scored',
          'deliberation-scored',
          'run-admitted',
        ]);
      }
      // The refusal was of its moment: asked again it is let in, and a task let in stays.
      expect((await phase('next')).status).toBe(201);
      await expectInvariants(db.admin, api.now());
    }
  },
);

test('a reject while the next phase is admitted never stops what was let in', async () => {
  await scene.setQuotas('a', { qualityGate: 'enforce' });
  await scene.ask('a', 'run', { phase: 'plan', leaseSeconds: 3600 });
  const answers = await Promise.all([
    score(rejected),
    ...Array.from({ length: 8 }, (_, index) => phase(`next-${index}`)),
  ]);
  const heard = answers.slice(1).map((answer) => (answer as { status: number }).status);
  for (const [index, status] of heard.entries()) {
    if (status === 201) expect(await scene.stateOf('a', `next-${index}`)).toBe('running');
    else expect(status).toBe(409);
  }
  expect((await phase('later')).status).toBe(409);
  await expectInvariants(db.admin, api.now());
});

test('20 scores of one run at the same time and instant: each a row, an event and a place of its own', async () => {
  await scene.setQuotas('a', { qualityGate: 'enforce' });
  await scene.ask('a', 'run', { phase: 'plan', leaseSeconds: 3600 });
  const kinds = [passing, rejected, reviewed, rejected];
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => score(kinds[index % 4] ?? passing)),
  );
  const rows = await db.admin.query<{ score_id: string; recommendation: string; at: Date }>(
    'select score_id, recommendation, created_at as at from deliberation_scores order by score_number',
  );
  expect(rows).toHaveLength(20);
  expect(new Set(rows.map(({ at }) => at.getTime())).size).toBe(1);
  expect(rows.map(({ score_id }) => score_id).toSorted()).toEqual(
    answers.map(({ scoreId }) => scoreId).toSorted(),
  );
  // The order of the scores is the order of the run's events and of its result.
  const events = await db.admin.query<{ recommendation: string; sequence: number }>(
    `select body->'data'->>'recommendation' as recommendation, sequence from events
     where detail_type = 'deliberation-scored' order by sequence`,
  );
  const inOrder = rows.map(({ recommendation }) => recommendation);
  expect(events.map(({ recommendation }) => recommendation)).toEqual(inOrder);
  const { body } = await api.call({ tenantId: 'a' }, 'GET', '/v1/runs/run');
  expect(body.deliberation.scores.map((one: { scoreId: string }) => one.scoreId)).toEqual(
    rows.map(({ score_id }) => score_id),
  );
  expect(body.deliberation.lastRecommendation).toBe(inOrder.at(-1));
  expect(body.violations).toHaveLength(10);
  // By the last that passed or was rejected, worked out from that order alone.
  const last = inOrder.findLast((verdict) => verdict === 'pass' || verdict === 'reject');
  expect((await phase('next')).status).toBe(last === 'pass' ? 201 : 409);
  await expectInvariants(db.admin, api.now());
});

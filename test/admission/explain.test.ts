/** Stored decisions made again (R5): whatever was decided, what is stored with it leads to the same answer. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Explanation, explainDecision } from '../../shared/admission/explain.ts';
import { wordsOf } from '../../shared/admission/explain-words.ts';
import { keyOf, walkLine } from '../../shared/admission/line-walk.ts';
import { walkVictims } from '../../shared/admission/victim-walk.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);
const long = { leaseSeconds: 3600 };

beforeEach(() => startAgain(db.admin, api));

async function explained(decisionId: string): Promise<Explanation> {
  const explanation = await explainDecision(db.app, decisionId);
  if (explanation === null) throw new Error(`no decision ${decisionId}`);
  return explanation;
}

/** Every stored decision, oldest first, made again. */
async function explainAll(): Promise<Explanation[]> {
  const rows = await db.admin.query<{ id: string }>(
    'select decision_id as id from decisions order by at, decision_id',
  );
  const all: Explanation[] = [];
  for (const { id } of rows) all.push(await explained(id));
  return all;
}

/** The same answer, and an account of it that agrees with what was decided. */
function expectSame(explanation: Explanation): void {
  const { decision, again, same, basis } = explanation;
  expect({ decision, again, same }).toMatchObject({ same: true });
  const words = wordsOf(explanation);
  expect(words.at(-1)).toBe('Decided again from what is stored: the same.');
  if (basis.kind !== 'plan') return;
  const { plan, snapshot, policy, now } = basis;
  const steps = walkLine(snapshot, policy, now);
  const done = (fate: string) => steps.filter((step) => step.fate === fate).map(({ task }) => keyOf(task));
  expect(done('granted')).toEqual(plan.grants.map(({ task }) => keyOf(task)));
  expect(done('preempts')).toEqual(plan.preemptions.map(({ task }) => keyOf(task)));
  for (const preemption of plan.preemptions) {
    const step = steps.find(({ task }) => keyOf(task) === keyOf(preemption.task));
    if (step === undefined) throw new Error('a preemptor that never stood in the line');
    const { candidates } = walkVictims(preemption, step, plan, snapshot, policy, now);
    const taken = candidates.filter(({ fate }) => fate === 'taken').map(({ task }) => keyOf(task));
    expect(taken).toEqual(preemption.victims.map(keyOf));
  }
}

/** What a decision was, in short: `admit refused never_fits`, `grant displaces`, `preempt reclaim_burst`. */
function kindOf({ decision }: Explanation): string {
  const { kind, result, inputs, answer } = decision;
  const reasons = answer.reasons as { code: string }[] | undefined;
  if (kind === 'grant') return (answer.displaced as string[]).length > 0 ? 'grant displaces' : 'grant';
  if (kind === 'preempt') return `preempt ${inputs.reason}`;
  if (result === 'admitted') return Number(answer.burstCpu) > 0 ? 'admit on burst' : 'admit';
  if (result === 'queued') return `admit waits for ${answer.waitingFor}`;
  return `admit refused ${reasons?.[0]?.code}`;
}

const rejectScore = `insert into deliberation_scores (score_id, tenant_id, run_id, phase, overall_score, depth_score, coherence_score,
    relevance_score, recommendation, scorer_version, thresholds, evidence, contradictions, recommendations, text_sha256, created_at)
  values ('s1', 'a', 'r1', 'plan', 0.1, 0.1, 0.1, 0.1, 'reject', 'test', '{}', '{}', '[]', '[]', '', '2026-03-11T11:00:00Z')`;

describe('every kind of decision is made again to the same answer', () => {
  test.each<[string, () => Promise<unknown>, string[]]>([
    [
      'a request that fits, one that fits by borrowing, and one above limit and burst',
      async () => {
        await scene.setQuotas('a', { cpu: { limit: 4 } });
        await scene.ask('a', 'r1', { cpu: 3 });
        await scene.ask('a', 'r2', { cpu: 2 });
        await scene.ask('a', 'r3', { cpu: 4 });
        await scene.ask('a', 'r4', { cpu: 7 });
      },
      ['admit', 'admit on burst', 'admit refused quota_exceeded', 'admit refused never_fits'],
    ],
    [
      'a run that the budget of its tenant cannot hold, to a fraction of a cent',
      async () => {
        await scene.setQuotas('a', { cost: { limitUSD: 1.000000001 } });
        await scene.ask('a', 'r1', { maxCostUSD: 1.000000001 });
        await scene.ask('a', 'r2', { maxCostUSD: 0.000000001 });
      },
      ['admit', 'admit refused budget_exhausted'],
    ],
    [
      'a phase behind a rejected plan',
      async () => {
        await scene.setQuotas('a', { qualityGate: 'enforce' });
        await scene.ask('a', 'r1', { phase: 'plan' });
        await db.admin.query(rejectScore);
        await scene.askPhase('a', 'r1', { taskId: 't2', phase: 'build' });
      },
      ['admit', 'admit refused quality_gate'],
    ],
    [
      'one that waits for its quota, and is granted when it fits',
      async () => {
        await scene.setQuotas('a', { cpu: { limit: 4, burstShare: 0 } });
        await scene.ask('a', 'r1', { cpu: 4 });
        await scene.ask('a', 'r2', { cpu: 4, onQuota: 'wait' });
        await scene.complete('a', 'r1', 1);
      },
      ['admit', 'admit waits for quota', 'grant'],
    ],
    [
      'a better task that takes the quota of one of its tenant behind it',
      async () => {
        await scene.setPool(4);
        await scene.setQuotas('a', { cpu: { limit: 4, burstShare: 0 } });
        await scene.setQuotas('b', {});
        await scene.askAs('P0', 'b', 'blocker', { cpu: 4 });
        await scene.askAs('P3', 'a', 'low', { cpu: 4 });
        await scene.askAs('P1', 'a', 'high', { cpu: 4, onQuota: 'wait' });
        await scene.complete('b', 'blocker', 1);
      },
      ['admit', 'admit waits for pool', 'admit waits for quota', 'grant displaces'],
    ],
    [
      'a preemption by priority, and the grant that follows it',
      async () => {
        await scene.setPool(8);
        for (const tenantId of ['n', 'v']) await scene.setQuotas(tenantId, {});
        await scene.ask('v', 'v1', { cpu: 3, ...long });
        await scene.ask('v', 'v2', { cpu: 5, ...long });
        await scene.spend('v', 'v2', 'e1', 0.123456789, { taskId: 'v2' });
        api.advance(100);
        await scene.askAs('P1', 'n', 'n1', { cpu: 5 });
        await scene.checkpoint('v', 'v2', 1, 1);
      },
      ['admit', 'admit', 'admit waits for pool', 'preempt priority', 'grant'],
    ],
    [
      'burst that is reclaimed by another tenant within its limit',
      async () => {
        await scene.setPool(12);
        for (const tenantId of ['b', 'n']) await scene.setQuotas(tenantId, { cpu: { limit: 8 } });
        await scene.ask('b', 'b1', { cpu: 8, ...long });
        await scene.ask('b', 'b2', { cpu: 4, ...long });
        api.advance(60);
        await scene.ask('n', 'n1', { cpu: 4 });
      },
      ['admit', 'admit on burst', 'admit waits for pool', 'preempt reclaim_burst'],
    ],
    [
      "a preemption of the tenant's own task for its quota",
      async () => {
        await scene.setQuotas('a', { cpu: { limit: 4, burstShare: 0 }, concurrentRuns: { limit: 1 } });
        await scene.askAs('P3', 'a', 'low', { cpu: 4, ...long });
        api.advance(61);
        await scene.askAs('P1', 'a', 'high', { cpu: 3, onQuota: 'wait' });
        await scene.checkpoint('a', 'low', 1, 1);
      },
      ['admit', 'admit waits for quota', 'preempt priority', 'grant'],
    ],
  ])('%s', async (_what, act, kinds) => {
    await act();
    const all = await explainAll();
    expect(all.map(kindOf)).toEqual(kinds);
    all.forEach(expectSame);
  });
});

test('a plan keeps the policy that it is made under, admissions or none', async () => {
  await scene.setQuotas('a', { cpu: { limit: 4, burstShare: 0 } });
  await scene.ask('a', 'r1', { cpu: 4 });
  await scene.ask('a', 'r2', { cpu: 4, onQuota: 'wait' });
  await db.admin.query('delete from policies');
  await scene.complete('a', 'r1', 1);
  const all = await explainAll();
  expect(all.map(kindOf)).toContain('grant');
  all.forEach(expectSame);
});

const tenant = fc.constantFrom('a', 'b', 'c');
const which = fc.nat({ max: 40 });
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('admit' as const),
      tenant,
      className: fc.constantFrom('P0', 'P1', 'P2', 'P3'),
      cpu: fc.constantFrom(0.1, 0.5, 1, 2, 3, 4, 6, 9),
      memoryGb: fc.constantFrom(1, 4, 8),
      maxCostUSD: fc.constantFrom(0.1, 1, 7.123456789),
      onQuota: fc.constantFrom('refuse', 'wait', 'wait'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('claim' as const, 'checkpoint' as const, 'complete' as const, 'spend' as const),
      which,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('phase' as const, 'cancel' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 31, 61, 301, 601),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('limits' as const),
      tenant,
      limit: fc.integer({ min: 2, max: 8 }),
      pool: fc.integer({ min: 6, max: 14 }),
      slots: fc.constantFrom(null, 3, 6),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

const quotasOf = (limit: number) => ({
  cpu: { limit, burst: 2 },
  memory: { limit: 24 },
  concurrentRuns: { limit: 5 },
  cost: { limitUSD: 20 },
});

async function carryOut(given: Command, index: number): Promise<void> {
  switch (given.kind) {
    case 'admit': {
      const { className, tenant: of, kind: _kind, ...ask } = given;
      await scene.askAs(className, of, `r${index}`, { ...ask, ...long });
      return;
    }
    case 'wait':
      api.advance(given.seconds);
      await scene.sweep();
      return;
    case 'limits':
      await scene.setQuotas(given.tenant, quotasOf(given.limit));
      await scene.setPool(given.pool, 40, given.slots);
      return;
  }
  const tasks = await db.admin.query<{ tenant: string; id: string; run: string; epoch: number }>(
    `select tenant_id as tenant, task_id as id, run_id as run, greatest(epoch, 1)::integer as epoch from tasks
     where ended_at is null order by accepted_at, tenant_id, task_id`,
  );
  const task = tasks[given.which % Math.max(tasks.length, 1)];
  if (task === undefined) return;
  const { tenant: of, id, run, epoch } = task;
  const acts: Record<typeof given.kind, () => Promise<unknown>> = {
    claim: () => scene.claim(of, id, long),
    checkpoint: () => scene.checkpoint(of, id, epoch, index + 1),
    complete: () => scene.complete(of, id, epoch),
    spend: () => scene.spend(of, run, `e${index}`, 0.123456789, { taskId: id }),
    cancel: () => scene.cancel(of, id),
    phase: () =>
      scene.askPhase(of, run, { taskId: `t${index}`, phase: 'plan', resources: { cpu: 1, memoryGb: 1 } }),
  };
  await acts[given.kind]();
}

test('after whatever calls, every stored decision is made again to the same answer', async () => {
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 60, maxLength: 90 }), async (commands) => {
      await startAgain(db.admin, api);
      await scene.setPool(12, 40, 6);
      for (const name of ['a', 'b', 'c']) await scene.setQuotas(name, quotasOf(6));
      for (const [index, given] of commands.entries()) await carryOut(given, index);
      for (const explanation of await explainAll()) {
        expectSame(explanation);
        kinds.add(kindOf(explanation));
      }
    }),
    { numRuns: 6, endOnFailure: true },
  );
  expect([...kinds].sort()).toEqual(
    expect.arrayContaining([
      'admit',
      'admit waits for pool',
      'admit waits for quota',
      'grant',
      'preempt priority',
    ]),
  );
}, 90_000);

test('decisions made side by side, on plans that others made stale, are made again as well', async () => {
  await scene.setPool(12, 40, 6);
  const tenants = ['a', 'b', 'c'];
  for (const tenantId of tenants) await scene.setQuotas(tenantId, quotasOf(6));
  const classes = ['P0', 'P1', 'P2', 'P3'];
  const ask = (round: number, index: number) =>
    scene.askAs(classes[index % 4] ?? 'P3', tenants[index % 3] ?? 'a', `r${round}-${index}`, {
      ...{ cpu: 1 + (index % 5), onQuota: index % 2 === 0 ? 'wait' : 'refuse' },
      ...long,
    });
  const end = async (tenantId: string, id: string) => {
    await scene.claim(tenantId, id, long);
    await scene.checkpoint(tenantId, id, 1, 1);
    await scene.complete(tenantId, id, 1);
  };
  for (const round of [1, 2, 3]) {
    const open = await db.admin.query<{ tenant: string; id: string }>(
      `select tenant_id as tenant, task_id as id from tasks where state in ('granted', 'running', 'preempting')`,
    );
    await Promise.all([
      ...Array.from({ length: 12 }, (_none, index) => ask(round, index)),
      ...open.map(({ tenant: of, id }) => end(of, id)),
    ]);
    api.advance(61);
  }
  const all = await explainAll();
  all.forEach(expectSame);
  // Whether anybody is preempted depends on who comes first; the scenes above see to that kind.
  expect(all.map(({ decision }) => decision.kind)).toEqual(expect.arrayContaining(['admit', 'grant']));
});

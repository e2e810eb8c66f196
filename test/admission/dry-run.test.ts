/** Dry runs (A8): the live answer on the same state, and nothing written. */

import { beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Answer, testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

beforeEach(() => startAgain(db.admin, api));

/** A hash of every row of every table. */
async function storeHash(): Promise<string> {
  const tables = await db.admin.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  );
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, md5(coalesce(string_agg(t::text, chr(10) order by t::text), '')) as hash from ${name} t`,
  );
  const rows = await db.admin.query<{ name: string; hash: string }>(parts.join(' union all '));
  return rows
    .map(({ name, hash }) => `${name}:${hash}`)
    .sort()
    .join();
}

/** What must be equal: all of the answer but the ids that only a stored decision has, and the dry run's own member. */
function comparable({ body }: Answer) {
  const { decisionId, wouldPreempt, type, title, status, instance, retryable, ...rest } = body;
  return rest;
}

/** How many rows there are of what only grows. */
async function rowCounts(): Promise<unknown> {
  const [row] = await db.admin.query(
    `select (select count(*)::integer from tasks) as tasks, (select count(*)::integer from decisions) as decisions,
       (select count(*)::integer from events) as events, (select version::text from pool) as version`,
  );
  return row;
}

const tenantId = fc.constantFrom('a', 'a', 'b', 'c');
const taskClass = fc.constantFrom('P0', 'P1', 'P2', 'P2', 'P2', 'P3');
const which = fc.nat({ max: 30 });
const ask = fc.record({
  tenantId,
  taskClass,
  cpu: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 16 })),
  memoryGb: fc.integer({ min: 1, max: 4 }),
  maxCostUSD: fc.integer({ min: 1, max: 4 }),
  onQuota: fc.constantFrom('refuse', 'wait', 'wait'),
  /** Of a run that is there, or a run of its own. */
  phaseOf: fc.option(which, { freq: 4 }),
});
/** What happens between two asks. */
const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('nothing' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('complete' as const, 'checkpoint' as const, 'claim' as const),
      which,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('spend' as const),
      which,
      percent: fc.constantFrom(10, 85, 96),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 31, 61, 301, 601),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
);
const quotas = fc.record({
  cpu: fc.oneof(
    fc.record({ limit: fc.integer({ min: 4, max: 12 }), burst: fc.integer({ min: 0, max: 8 }) }),
    fc.record({ limit: fc.integer({ min: 4, max: 12 }), burstShare: fc.constantFrom(0, 0.5) }),
  ),
  memory: fc.record({ limit: fc.integer({ min: 6, max: 20 }) }),
  concurrentRuns: fc.record({ limit: fc.integer({ min: 3, max: 8 }) }),
  cost: fc.record({ limitUSD: fc.integer({ min: 10, max: 40 }) }),
  weight: fc.constantFrom(1, 2),
});
const scenario = fc.record({
  pool: fc.tuple(
    fc.integer({ min: 8, max: 14 }),
    fc.integer({ min: 8, max: 20 }),
    fc.integer({ min: 4, max: 9 }),
  ),
  quotas: fc.tuple(quotas, quotas, quotas),
  steps: fc.array(fc.tuple(change, ask), { minLength: 25, maxLength: 25 }),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;
type Asked = typeof ask extends fc.Arbitrary<infer T> ? T : never;
type Row = {
  tenant_id: string;
  task_id: string;
  run_id: string;
  state: string;
  epoch: number;
  demoted: boolean;
};

async function liveTasks(): Promise<Row[]> {
  return db.admin.query<Row>(
    `select tenant_id, task_id, t.run_id, state, epoch::integer as epoch, r.demoted
     from tasks t join runs r using (tenant_id, run_id) where t.ended_at is null order by accepted_at, task_id`,
  );
}

async function carryOut(given: Change, step: number): Promise<void> {
  if (given.kind === 'nothing') return;
  if (given.kind === 'wait') return api.advance(given.seconds);
  if (given.kind === 'sweep') {
    await scene.sweep();
    return;
  }
  const rows = await liveTasks();
  const row = rows[given.which % Math.max(rows.length, 1)];
  if (row === undefined) return;
  const { tenant_id: of, task_id: id, run_id: run } = row;
  const epoch = Math.max(row.epoch, 1);
  if (given.kind === 'complete') await scene.complete(of, id, epoch);
  if (given.kind === 'checkpoint') await scene.checkpoint(of, id, epoch, step + 1);
  if (given.kind === 'claim') await scene.claim(of, id, { leaseSeconds: 3600 });
  if (given.kind === 'cancel') await scene.cancel(of, id);
  if (given.kind === 'spend') {
    const { body } = await api.call({ tenantId: of }, 'GET', `/v1/runs/${run}`);
    const costUSD = (body.budget.limitUSD * given.percent) / 100;
    await scene.spend(of, run, `e${step}`, costUSD, { taskId: id });
  }
}

/** The request, as a dry run or live. */
function requestOf(asked: Asked, rows: readonly Row[], step: number): (dryRun: boolean) => Promise<Answer> {
  const { tenantId: of, taskClass: named, cpu, memoryGb, maxCostUSD, onQuota, phaseOf } = asked;
  const run = phaseOf === null ? undefined : rows[phaseOf % Math.max(rows.length, 1)];
  const id = `t${String(step).padStart(2, '0')}`;
  const of_run = { cpu, memoryGb, maxCostUSD, onQuota, leaseSeconds: 3600 };
  if (run === undefined)
    return (dryRun) => scene.askAs(named, of, id, { ...of_run, ...(dryRun ? { dryRun } : {}) });
  const body = {
    tenantId: run.tenant_id,
    taskId: id,
    phase: 'build',
    resources: { cpu, memoryGb },
    priority: { class: named, overridable: named !== 'P0', reason: 'as the test says' },
    onQuota,
    leaseSeconds: 3600,
  };
  return (dryRun) =>
    api.call('operator', 'POST', `/v1/runs/${run.run_id}/tasks`, { ...body, ...(dryRun ? { dryRun } : {}) });
}

/** What a case of preemption was, in the words of the rules. */
async function kindsOf(newcomer: string, answer: Answer, victims: readonly string[]): Promise<string[]> {
  if (victims.length === 0) {
    const { decision, code, queue } = answer.body;
    return [
      [decision, code ?? queue?.waitingFor ?? ''].join(':'),
      ...(answer.body.resources?.burstCpu > 0 ? ['burst'] : []),
    ];
  }
  const rows = await db.admin.query<{
    own: boolean;
    class: number;
    reason: string;
    newcomer: number;
    demoted: boolean;
  }>(
    `select v.tenant_id = w.tenant_id as own, v.queue_class::integer as class, v.preempt_reason as reason, w.queue_class::integer as newcomer,
       r.demoted
     from tasks v join tasks w on w.task_id = $1 join runs r on r.tenant_id = v.tenant_id and r.run_id = v.run_id
     where v.task_id = any ($2)`,
    [newcomer, victims],
  );
  return rows.flatMap((row) => [
    row.own && answer.body.queue?.waitingFor === 'quota' ? 'preempts its own for quota' : 'preempts',
    ...(row.reason === 'reclaim_burst' ? ['reclaims burst'] : []),
    ...(row.newcomer === 0 ? ['preempts as P0'] : []),
    ...(row.demoted ? ['preempts a demoted one'] : []),
  ]);
}

test('on any of 1,000 states the dry run says what the live request then does, and writes nothing', async () => {
  const seen = new Map<string, number>();
  let asks = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async ({ pool, quotas: given, steps }) => {
      await startAgain(db.admin, api);
      await scene.setPool(...pool);
      for (const [index, id] of ['a', 'b', 'c'].entries()) await scene.setQuotas(id, given[index] ?? {});
      for (const [step, [between, asked]] of steps.entries()) {
        await carryOut(between, step);
        asks += 1;
        const exactly = asks % 20 === 0;
        const rows = await liveTasks();
        const request = requestOf(asked, rows, step);
        const leavingBefore = leavingOf(rows);
        const counts = await rowCounts();
        const hash = exactly ? await storeHash() : '';
        const dry = await request(true);
        if (exactly) expect(await storeHash()).toBe(hash);
        expect(await rowCounts()).toEqual(counts);
        expect(dry.status).toBe(200);

        const live = await request(false);
        const place = `${step}: ${JSON.stringify(asked)}`;
        expect({ place, ...comparable(dry) }).toEqual({ place, ...comparable(live) });
        const victims = await victimsOf(live.body.taskId ?? '', leavingBefore);
        expect({ place, victims: [...dry.body.wouldPreempt].sort() }).toEqual({ place, victims });
        for (const kind of await kindsOf(live.body.taskId ?? '', live, victims))
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }),
    // A failure names its step; looking for a shorter one takes minutes.
    { numRuns: 40, seed: 20_260_311, endOnFailure: true },
  );
  expect(asks).toBeGreaterThanOrEqual(1000);
  // The states reach every kind of answer.
  const reached = [
    'admitted:',
    'burst',
    'preempts',
    'preempts a demoted one',
    'preempts as P0',
    'preempts its own for quota',
    'queued:pool',
    'queued:quota',
    'refused:budget_exhausted',
    'refused:never_fits',
    'refused:quota_exceeded',
    'refused:throttled',
  ];
  expect(reached.filter((kind) => !seen.has(kind))).toEqual([]);
}, 300_000);

const leavingOf = (rows: readonly Row[]) =>
  rows.filter(({ state }) => state === 'preempting').map((row) => row.task_id);

/** Those that the newcomer has made leave. */
async function victimsOf(newcomer: string, before: readonly string[]): Promise<string[]> {
  const rows = await db.admin.query<{ task_id: string }>(
    `select task_id from tasks where state = 'preempting' and preempted_by = $1 and task_id <> all ($2) order by task_id`,
    [newcomer, before],
  );
  return rows.map((row) => row.task_id);
}

test('of a request that was made before: the first answer, and nothing written', async () => {
  await scene.setQuotas('a', { cpu: { limit: 10 } });
  const live = await scene.ask('a', 'r1');
  const hash = await storeHash();
  const dry = await scene.ask('a', 'r1', { dryRun: true });
  expect(dry).toMatchObject({ status: 200, body: { ...live.body, wouldPreempt: [] } });
  expect(await storeHash()).toBe(hash);
});

test('of a request that uses an id with another body: 422, as live', async () => {
  await scene.setQuotas('a', { cpu: { limit: 10 } });
  await scene.ask('a', 'r1');
  expect((await scene.ask('a', 'r1', { cpu: 2, dryRun: true })).status).toBe(422);
});

test('of a further phase: as live', async () => {
  await scene.setQuotas('a', { cpu: { limit: 10 } });
  await scene.ask('a', 'r1');
  const phase = { taskId: 't2', phase: 'build', resources: { cpu: 4, memoryGb: 1 } };
  const dry = await scene.askPhase('a', 'r1', { ...phase, dryRun: true });
  const live = await scene.askPhase('a', 'r1', phase);
  expect(comparable(dry)).toEqual(comparable(live));
});

test('of a throttled tenant: as live', async () => {
  await scene.setQuotas('a', { cpu: { limit: 1 } });
  for (const id of [1, 2, 3, 4, 5]) await scene.ask('a', `v${id}`, { cpu: 2 });
  const dry = await scene.ask('a', 'r1', { dryRun: true });
  expect(dry).toMatchObject({ status: 200, body: { decision: 'refused', code: 'throttled' } });
  expect(comparable(dry)).toEqual(comparable(await scene.ask('a', 'r1')));
});

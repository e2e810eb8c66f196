/** Dry runs (A8): the live answer on the same state, and nothing written. */

import { beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Answer, testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { type Ask, sceneOf, startAgain } from './scene.ts';

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

type State = {
  readonly pool: number;
  readonly limit: number;
  readonly runsLimit: number;
  readonly costLimit: number;
  readonly before: readonly {
    readonly tenant: 'a' | 'b';
    readonly className: string;
    readonly cpu: number;
  }[];
  readonly ran_seconds: number;
  readonly asked: {
    readonly className: string;
    readonly cpu: number;
    readonly money: number;
    readonly onQuota: string;
  };
};

const className = fc.constantFrom('P0', 'P1', 'P2', 'P3');
const state: fc.Arbitrary<State> = fc.record({
  pool: fc.integer({ min: 6, max: 14 }),
  limit: fc.integer({ min: 6, max: 14 }),
  runsLimit: fc.integer({ min: 3, max: 9 }),
  costLimit: fc.integer({ min: 5, max: 12 }),
  before: fc.array(
    fc.record({
      tenant: fc.constantFrom('a' as const, 'b' as const),
      className,
      cpu: fc.integer({ min: 1, max: 6 }),
    }),
    { minLength: 2, maxLength: 9 },
  ),
  ran_seconds: fc.constantFrom(59, 61),
  asked: fc.record({
    className,
    cpu: fc.integer({ min: 1, max: 16 }),
    money: fc.integer({ min: 1, max: 6 }),
    onQuota: fc.constantFrom('refuse', 'wait'),
  }),
});

test('on any state the dry run says what the live request then does, and writes nothing', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(state, async ({ pool, limit, runsLimit, costLimit, before, ran_seconds, asked }) => {
      await startAgain(db.admin, api);
      await scene.setPool(pool, null);
      const quotas = { cpu: { limit }, concurrentRuns: { limit: runsLimit }, cost: { limitUSD: costLimit } };
      await scene.setQuotas('a', quotas);
      await scene.setQuotas('b', { cpu: { limit: pool } });
      for (const [index, { tenant, className: of, cpu }] of before.entries()) {
        await scene.askAs(of, tenant, `r${index}`, { cpu, leaseSeconds: 3600 });
      }
      api.advance(ran_seconds);
      const ask: Ask = { cpu: asked.cpu, maxCostUSD: asked.money, onQuota: asked.onQuota };

      const hash = await storeHash();
      const dry = await scene.askAs(asked.className, 'a', 'new', { ...ask, dryRun: true });
      expect(await storeHash()).toBe(hash);
      expect(dry.status).toBe(200);

      const preemptingBefore = await leaving();
      const live = await scene.askAs(asked.className, 'a', 'new', ask);
      expect(comparable(dry)).toEqual(comparable(live));
      const victims = (await leaving()).filter((id) => !preemptingBefore.includes(id));
      expect([...dry.body.wouldPreempt].sort()).toEqual(victims);
      seen.add(victims.length > 0 ? 'preempts' : `${live.body.decision}:${live.body.code ?? ''}`);
    }),
    { numRuns: 50, seed: 20_260_311 },
  );
  // The states reach every kind of answer.
  expect([...seen].sort()).toEqual([
    'admitted:',
    'preempts',
    'queued:',
    'refused:budget_exhausted',
    'refused:never_fits',
    'refused:quota_exceeded',
  ]);
}, 90_000);

async function leaving(): Promise<string[]> {
  const rows = await db.admin.query<{ task_id: string }>(
    `select task_id from tasks where state = 'preempting' order by task_id`,
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

/** Many callers at once: nothing is given twice, no limit is passed, no circle of waiting closes. */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Database } from '../../shared/platform/db.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { callerOf, type Fault } from './race.ts';
import { startStorm, storm } from './race-storm.ts';
import { startAgain, tally } from './scene.ts';

const db = withDatabase();
let wide: Database | undefined;
/** Thirty connections. */
const connections = (): Database => (wide ??= db.open(30));
const faults: Fault[] = [];
const callers = Array.from({ length: 30 }, () => callerOf(connections, faults));
const [caller = callerOf(connections, faults)] = callers;
const { api, scene } = caller;

let limitsLowered = false;
beforeEach(async () => {
  faults.length = 0;
  limitsLowered = false;
  await startAgain(db.admin, api);
});
afterEach(async () => {
  expect(faults).toEqual([]);
  await expectInvariants(db.admin, api.now(), { limitsLowered });
});

const ids = Array.from({ length: 10 }, (_, index) => `r${index}`);

test('50 claims by name for 10 granted tasks: each is given once', async () => {
  await scene.setPool(10);
  await scene.setQuotas('a', {});
  for (const id of ids) await scene.ask('a', id, { start: 'queue' });
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ids)
      .flat()
      .map((id) => scene.claim('a', id)),
  );
  expect(tally(answers)).toEqual({ 200: 10, 409: 40 });
  expect(new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body.taskId)).size).toBe(
    10,
  );
});

test('50 callers of claims for 10 granted tasks: each is given once, and none is left', async () => {
  await scene.setPool(10);
  await scene.setQuotas('a', {});
  for (const id of ids) await scene.ask('a', id, { start: 'queue' });
  const given: string[] = [];
  // Who finds every task busy hears nothing and asks again.
  for (let asked = 0; asked < 50 || given.length < ids.length; asked += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.call('operator', 'POST', '/v1/claims', {})),
    );
    expect(tally(answers)).toEqual({ 200: 50 });
    given.push(...answers.flatMap(({ body }) => body.tasks.map((task: { taskId: string }) => task.taskId)));
  }
  expect(given.toSorted()).toEqual(ids);
});

test('a quota lowered step by step among 50 requests and 20 ends: no decision lets anybody in above its limit', async () => {
  limitsLowered = true;
  await scene.setQuotas('a', { concurrentRuns: { limit: 40 } });
  const old = Array.from({ length: 20 }, (_, index) => `old${index}`);
  for (const id of old) await scene.ask('a', id);
  const requests = Promise.all(Array.from({ length: 50 }, (_, index) => scene.ask('a', `new${index}`)));
  const ends = Promise.all(old.map((id) => scene.complete('a', id, 1)));
  for (const limit of [30, 20, 10, 5]) await scene.setQuotas('a', { concurrentRuns: { limit } });
  await Promise.all([requests, ends]);
  // What the decision saw, and what the tenant held just after it by the ledger of allocations.
  const decisions = await db.admin.query<{ seen: number; limit: number; held: number }>(
    `select (d.counters->'tenant'->>'runsHeld')::integer as seen,
       (d.counters->'limits'->'concurrent_runs'->>'limit')::numeric::integer as limit,
       (select sum(case u.kind when 'allocate' then u.runs else -u.runs end)::integer
        from tenant_usage u where u.tenant_id = 'a' and u.usage_id <= mine.usage_id) as held
     from decisions d join tenant_usage mine on mine.task_id = d.task_id and mine.kind = 'allocate'
     where d.kind = 'admit' and d.result = 'admitted'`,
  );
  expect(decisions.length).toBeGreaterThanOrEqual(20);
  expect(decisions.filter(({ seen, held, limit }) => seen + 1 !== held || held > limit)).toEqual([]);
});

test('2,000 calls at random by 30 callers on 5 runs: the books are right, and nobody waits for ever', async () => {
  limitsLowered = true;
  await startStorm(caller);
  const answers = await storm(callers, 2000, 1);
  expect(answers.filter(({ status }) => status >= 500).map(({ body }) => body)).toEqual([]);
  // A storm in which nothing succeeds or nothing is refused would show nothing.
  expect(Object.keys(tally(answers))).toEqual(expect.arrayContaining(['200', '201', '202', '409']));
});

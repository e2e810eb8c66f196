/**
 * A process is killed in the middle of a batch of calls, at points that chance chooses. Whoever made them makes them all
 * again: what had been heard is heard again, and in the end all has been done once.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { beforeEach, expect, test } from '@jest/globals';
import type { Answer } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { brokenInvariants, expectInvariants } from '../setup/invariants.ts';
import { testSeed } from '../setup/seed.ts';
import type { BatchCall, Heard } from './crash-caller.ts';
import { callerOf, type Fault, waitingForLocks } from './race.ts';
import { randomOf, startStorm, storm } from './race-storm.ts';
import { bodyOf, startAgain, tally } from './scene.ts';

const db = withDatabase();
const faults: Fault[] = [];
const { api, scene } = callerOf(() => db.app, faults);
const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const long = { leaseSeconds: 3600 };

beforeEach(async () => {
  faults.length = 0;
  await startAgain(db.admin, api);
});

/** Makes the calls in a process of its own, which is killed once this many answers have come. Returns those. */
async function killedAmid(batch: readonly BatchCall[], answers_min: number): Promise<Map<number, Heard>> {
  const url = new URL(db.adminUrl);
  url.searchParams.set('application_name', 'killed');
  const child = spawn(
    process.execPath,
    [
      path.join(import.meta.dirname, 'crash-caller.ts'),
      url.href,
      api.now().toISOString(),
      JSON.stringify(batch),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const ended = once(child, 'exit');
  const heard = new Map<number, Heard>();
  for await (const line of createInterface({ input: child.stdout })) {
    const answer: Heard = JSON.parse(line);
    heard.set(answer.index, answer);
    if (heard.size === answers_min) child.kill('SIGKILL');
  }
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
  // Its backends finish the statements that they have, and find that nobody listens.
  while ((await backendsOf('killed')) > 0);
  return heard;
}

async function backendsOf(application: string): Promise<number> {
  const rows = await db.admin.query(
    'select 1 from pg_stat_activity where datname = current_database() and application_name = $1',
    [application],
  );
  return rows.length;
}

/** Kills amid the batch, makes it again, and sees that nobody hears otherwise than before. */
async function killAndRepeat(batch: readonly BatchCall[], answers_min: number): Promise<Answer[]> {
  const heard = await killedAmid(batch, answers_min);
  expect(await brokenInvariants(db.admin, api.now())).toEqual([]);
  const again = await Promise.all(
    batch.map(({ as, method, path: to, body }) => api.call(as, method, to, body)),
  );
  for (const { index, status } of heard.values()) {
    expect({ call: batch[index], status: again[index]?.status }).toEqual({ call: batch[index], status });
  }
  await scene.sweep();
  await expectInvariants(db.admin, api.now());
  expect(faults).toEqual([]);
  return again;
}

const asA = (to: string, body: unknown): BatchCall => ({
  as: { tenantId: 'a' },
  method: 'POST',
  path: to,
  body,
});

async function statesByClass(): Promise<Record<string, number>> {
  const rows = await db.admin.query<{ what: string; count: number }>(
    `select concat_ws(' ', 'P' || class, state, epoch) as what, count(*)::integer as count from tasks group by 1`,
  );
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]));
}

const countOf = async (type: string): Promise<number> =>
  (await db.admin.query('select 1 from events where detail_type = $1', [type])).length;

const random = randomOf(testSeed);
/** A point early, in the middle or late. */
const amid = (calls: number): number => 1 + Math.floor(random() * (calls - 4));

test('admissions: exactly as many as there are places, and each answer heard stands', async () => {
  await scene.setQuotas('a', { concurrentRuns: { limit: 10 } });
  const batch = names(60, 'r').map((id) => asA('/v1/runs', { ...bodyOf(id, {}), onQuota: 'wait' }));
  const answers = await killAndRepeat(batch, amid(batch.length));
  expect(tally(answers)).toEqual({ 201: 10, 202: 50 });
  expect(await statesByClass()).toEqual({ 'P3 running 1': 10, 'P3 queued 0': 50 });
});

test('ends, and the grants that follow: each ends once, each who waited is granted once', async () => {
  await scene.setPool(20);
  await scene.setQuotas('a', {});
  for (const id of names(20, 'old')) await scene.ask('a', id, long);
  for (const id of names(20, 'new')) await scene.ask('a', id);
  const batch = names(20, 'old').map((id) =>
    asA(`/v1/tasks/${id}/complete`, { epoch: 1, outcome: 'completed' }),
  );
  expect(tally(await killAndRepeat(batch, amid(batch.length)))).toEqual({ 200: 20 });
  expect(await statesByClass()).toEqual({ 'P3 completed 1': 20, 'P3 granted 1': 20 });
  expect([await countOf('run-completed'), await countOf('task-granted')]).toEqual([20, 20]);
});

test('preemptions: each victim is told once, for one newcomer', async () => {
  await scene.setPool(24);
  for (const tenant of ['a', 'b']) await scene.setQuotas(tenant, {});
  for (const id of names(24, 'old')) await scene.ask('a', id, long);
  api.advance(60);
  const priority = { class: 'P0', overridable: false, reason: 'crash' };
  const batch = names(12, 'urgent').map(
    (id): BatchCall => ({
      as: 'operator',
      method: 'POST',
      path: '/v1/runs',
      body: { ...bodyOf(id, { cpu: 2 }), tenantId: 'b', priority },
    }),
  );
  expect(tally(await killAndRepeat(batch, amid(batch.length)))).toEqual({ 202: 12 });
  expect(await statesByClass()).toEqual({ 'P3 preempting 1': 24, 'P0 queued 0': 12 });
  expect(await countOf('preempt-requested')).toBe(24);
  const needs = await db.admin.query(
    'select from tasks group by preempted_by having preempted_by is not null and count(*) <> 2',
  );
  expect(needs).toEqual([]);
});

test('checkpoints on the way out: each leaves once with its own, and the urgent ones have their room', async () => {
  await scene.setPool(24);
  for (const tenant of ['a', 'b']) await scene.setQuotas(tenant, {});
  for (const id of names(24, 'old')) await scene.ask('a', id, long);
  api.advance(60);
  for (const id of names(12, 'urgent')) await scene.askAs('P0', 'b', id, { cpu: 2 });
  const batch = names(24, 'old').map((id) =>
    asA(`/v1/tasks/${id}/checkpoints`, { epoch: 1, sequence: 1, data: { of: id } }),
  );
  expect(tally(await killAndRepeat(batch, amid(batch.length)))).toEqual({ 201: 24 });
  expect(await statesByClass()).toEqual({ 'P3 queued 1': 24, 'P0 granted 1': 12 });
  expect([await countOf('task-preempted'), await countOf('checkpoint-saved')]).toEqual([24, 24]);
  const kept = await db.admin.query(
    `select 1 from tasks t join checkpoints c using (checkpoint_id) where c.data->>'of' = t.task_id and t.preemptions = 1`,
  );
  expect(kept).toHaveLength(24);
});

test('backends killed at random among 600 calls: what is left is in order', async () => {
  const callers = Array.from({ length: 12 }, () => callerOf(() => db.app, faults));
  const [one] = callers;
  if (one === undefined) throw new Error('no callers');
  await startStorm(one);
  let over = false;
  const made = storm(callers, 600, 2).finally(() => {
    over = true;
  });
  let killed = 0;
  while (!over) {
    // One at work, whatever it is at; those that wait for a lock have written least, so the others come first.
    const waiting = await waitingForLocks(db.admin);
    const rows = await db.admin.query(
      `select pg_terminate_backend(pid) from (
         select pid from pg_stat_activity
         where datname = current_database() and usename <> current_user and state = 'active'
         order by pid = any ($1::integer[]), random() limit 1) one`,
      [waiting],
    );
    killed += rows.length;
  }
  const answers = await made;
  expect(killed).toBeGreaterThan(20);
  const { 503: cut = 0, ...others } = tally(answers);
  expect(cut).toBeGreaterThan(0);
  expect(Object.keys(others).filter((status) => Number(status) >= 500)).toEqual([]);
  expect(faults.filter((fault) => /^(40P01|40001|23)/.test(fault))).toEqual([]);
  await expectInvariants(db.admin, one.api.now(), { limitsLowered: true });
});

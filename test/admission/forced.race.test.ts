/**
 * The named races, forced: both calls wait for the same row, whoever came first goes first, and the other one judges what
 * is then, not what it had read before.
 */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { type Caller, callerOf, type Fault, type Gate, meetAt } from './race.ts';
import * as calls from './race-calls.ts';
import { startAgain } from './scene.ts';

const db = withDatabase();
const faults: Fault[] = [];
const first = callerOf(() => db.app, faults);
const second = callerOf(() => db.app, faults);
const { scene } = first;

let limitsLowered = false;
beforeEach(async () => {
  faults.length = 0;
  limitsLowered = false;
  await startAgain(db.admin, first.api);
  await scene.setPool(8);
  await scene.setQuotas('a', {});
  await scene.setQuotas('b', {});
});
afterEach(async () => {
  expect(faults).toEqual([]);
  await expectInvariants(db.admin, first.api.now(), { limitsLowered });
});

const eight = { phase: 'plan', cpu: 8 };

/** Lets both wait at the gate, the first one first. */
async function meet(gate: Gate, one: calls.RaceCall, other: calls.RaceCall): Promise<string[]> {
  second.api.at(first.api.now());
  const met = await meetAt<string>(db, gate, [() => one.send(first), () => other.send(second)]);
  expect(met.allWaited).toBe(true);
  return met.answers;
}

const rowOf = async (id: string) => {
  const [row] = await db.admin.query(
    `select state, epoch::integer, checkpoint_sequence::integer as checkpoint,
       (lost_work_usd_nanos / 10000000)::integer as lost_cents
     from tasks where task_id = $1`,
    [id],
  );
  return row;
};

test('claim and claim: the first has the task, the second hears that it is gone', async () => {
  await scene.ask('a', 't', { ...eight, start: 'queue' });
  expect(await meet('runs', calls.claim('t'), calls.claim('t'))).toEqual(['200', '409 not_granted']);
});

describe('heartbeat and expiry', () => {
  beforeEach(async () => {
    await scene.ask('a', 't', eight);
    first.api.advance(60);
  });
  test('the runner comes first: it keeps its lease, and nothing is left to expire', async () => {
    expect(await meet('pool', calls.heartbeat('t'), calls.sweep)).toEqual(['200 continue', '200']);
    expect(await rowOf('t')).toMatchObject({ state: 'running', epoch: 1 });
  });
  test('the sweep comes first: the runner has its lease back as long as nobody else was given the task', async () => {
    const [, heard] = await meet('pool', calls.sweep, calls.heartbeat('t'));
    const { state, epoch } = (await rowOf('t')) as { state: string; epoch: number };
    expect([
      ['200 continue', 'running', 1],
      ['409 stale_epoch', 'granted', 2],
    ]).toContainEqual([heard, state, epoch]);
  });
  test('two heartbeats of one runner, the second a repeat: both hear that it has its lease', async () => {
    expect(await meet('pool', calls.heartbeat('t'), calls.heartbeat('t'))).toEqual([
      '200 continue',
      '200 continue',
    ]);
  });
  test('the task ends first: the heartbeat hears that it has, not an error', async () => {
    expect(await meet('pool', calls.complete('t'), calls.heartbeat('t'))).toEqual(['200', '200 stop']);
  });
});

describe('checkpoint and deadline', () => {
  beforeEach(async () => {
    await scene.ask('a', 't', { ...eight, leaseSeconds: 3600 });
    await scene.spend('a', 't', 'e1', 0.3, { taskId: 't' });
    first.api.advance(60);
    await scene.askAs('P0', 'b', 'urgent', { cpu: 8 });
    first.api.advance(30);
  });
  test('the checkpoint comes first: it leaves with it and loses nothing', async () => {
    expect(await meet('pool', calls.checkpoint('t'), calls.sweep)).toEqual(['201 stop', '200']);
    expect(await rowOf('t')).toEqual({ state: 'queued', epoch: 1, checkpoint: 1, lost_cents: 0 });
  });
  test('the deadline comes first: it has left without, its work since is lost, and its word is too late', async () => {
    expect(await meet('pool', calls.sweep, calls.checkpoint('t'))).toEqual(['200', '409 stale_epoch']);
    expect(await rowOf('t')).toEqual({ state: 'queued', epoch: 1, checkpoint: 0, lost_cents: 30 });
  });
  afterEach(async () => {
    expect(await rowOf('urgent')).toMatchObject({ state: 'granted', epoch: 1 });
    expect(await scene.eventsOf('a', 't')).toContain('task-preempted');
  });
});

describe('complete and preempt', () => {
  beforeEach(async () => {
    await scene.ask('a', 't', { ...eight, leaseSeconds: 3600 });
    first.api.advance(60);
  });
  test('the end comes first: there is nothing to preempt', async () => {
    expect(await meet('pool', calls.complete('t'), calls.preempt('t'))).toEqual(['200', '409 not_running']);
  });
  test('the order comes first: completion within the grace time is completion', async () => {
    expect(await meet('pool', calls.preempt('t'), calls.complete('t'))).toEqual(['200', '200']);
  });
  afterEach(async () => {
    expect(await rowOf('t')).toMatchObject({ state: 'completed', epoch: 1 });
    expect((await scene.eventsOf('a', 't')).filter((type) => type === 'run-completed')).toHaveLength(1);
  });
});

describe('at a limit of one place', () => {
  const one = calls.admit('r1', {});
  const other = calls.admit('r2', {});
  const places =
    (limit: number) =>
    ({ api }: Caller) =>
      api.call('operator', 'PUT', '/v1/tenants/a/quotas', { concurrentRuns: { limit } });
  const noPlaces: calls.RaceCall = {
    ...calls.setQuotas(0),
    send: async (caller) => String((await places(0)(caller)).status),
  };
  beforeEach(async () => {
    await places(1)(first);
  });

  test('admit and admit: the first is in, the second is refused', async () => {
    expect(await meet('pool', one, other)).toEqual(['201 admitted', '429 quota_exceeded']);
  });
  test('admit and the limit lowered: it is in, and stays', async () => {
    limitsLowered = true;
    expect(await meet('pool', one, noPlaces)).toEqual(['201 admitted', '200']);
    expect(await rowOf('r1')).toMatchObject({ state: 'running' });
  });
  test('the limit lowered and admit: it is judged by the new limit, although it had come under the old', async () => {
    expect(await meet('pool', noPlaces, one)).toEqual(['200', '422 never_fits']);
    expect(await rowOf('r1')).toBeUndefined();
  });
});

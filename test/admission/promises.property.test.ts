/** Promises (P3) through 10,000 random arrivals on paper and 300 in the database. */

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { policy } from '../../shared/admission/policy.ts';
import type { Plan, Snapshot } from '../../shared/admission/schedule.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import {
  end,
  hasPromise,
  isHeldBack,
  leavingFor,
  leavingForNobody,
  quotaHeld,
  quotaKept,
  room,
  schedule,
  step,
  type World,
  type WorldTask,
} from './promise-world.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

const start = Date.parse('2026-03-11T12:00:00Z');

/** Numbers of 0 to 1 from a seed, so that a world can be run again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function arrivalOf(world: World, index: number): WorldTask {
  const below = (bound: number) => Math.floor(world.random() * bound);
  const tenantId = ['a', 'b', 'c'][below(3)] ?? 'a';
  const cpu = 1 + below(6);
  const limit = world.limits.get(tenantId);
  const spoken = quotaHeld(world, tenantId) + quotaKept(world, tenantId);
  const forQuota = limit !== undefined && spoken + cpu > limit;
  return {
    id: `t${index}`,
    tenantId,
    class: below(4),
    cpu,
    usesBurst: limit === undefined && world.random() < 0.2,
    acceptedAt: world.now,
    state: 'waiting',
    waitingFor: forQuota ? 'quota' : 'pool',
    waitingSince: world.now,
    runningSince: 0,
    preemptions: 0,
    claims: true,
    stepAt: 0,
    by: null,
    forPromise: 0,
    promised: false,
    promisedUntil: null,
    promises: 0,
    yieldedTo: null,
  };
}

/** Whether a task has run its minimum since it was told to leave, or ended: then what made it leave is settled. */
const isSettled = (world: World, task: WorldTask) =>
  task.state === 'gone' ||
  (task.state === 'running' && world.now - task.runningSince >= policy.min_run_seconds * 1000);

function checkPlan(world: World, plan: Plan, snapshot: Snapshot): void {
  const known = new Map([...world.tasks].map((task) => [task.id, task]));
  for (const { task } of plan.grants) {
    const granted = known.get(task.taskId);
    expect([task.taskId, granted?.state]).toEqual([task.taskId, 'waiting']);
    if (granted && isHeldBack(world, granted)) throw new Error(`${task.taskId} before ${granted.by?.id}`);
  }
  for (const { task, victims } of plan.preemptions) {
    const newcomer = known.get(task.taskId);
    if (newcomer === undefined || newcomer.promised) throw new Error(`${task.taskId}: a second need`);
    for (const { taskId } of victims) {
      // Whoever the newcomer itself left for, and so on: none of them may leave for it now.
      let ahead: WorldTask | null = newcomer;
      while (ahead !== null && !isSettled(world, ahead)) {
        if (ahead.yieldedTo?.id === taskId) throw new Error(`a cycle: ${taskId} and ${task.taskId}`);
        ahead = ahead.yieldedTo;
      }
    }
  }
  // Room that leaves for nobody may be promised already: until it has left it counts twice.
  const { cpuRoom, tasksRoom, leaving } = snapshot.pool;
  expect((cpuRoom ?? 0) + leaving.cpu).toBeGreaterThanOrEqual(0);
  expect((tasksRoom ?? 0) + leaving.tasks).toBeGreaterThanOrEqual(0);
}

/** What holds once the scheduler has nothing more to do. */
function checkWorld(world: World): void {
  for (const [tenantId, limit] of world.limits) expect(quotaHeld(world, tenantId)).toBeLessThanOrEqual(limit);
  const leaving = leavingForNobody(world);
  if (leaving.length > 0) return;
  expect(room(world).cpu).toBeGreaterThanOrEqual(0);
  for (const task of world.tasks) {
    // Room and quota were kept: with the last victim gone nothing is in its way any more.
    if (task.promised && hasPromise(world, task) && leavingFor(world, task).length === 0) {
      throw new Error(`${task.id} does not start although its victims have left`);
    }
  }
}

const arrivals = 10_000;
const worlds = 20;

test(`${arrivals} random arrivals: no cycle, no victim before its preemptor, one need at a time, room for every promise`, () => {
  let preemptions = 0;
  let kept = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = randomOf(seed);
      const world: World = {
        now: start,
        capacity: { cpu: 12 + Math.floor(random() * 12), tasks: 4 + Math.floor(random() * 6) },
        limits: new Map([['a', 6 + Math.floor(random() * 8)]]),
        tasks: new Set(),
        random,
      };
      const look = (plan: Plan, snapshot: Snapshot) => {
        checkPlan(world, plan, snapshot);
        preemptions += plan.preemptions.length;
        kept += plan.grants.filter(({ task }) => task.promised).length;
      };
      const settle = () => {
        schedule(world, look);
        checkWorld(world);
      };
      for (let index = 0; index < arrivals / worlds; index += 1) {
        const arrivesAt = world.now + Math.floor(random() * 60_000);
        for (;;) {
          const next = [...world.tasks]
            .filter((task) => task.state !== 'waiting' && task.stepAt <= arrivesAt)
            .sort((a, b) => a.stepAt - b.stepAt)[0];
          if (next === undefined) break;
          world.now = Math.max(world.now, next.stepAt);
          step(world, next);
          settle();
        }
        world.now = arrivesAt;
        const arrival = arrivalOf(world, index);
        if (arrival.cpu <= (world.limits.get(arrival.tenantId) ?? 99)) world.tasks.add(arrival);
        // Now and then somebody who waits gives up, with or without a promise.
        const waiting = [...world.tasks].filter((task) => task.state === 'waiting');
        const tired = waiting[Math.floor(random() * Math.max(waiting.length, 8))];
        if (tired !== undefined && waiting.length > 8) end(world, tired);
        settle();
      }
    }),
    // A seed has nothing to shrink.
    { numRuns: worlds, endOnFailure: true },
  );
  expect(preemptions).toBeGreaterThan(arrivals / 50);
  expect(kept).toBeGreaterThan(arrivals / 100);
}, 300_000);

test('300 random arrivals in the database: no victim before its preemptor, one need at a time, room for every promise', async () => {
  const tenants = ['a', 'b', 'c'];
  const arrival = fc.record({
    tenantId: fc.constantFrom(...tenants),
    taskClass: fc.constantFrom('P0', 'P1', 'P2', 'P3'),
    cpu: fc.integer({ min: 1, max: 5 }),
    after_seconds: fc.constantFrom(1, 20, 61),
    what: fc.constantFrom('claims', 'claims', 'leave', 'leave', 'complete', 'cancel', 'sweep'),
    which: fc.nat({ max: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { minLength: 60, maxLength: 60 }), async (list) => {
      await startAgain(db.admin, api);
      await scene.setPool(16, null, 7);
      await scene.setQuotas('a', { cpu: { limit: 8, burst: 0 } });
      const needs = new Map<string, string>();
      for (const [index, { tenantId, taskClass, cpu, after_seconds, what, which }] of list.entries()) {
        api.advance(after_seconds);
        const id = `t${String(index).padStart(2, '0')}`;
        await scene.askAs(taskClass, tenantId, id, { cpu, onQuota: 'wait', leaseSeconds: 3600 });
        await act(what, which, index);
        await checkStore(needs);
      }
    }),
    { numRuns: 5, endOnFailure: true },
  );
}, 300_000);

type StoredTask = {
  readonly tenant: string;
  readonly id: string;
  readonly state: string;
  readonly epoch: number;
  readonly cpu: number;
  /** The need it has a promise for, as task and number of its promise. */
  readonly need: string | null;
  /** The need it was preempted for. */
  readonly by: string | null;
};

const storedTasks = () =>
  db.admin.query<StoredTask>(
    `select tenant_id as tenant, task_id as id, state, epoch::integer as epoch, cpu::float8 as cpu,
       case when promised and coalesce(promised_until > $1, true) then task_id || '/' || promises end as need,
       preempted_by || '/' || preempted_for_promise as by
     from tasks where ended_at is null order by task_id`,
    [api.now()],
  );

async function act(what: string, which: number, step: number): Promise<void> {
  if (what === 'sweep') {
    await scene.sweep();
    return;
  }
  const wanted = { claims: 'granted', leave: 'preempting', complete: 'running', cancel: 'queued' }[what];
  const tasks = (await storedTasks()).filter(({ state }) => state === wanted);
  const picked = what === 'claims' ? tasks : tasks.slice(which % Math.max(tasks.length, 1)).slice(0, 2);
  for (const { tenant, id, epoch } of picked) {
    if (what === 'claims') await scene.claim(tenant, id, { leaseSeconds: 3600 });
    if (what === 'leave') await scene.checkpoint(tenant, id, epoch, step + 1);
    if (what === 'complete') await scene.complete(tenant, id, epoch);
    if (what === 'cancel') await scene.cancel(tenant, id);
  }
}

/** @param needs victims told to leave for each need, kept from check to check */
async function checkStore(needs: Map<string, string>): Promise<void> {
  const tasks = await storedTasks();
  const promised = new Set(tasks.flatMap(({ need }) => need ?? []));
  for (const { id, state, by } of tasks) {
    // Neither granted nor running while the one it left for still waits on its promise.
    if (by !== null && promised.has(by) && (state === 'granted' || state === 'running')) {
      throw new Error(`${id} is ${state} before ${by}`);
    }
  }
  for (const need of promised) {
    const leaving = tasks
      .filter(({ state, by }) => state === 'preempting' && by === need)
      .map((task) => task.id);
    const known = needs.get(need)?.split(',');
    for (const victim of leaving) {
      if (known !== undefined && !known.includes(victim)) throw new Error(`${need} takes ${victim} as well`);
    }
    if (known === undefined) needs.set(need, leaving.join());
  }
  const { body } = await api.call('operator', 'GET', '/v1/pool');
  const forNobody = tasks.filter(
    ({ state, by }) => state === 'preempting' && !(by !== null && promised.has(by)),
  );
  const leaving = forNobody.reduce((sum, { cpu }) => sum + cpu, 0);
  expect(body.used.cpu + body.promised.cpu).toBeLessThanOrEqual(body.cpu + leaving);
  expect(body.used.tasks + body.promised.tasks).toBeLessThanOrEqual(body.tasks + forNobody.length);
}

/** Reads a snapshot, lets `schedule.ts` decide, and carries the plan out. */

import type { Database } from '../platform/db.ts';
import { json } from '../platform/db.ts';
import { newId } from '../platform/ids.ts';
import { planned_waiting_max, read_running_max } from './policy.ts';
import { policyInForce } from './policy-in-force.ts';
import { reduceSnapshot } from './reduce.ts';
import { type Plan, planSchedule, type Snapshot } from './schedule.ts';

export type TaskRef = { readonly tenantId: string; readonly taskId: string };
export type ScheduleResult = {
  readonly granted: readonly TaskRef[];
  readonly preempting: readonly TaskRef[];
};

/** Optimistic passes before one is made with the scheduler's lock held, which then cannot be stale. */
const optimisticPasses_max = 3;

/** Plans carried out one after another, each on the line that the one before left. */
const plansInARow_max = 200;

/**
 * Grants free room and preempts for those who may. Whoever frees room, queues a task or changes a limit calls it after
 * its commit; the sweep calls it for those who could not.
 *
 * @throws StoreUnavailable
 */
export async function schedule(database: Database, now: Date): Promise<ScheduleResult> {
  const granted: TaskRef[] = [];
  const preempting: TaskRef[] = [];
  let refusals = 0;
  for (let plans = 0; plans < plansInARow_max; plans += 1) {
    const done = await scheduleOnce(database, now);
    granted.push(...done.granted);
    preempting.push(...done.preempting);
    refusals += done.refused ? 1 : 0;
    const goesOn = done.more && done.granted.length + done.preempting.length > 0;
    if (!goesOn && !(done.refused && refusals <= refusals_max)) break;
  }
  return { granted, preempting };
}

/** How often a plan is made anew because a part of it was refused. */
const refusals_max = 3;

/** `more`: the line was longer than the plan looked at, or a grant has moved quota within a tenant. */
type Done = ScheduleResult & {
  readonly more: boolean;
  /** Part of the plan did not hold: a cost report, which takes no lock of the scheduler, had paused a run. */
  readonly refused: boolean;
};

const nothingDone: Done = { granted: [], preempting: [], more: false, refused: false };

async function scheduleOnce(database: Database, now: Date): Promise<Done> {
  for (let pass = 0; pass < optimisticPasses_max; pass += 1) {
    const done = await decideAndApply(database, now);
    if (done !== null) return done;
  }
  // Under a storm of changes every snapshot is stale before it is used: decide once while nothing can change.
  const done = await database.transaction(async (tx) => {
    await tx.query('select 1 from pool for no key update');
    return decideAndApply(tx, now);
  });
  return done ?? nothingDone;
}

/** Null when the plan was stale. */
async function decideAndApply(database: Database, now: Date): Promise<Done | null> {
  const { plan, snapshot } = await decide(database, now);
  if (plan.grants.length === 0 && plan.preemptions.length === 0) return nothingDone;
  const [row] = await database.query<{ result: { applied: boolean; refused: boolean } & ScheduleResult }>(
    'select apply_plan(p_plan => $1, p_version => $2, p_policy => $3, p_now => $4) as result',
    [json(planDocument(plan, snapshot, now)), snapshot.version, json(policyInForce()), now],
  );
  if (row === undefined || !row.result.applied) return null;
  return {
    granted: row.result.granted,
    preempting: row.result.preempting,
    refused: row.result.refused,
    more:
      plan.cut ||
      (snapshot.more && plan.roomLeft.tasks >= 1 && plan.roomLeft.cpu >= (snapshot.smallestCpu ?? 0)) ||
      plan.preemptions.length > 0 ||
      // Who waited behind a promise may start now; and who waits for quota that a grant has moved.
      plan.grants.some(({ task }) => task.promised || task.waitingFor === 'quota'),
  };
}

/** The plan that a live pass would carry out now, and the snapshot it rests on. Writes nothing. */
export async function decide(database: Database, now: Date): Promise<{ plan: Plan; snapshot: Snapshot }> {
  const [aFew, ...more] = read_running_max;
  let snapshot = await readSnapshot(database, aFew, now, 'if_of_use');
  let plan = planSchedule(snapshot, policyInForce(), now);
  // First a few of the running tasks, then many, then all: mostly the first few suffice.
  for (const running_max of snapshot.running === null ? read_running_max : more) {
    if (!plan.needsRunning) break;
    snapshot = await readSnapshot(database, running_max, now);
    plan = planSchedule(snapshot, policyInForce(), now);
  }
  return { plan, snapshot };
}

/**
 * @param running_max how many of the running tasks to read; null: none
 * @param when `if_of_use`: none either, unless one that does not fit could preempt
 */
export async function readSnapshot(
  database: Database,
  running_max: number | null,
  now: Date,
  when: 'always' | 'if_of_use' = 'always',
): Promise<Snapshot> {
  const [row] = await database.query<{ snapshot: Snapshot }>(
    `select scheduler_snapshot(
       p_policy => $1, p_waiting_max => $2, p_running_max => $3, p_running_always => $4, p_now => $5
     ) as snapshot`,
    [json(policyInForce()), planned_waiting_max, running_max, when === 'always', now],
  );
  if (row === undefined) throw new Error('scheduler_snapshot returned no row');
  return row.snapshot;
}

function planDocument(plan: Plan, snapshot: Snapshot, now: Date): unknown {
  return {
    planId: newId('plan'),
    snapshot: reduceSnapshot(snapshot, plan, policyInForce(), now),
    grants: plan.grants.map(({ task, displaced }) => ({
      tenantId: task.tenantId,
      taskId: task.taskId,
      displaced: displaced.map(({ taskId }) => taskId),
      decisionId: newId('dec'),
    })),
    preemptions: plan.preemptions.map(({ task, reason, victims, displaced }) => ({
      tenantId: task.tenantId,
      taskId: task.taskId,
      reason,
      decisionId: newId('dec'),
      victims: victims.map(({ tenantId, taskId, epoch }) => ({ tenantId, taskId, epoch })),
      displaced: displaced.map(({ taskId }) => taskId),
    })),
  };
}

/** Reads a snapshot, lets `schedule.ts` decide, and carries the plan out. */

import type { Database } from '../platform/db.ts';
import { json } from '../platform/db.ts';
import { newId } from '../platform/ids.ts';
import { policy, waiting_tasks_per_pass_max } from './policy.ts';
import { type Plan, planSchedule, type Snapshot } from './schedule.ts';

export type TaskRef = { readonly tenantId: string; readonly taskId: string };
export type ScheduleResult = {
  readonly granted: readonly TaskRef[];
  readonly preempting: readonly TaskRef[];
};

/** Optimistic passes before one is made with the scheduler's lock held, which then cannot be stale. */
const optimisticPasses_max = 3;

/** Plans carried out one after another: each grants at least one more task that waits for quota. */
const plansInARow_max = 50;

/**
 * Grants free room and preempts for those who may. Whoever frees room, queues a task or changes a limit calls it after
 * its commit; the sweep calls it for those who could not.
 *
 * @throws StoreUnavailable
 */
export async function schedule(database: Database, now: Date): Promise<ScheduleResult> {
  const granted: TaskRef[] = [];
  const preempting: TaskRef[] = [];
  for (let plans = 0; plans < plansInARow_max; plans += 1) {
    const done = await scheduleOnce(database, now);
    granted.push(...done.granted);
    preempting.push(...done.preempting);
    if (!done.again || done.granted.length === 0) break;
  }
  return { granted, preempting };
}

type Done = ScheduleResult & Pick<Plan, 'again'>;

async function scheduleOnce(database: Database, now: Date): Promise<Done> {
  for (let pass = 0; pass < optimisticPasses_max; pass += 1) {
    const done = await decideAndApply(database, now);
    if (done !== null) return done;
  }
  // Under a storm of changes every snapshot is stale before it is used: decide once while nothing can change.
  const done = await database.transaction(async (tx) => {
    await tx.query('select 1 from pool for update');
    return decideAndApply(tx, now);
  });
  return done ?? { granted: [], preempting: [], again: false };
}

/** Null when the plan was stale. */
async function decideAndApply(database: Database, now: Date): Promise<Done | null> {
  const { plan, version } = await decide(database, now);
  if (plan.grants.length === 0 && plan.preemptions.length === 0) {
    return { granted: [], preempting: [], again: false };
  }
  const [row] = await database.query<{ result: { applied: boolean } & ScheduleResult }>(
    'select apply_plan(p_plan => $1, p_version => $2, p_policy => $3, p_now => $4) as result',
    [json(planDocument(plan)), version, json(policy), now],
  );
  if (row === undefined || !row.result.applied) return null;
  return { granted: row.result.granted, preempting: row.result.preempting, again: plan.again };
}

/** The plan that a live pass would carry out now, and the pool version it rests on. Writes nothing. */
export async function decide(database: Database, now: Date): Promise<{ plan: Plan; version: string }> {
  let snapshot = await readSnapshot(database, false, now);
  let plan = planSchedule(snapshot, policy, now);
  if (plan.needsRunning) {
    snapshot = await readSnapshot(database, true, now);
    plan = planSchedule(snapshot, policy, now);
  }
  return { plan, version: snapshot.version };
}

export async function readSnapshot(database: Database, withRunning: boolean, now: Date): Promise<Snapshot> {
  const [row] = await database.query<{ snapshot: Snapshot }>(
    `select scheduler_snapshot(p_policy => $1, p_waiting_max => $2, p_with_running => $3, p_now => $4) as snapshot`,
    [json(policy), waiting_tasks_per_pass_max, withRunning, now],
  );
  if (row === undefined) throw new Error('scheduler_snapshot returned no row');
  return row.snapshot;
}

function planDocument(plan: Plan): unknown {
  return {
    grants: plan.grants.map(({ task }) => ({
      tenantId: task.tenantId,
      taskId: task.taskId,
      decisionId: newId('dec'),
      inputs: { task },
    })),
    preemptions: plan.preemptions.map(({ task, reason, victims }) => ({
      tenantId: task.tenantId,
      taskId: task.taskId,
      reason,
      decisionId: newId('dec'),
      inputs: { task, victims },
      victims: victims.map(({ tenantId, taskId, epoch }) => ({ tenantId, taskId, epoch })),
    })),
  };
}

/**
 * `given`: brings about over the API what a case begins with. Its past is played before 0 s: what tenants used and
 * spent, then what runs, for longer than a task must have run before it may be preempted, then what waits.
 */

import type { Answer } from '../setup/api.ts';
import { longLease_seconds, type TaskRef } from './calls.ts';
import type { CaseQuota, RunningTask, WaitingTask } from './peer-case.ts';
import { announce, moveTo, roleOf, type Stage, startGranted } from './stage.ts';

/** Running tasks have run for this long at 0 s of the case: twice the least time before a preemption (P1). */
const head_start_seconds = 120;
/** Each piece of a tenant's history. */
const history_seconds = 60;
/** When a task waits since, where the case does not say. */
const waits_for_seconds = 10;
const leaseMin_seconds = 10;

/** Tenant of the tasks that keep waiting ones waiting; without quotas, and gone before the act. */
const blocker = 'stage-blocker';

/** What the stage looks like when the act begins. */
export type Opening = {
  /** Tasks that keep the pool full until the act begins. */
  readonly blockers: readonly TaskRef[];
  /** Running tasks that have been told to leave. */
  readonly leaving: readonly string[];
};

export async function setStage(stage: Stage): Promise<Opening> {
  await setLimits(stage);
  await playHistory(stage);
  await playSpending(stage);
  const leaving = await startRunning(stage);
  const blockers = await letWait(stage);
  return { blockers, leaving };
}

async function setLimits({ calls, given }: Stage): Promise<void> {
  const { cpu, memory_gb, runs } = given.capacity;
  await calls.must('operator', 'PUT', '/v1/pool', { cpu, memoryGb: memory_gb ?? null, tasks: runs ?? null });
  for (const [tenantId, quota] of Object.entries(given.quotas)) {
    await calls.must('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, {
      ...quotasOf(quota),
      ...thresholdsOf(given.thresholds_pct),
    });
  }
}

/** What a case does not limit has no bound; what it limits has no burst but the one that it gives. */
function quotasOf({ cpu, burst_cpu, memory_gb, burst_memory_gb, concurrent, cost_usd }: CaseQuota): object {
  return {
    ...(cpu === undefined ? {} : { cpu: { limit: cpu, burst: burst_cpu ?? 0 } }),
    ...(memory_gb === undefined ? {} : { memory: { limit: memory_gb, burst: burst_memory_gb ?? 0 } }),
    ...(concurrent === undefined ? {} : { concurrentRuns: { limit: concurrent } }),
    ...(cost_usd === undefined ? {} : { cost: { limitUSD: cost_usd } }),
  };
}

/** The case's percentages alert beside ours, which act. */
function thresholdsOf(percents: readonly number[] | undefined): object {
  return percents === undefined ? {} : { thresholds: { alerts: percents } };
}

/** A run that is no part of the case, admitted at once. */
async function stagedRun(
  { calls }: Stage,
  tenantId: string,
  what: string,
  more: { readonly cpu?: number; readonly budget_usd?: number; readonly class?: string },
): Promise<TaskRef> {
  const id = `staged-${what}-${tenantId}`;
  await calls.must('operator', 'POST', '/v1/runs', {
    runId: id,
    tenantId,
    phase: 'peer-case',
    resources: { cpu: more.cpu ?? 0, memoryGb: 0 },
    priority: { class: more.class ?? 'P2', overridable: false, reason: 'sets the stage' },
    budget: { maxCostUSD: more.budget_usd ?? 1 },
    leaseSeconds: longLease_seconds,
  });
  return { tenantId, id };
}

/** Tenants used what they used at the same time where the pool has the room, else one after another. */
async function playHistory(stage: Stage): Promise<void> {
  const pieces = Object.entries(stage.given.history);
  const total_cpu = pieces.reduce((sum, [, { cpu }]) => sum + cpu, 0);
  const groups = total_cpu <= stage.given.capacity.cpu ? [pieces] : pieces.map((piece) => [piece]);
  for (const [index, group] of groups.entries()) {
    moveTo(stage, -head_start_seconds - history_seconds * (groups.length - index));
    const runs: TaskRef[] = [];
    for (const [tenantId, { cpu }] of group) runs.push(await stagedRun(stage, tenantId, 'history', { cpu }));
    stage.api.advance(history_seconds);
    for (const run of runs) await stage.calls.complete(run);
  }
}

async function playSpending(stage: Stage): Promise<void> {
  for (const [tenantId, spent_usd] of Object.entries(stage.given.spent)) {
    if (spent_usd === 0) continue;
    const run = await stagedRun(stage, tenantId, 'spent', { budget_usd: spent_usd });
    await stage.calls.report(run, { eventId: 'spent', costUSD: spent_usd });
    await stage.calls.complete(run);
  }
}

/** @throws Error when a task that has to run is not admitted */
async function startRunning(stage: Stage): Promise<string[]> {
  const startOf = ({ started_s, lease_s }: RunningTask): number =>
    lease_s === undefined ? (started_s ?? 0) - head_start_seconds : (started_s ?? 0);
  const inTime = stage.given.running.toSorted((a, b) => startOf(a) - startOf(b));
  for (const task of inTime) {
    moveTo(stage, startOf(task));
    const lease_seconds = Math.max(task.lease_s ?? longLease_seconds, leaseMin_seconds);
    mustStart(task.id, await announce(stage, task, { onQuota: 'refuse', lease_seconds }));
    await startGranted(stage);
  }
  const leaving = inTime.filter((task) => task.state === 'stopping').map((task) => task.id);
  if (leaving.length > 0) moveTo(stage, -1);
  for (const id of leaving) await stage.calls.tellToLeave(roleOf(stage, id));
  return leaving;
}

function mustStart(id: string, answer: Answer): void {
  if (answer.status !== 201) {
    throw new Error(
      `${id} runs when the case begins, but was answered ${answer.status}: ${JSON.stringify(answer.body)}`,
    );
  }
}

/** A task that can never start is refused. */
function mustNotStart(id: string, answer: Answer): void {
  if (answer.status === 201 || answer.status >= 500) {
    throw new Error(
      `${id} waits when the case begins, but was answered ${answer.status}: ${JSON.stringify(answer.body)}`,
    );
  }
}

/** A moment of the past of waiting tasks. */
type Step = { readonly second: number; readonly play: () => Promise<void> };

/** Returns what takes the room that they wait for. */
async function letWait(stage: Stage): Promise<TaskRef[]> {
  const blockers: TaskRef[] = [];
  const { waiting } = stage.given;
  const pushedOut = waiting.filter((task) => task.preempted_s !== undefined);
  const created = (task: WaitingTask): number => task.created_s ?? -waits_for_seconds;
  const fill = async (): Promise<void> => {
    blockers.push(...(await fillPool(stage, pushedOut)));
  };
  const wait = async (task: WaitingTask): Promise<void> => {
    const answer = await announce(stage, task, { onQuota: 'wait' });
    if (task.preempted_s === undefined) mustNotStart(task.id, answer);
    else mustStart(task.id, answer);
  };
  const leave = async (task: WaitingTask): Promise<void> => {
    blockers.push(await pushOut(stage, task));
  };
  const steps: Step[] = [
    { second: Math.min(...waiting.map(created)) - 1, play: fill },
    ...waiting.map((task) => ({ second: created(task), play: () => wait(task) })),
    ...pushedOut.map((task) => ({ second: task.preempted_s ?? 0, play: () => leave(task) })),
  ];
  for (const { second, play } of waiting.length === 0 ? [] : steps.toSorted((a, b) => a.second - b.second)) {
    moveTo(stage, second);
    await play();
  }
  return blockers;
}

/** Another tenant's P0 task takes all room but that of tasks which run first and are pushed out later. */
async function fillPool(stage: Stage, pushedOut: readonly WaitingTask[]): Promise<TaskRef[]> {
  const pool = await stage.calls.poolOf();
  const kept_cpu = pushedOut.reduce((sum, { cpu }) => sum + cpu, 0);
  const cpu = pool.cpu - pool.used.cpu - kept_cpu;
  const isFull = pool.tasks !== null && pool.used.tasks >= pool.tasks;
  if (cpu <= 0 || isFull) return [];
  await stage.calls.must('operator', 'PUT', `/v1/tenants/${blocker}/quotas`, {});
  return [await stagedRun(stage, blocker, 'room', { cpu, class: 'P0' })];
}

/** The task leaves with a checkpoint, and a P0 task of another tenant takes its room. */
async function pushOut(stage: Stage, task: WaitingTask): Promise<TaskRef> {
  const role = roleOf(stage, task.id);
  await stage.calls.tellToLeave(role);
  await stage.calls.must('operator', 'PUT', `/v1/tenants/${blocker}/quotas`, {});
  const successor = await stagedRun(stage, blocker, `instead-of-${task.id}`, { cpu: task.cpu, class: 'P0' });
  await stage.calls.checkpoint(role);
  await stage.calls.claim(successor);
  return successor;
}

/** Makes the room free that kept the waiting tasks waiting. */
export async function removeBlockers({ calls }: Stage, blockers: readonly TaskRef[]): Promise<void> {
  for (const task of blockers) {
    const answer = await calls.complete(task);
    if (answer.status !== 200)
      throw new Error(`${task.id} could not be removed: ${JSON.stringify(answer.body)}`);
  }
}

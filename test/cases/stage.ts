/** The stage of one case: its tasks by id, its clock, and what was heard and seen of it. */

import { type Answer, type Api, testStart } from '../setup/api.ts';
import { type Calls, callsOf, longLease_seconds, type TaskRef } from './calls.ts';
import type { Given, Newcomer, RunningTask, WaitingTask } from './peer-case.ts';

/** A task of the case as it was announced. */
export type Role = TaskRef & {
  /** The body of the first announcement, which repeats send again (A7). */
  readonly body: object;
  /** How long it works once started; null: until the case ends it. */
  readonly duration_seconds: number | null;
  /** False: no runner ever comes for it. */
  readonly isClaimed: boolean;
};

export type Announcement = {
  readonly onQuota: 'wait' | 'refuse';
  /** False: the grant goes to the queue, and no runner comes for it. */
  readonly isClaimed?: boolean;
  readonly lease_seconds?: number;
  readonly idempotencyKey?: string;
};

export type Stage = {
  readonly calls: Calls;
  readonly api: Api;
  readonly given: Given;
  /** Tasks of the case by id, in the order of their announcement. */
  readonly cast: Map<string, Role>;
  /** Ids in the order in which they started or resumed, from the first of the past on. */
  readonly started: string[];
  /** Ids that ran when last looked at. */
  readonly running: Set<string>;
};

/** Time before 0 s of a case in which its past is played. */
const past_seconds = 1800;
const zero = new Date(testStart.getTime() + past_seconds * 1000);

export function stageOf(api: Api, given: Given): Stage {
  return { calls: callsOf(api), api, given, cast: new Map(), started: [], running: new Set() };
}

export function timeOf(second: number): Date {
  return new Date(zero.getTime() + second * 1000);
}

/** Seconds since 0 s of the case. */
export function secondOf(stage: Stage): number {
  return (stage.api.now().getTime() - zero.getTime()) / 1000;
}

/** Moves to a second of the case; time never goes back. */
export function moveTo(stage: Stage, second: number): void {
  if (timeOf(second) > stage.api.now()) stage.api.at(timeOf(second));
}

/** A task of the case; one that nobody announced is looked for with the first tenant. */
export function roleOf({ cast, given }: Stage, id: string): TaskRef {
  return cast.get(id) ?? { id, tenantId: Object.keys(given.quotas)[0] ?? 'nobody' };
}

/**
 * An operator asks for the task's run, with the class and overridability of the case. A run announced before is
 * announced with the same body again.
 */
export async function announce(
  stage: Stage,
  task: RunningTask | WaitingTask | Newcomer,
  { onQuota, isClaimed = true, lease_seconds = longLease_seconds, idempotencyKey }: Announcement,
): Promise<Answer> {
  const reserved_usd = 'reserve_usd' in task ? task.reserve_usd : undefined;
  const body = stage.cast.get(task.id)?.body ?? {
    runId: task.id,
    tenantId: task.tenant,
    phase: 'peer-case',
    resources: { cpu: task.cpu, memoryGb: task.memory_gb ?? 0 },
    priority: {
      class: task.priority,
      overridable: task.overridable ?? task.priority !== 'P0',
      reason: 'as the case says',
    },
    budget: { maxCostUSD: reserved_usd ?? runBudget_usd(stage.given, task.id) },
    onQuota,
    start: isClaimed ? 'now' : 'queue',
    leaseSeconds: lease_seconds,
    labels: labelsOf(task),
  };
  const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
  const answer = await stage.api.call('operator', 'POST', '/v1/runs', body, headers);
  if (!stage.cast.has(task.id)) {
    const duration_seconds = ('duration_s' in task ? task.duration_s : undefined) ?? null;
    stage.cast.set(task.id, { id: task.id, tenantId: task.tenant, body, duration_seconds, isClaimed });
  }
  return answer;
}

/** The contract knows no budget of zero; the smallest that it knows stands in. */
function runBudget_usd({ run_budgets }: Given, id: string): number {
  const budget_usd = run_budgets[id] ?? 1;
  return budget_usd === 0 ? 1e-9 : budget_usd;
}

export function labelsOf(task: object): Record<string, string> {
  const labels: Record<string, string> = {};
  if ('runner' in task && typeof task.runner === 'string') labels.runner = task.runner;
  if ('model' in task && typeof task.model === 'string') labels.model = task.model;
  return labels;
}

export async function statesOf(stage: Stage): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  for (const role of stage.cast.values()) states.set(role.id, await stage.calls.stateOf(role));
  return states;
}

/** Runners take what was granted. Returns what has newly started or resumed. */
export async function startGranted({ calls, cast, started, running }: Stage): Promise<readonly Role[]> {
  const newly: Role[] = [];
  for (const role of cast.values()) {
    let state = await calls.stateOf(role);
    if (state === 'granted' && role.isClaimed) state = (await calls.claim(role)).body.state;
    if (state !== 'running') running.delete(role.id);
    else if (!running.has(role.id)) {
      running.add(role.id);
      started.push(role.id);
      newly.push(role);
    }
  }
  return newly;
}

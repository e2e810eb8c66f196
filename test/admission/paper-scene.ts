/** Scenes for the scheduler's decision on paper: who waits, who runs, how much room there is. */

import { policy } from '../../shared/admission/policy.ts';
import { noRoom, type Room } from '../../shared/admission/room.ts';
import { planSchedule, type Snapshot, type WaitingTask } from '../../shared/admission/schedule.ts';
import type { RunningTask } from '../../shared/admission/victims.ts';

export const now = new Date('2026-03-11T12:00:00Z');
export const secondsAgo = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();

export function waiting(taskId: string, fields: Partial<WaitingTask> = {}): WaitingTask {
  return {
    tenantId: 'a',
    taskId,
    runId: taskId,
    effectiveClass: fields.class ?? 2,
    class: 2,
    usesBurst: false,
    cpu: 1,
    memoryGb: 1,
    waitingFor: 'pool',
    overdue: false,
    startsRun: true,
    costFits: true,
    acceptedAt: secondsAgo(1),
    waitingSince: secondsAgo(1),
    promised: false,
    promisedRoom: null,
    promisedQuota: null,
    ...fields,
  };
}

export function running(taskId: string, fields: Partial<RunningTask> = {}): RunningTask {
  return {
    tenantId: 'v',
    taskId,
    epoch: '1',
    class: 3,
    cpu: 1,
    memoryGb: 1,
    usesBurst: false,
    firstVictim: false,
    endsRun: true,
    runningSince: secondsAgo(3600),
    preemptionStreak: 0,
    workSinceCheckpointNanos: '0',
    ...fields,
  };
}

export type Scene = {
  readonly room: number | null;
  readonly capacity?: number;
  readonly line: readonly WaitingTask[];
  readonly running?: readonly RunningTask[] | null;
  readonly use?: Readonly<Record<string, number>>;
  readonly weights?: Readonly<Record<string, number>>;
  readonly leaving?: Room;
};

export function snapshotOf({
  room,
  capacity = 100,
  line,
  running: runs = [],
  use = {},
  weights = {},
  leaving = noRoom,
}: Scene): Snapshot {
  const names = new Set([...line, ...(runs ?? [])].map((task) => task.tenantId));
  return {
    version: '1',
    pool: {
      cpu: room === null ? null : capacity,
      memoryGb: null,
      tasks: null,
      cpuRoom: room,
      memoryGbRoom: null,
      tasksRoom: null,
      leaving,
    },
    waiting: line,
    more: false,
    smallestCpu: null,
    displaceable: [],
    tenants: [...names].map((tenantId) => ({
      tenantId,
      weight: weights[tenantId] ?? 1,
      cpuInUse: use[tenantId] ?? 0,
      memoryGbInUse: 0,
      tasksInUse: 0,
      recent: 0,
      quota: null,
    })),
    running: runs,
    runningTruncated: false,
    lowestRunningClass:
      runs === null ? 3 : runs.reduce<number | null>((low, { class: of }) => Math.max(low ?? of, of), null),
    burstRunning: runs?.some((task) => task.usesBurst) ?? false,
  };
}

export function plan(scene: Scene) {
  const { grants, preemptions, needsRunning } = planSchedule(snapshotOf(scene), policy, now);
  return {
    grants: grants.map(({ task }) => task.taskId),
    preemptions: preemptions.map(({ task, victims }) => [
      task.taskId,
      victims.map((victim) => victim.taskId),
    ]),
    needsRunning,
  };
}
export const grantsOf = (scene: Scene) => plan(scene).grants;

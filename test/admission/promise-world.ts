/**
 * A small world around the planner: tasks arrive, plans are carried out as `apply_plan.sql` does, victims leave within their
 * grace time, newcomers start, are never claimed or are cancelled, promises end.
 */

import { policy } from '../../shared/admission/policy.ts';
import { type Plan, planSchedule, type Snapshot, type WaitingTask } from '../../shared/admission/schedule.ts';

export type WorldTask = {
  readonly id: string;
  readonly tenantId: string;
  readonly class: number;
  readonly cpu: number;
  readonly usesBurst: boolean;
  readonly acceptedAt: number;
  state: 'waiting' | 'granted' | 'running' | 'leaving' | 'gone';
  waitingFor: 'pool' | 'quota';
  waitingSince: number;
  runningSince: number;
  preemptions: number;
  claims: boolean;
  /** When its next step happens by itself: it claims, completes or leaves. */
  stepAt: number;
  by: WorldTask | null;
  /** Which of the promises of `by` it left for. */
  forPromise: number;
  promised: boolean;
  promisedUntil: number | null;
  /** How many it has been given. */
  promises: number;
  /** Whom it left for without having run its minimum since. */
  yieldedTo: WorldTask | null;
};

export type World = {
  now: number;
  readonly capacity: { readonly cpu: number; readonly tasks: number };
  /** vCPU that a tenant may hold; no entry, no bound. */
  readonly limits: ReadonlyMap<string, number>;
  readonly tasks: Set<WorldTask>;
  /** 0 to 1. */
  readonly random: () => number;
};

export const room = (world: World) => {
  const held = [...world.tasks].filter(inRoom);
  const kept = [...world.tasks].filter((task) => hasPromise(world, task)).map((task) => keptFor(world, task));
  return {
    cpu: world.capacity.cpu - total(held) - kept.reduce((sum, { cpu }) => sum + cpu, 0),
    tasks: world.capacity.tasks - held.length - kept.reduce((sum, { tasks }) => sum + tasks, 0),
  };
};
export const quotaHeld = (world: World, tenantId: string) =>
  total([...world.tasks].filter((task) => task.tenantId === tenantId && holdsQuota(task)));
export const hasPromise = ({ now }: World, task: WorldTask) =>
  task.promised && (task.promisedUntil === null || task.promisedUntil > now);
/** Whether it left for this task's latest need: an earlier one has been met, or given up. */
const leftFor = (task: WorldTask, newcomer: WorldTask) =>
  task.by === newcomer && task.forPromise === newcomer.promises;
/** Whom it left for still waits on the promise that it was given for that. */
export const isHeldBack = (world: World, task: WorldTask) =>
  task.by !== null && leftFor(task, task.by) && hasPromise(world, task.by);
export const leavingFor = (world: World, task: WorldTask) =>
  [...world.tasks].filter((other) => other.state === 'leaving' && leftFor(other, task));

/** Whom they left for has been cancelled, or started without them. */
export const leavingForNobody = (world: World) =>
  [...world.tasks].filter((task) => task.state === 'leaving' && !isHeldBack(world, task));

const inRoom = ({ state }: WorldTask) => state === 'granted' || state === 'running' || state === 'leaving';
const holdsQuota = (task: WorldTask) =>
  inRoom(task) || (task.state === 'waiting' && task.waitingFor === 'pool');
const total = (tasks: readonly WorldTask[]) => tasks.reduce((sum, { cpu }) => sum + cpu, 0);
const keptFor = (world: World, task: WorldTask) => {
  const leaving = leavingFor(world, task);
  return { cpu: Math.max(task.cpu - total(leaving), 0), tasks: Math.max(1 - leaving.length, 0) };
};
const keptQuota = (world: World, task: WorldTask) => {
  const own = leavingFor(world, task).filter(({ tenantId }) => tenantId === task.tenantId);
  return { cpu: Math.max(task.cpu - total(own), 0), memoryGb: 0, runs: 0 };
};
/** vCPU of a tenant's quota that is promised. */
export const quotaKept = (world: World, tenantId: string) =>
  [...world.tasks]
    .filter((task) => task.tenantId === tenantId && task.waitingFor === 'quota' && hasPromise(world, task))
    .reduce((sum, task) => sum + keptQuota(world, task).cpu, 0);
const instant = (time: number) => new Date(time).toISOString();

export function snapshotOf(world: World): Snapshot {
  const tasks = [...world.tasks];
  const waiting = tasks.filter((task) => task.state === 'waiting' && !isHeldBack(world, task));
  const running = tasks.filter((task) => task.state === 'running' && task.class > 0);
  const tenants = [...new Set(tasks.map(({ tenantId }) => tenantId))];
  const free = room(world);
  const toNobody = leavingForNobody(world);
  return {
    version: '1',
    pool: {
      cpu: world.capacity.cpu,
      memoryGb: null,
      tasks: world.capacity.tasks,
      cpuRoom: free.cpu,
      memoryGbRoom: null,
      tasksRoom: free.tasks,
      leaving: {
        cpu: total(toNobody),
        memoryGb: toNobody.length,
        tasks: toNobody.length,
      },
    },
    waiting: waiting.map((task) => waitingTask(world, task)),
    more: false,
    smallestCpu: 1,
    tenants: tenants.map((tenantId) => {
      const own = tasks.filter((task) => task.tenantId === tenantId);
      const limit = world.limits.get(tenantId);
      return {
        tenantId,
        weight: 1,
        cpuInUse: total(own.filter(inRoom)),
        memoryGbInUse: 0,
        tasksInUse: own.filter(inRoom).length,
        recent: 0,
        quota: {
          limits: limit === undefined ? {} : { cpu: { limit, burst: 0 } },
          cpuHeld: total(own.filter(holdsQuota)),
          memoryGbHeld: 0,
          runsHeld: 0,
          promised: { cpu: quotaKept(world, tenantId), memoryGb: 0, runs: 0 },
          lowestRunningClass: 3,
        },
      };
    }),
    // Nobody gives up quota in the line here: a promise does not cover quota that others hold while they wait.
    displaceable: [],
    running: running.map((task) => ({
      tenantId: task.tenantId,
      taskId: task.id,
      epoch: '1',
      class: task.class,
      cpu: task.cpu,
      memoryGb: 1,
      usesBurst: task.usesBurst,
      firstVictim: false,
      runningSince: instant(task.runningSince),
      preemptionStreak: task.preemptions,
      workSinceCheckpointNanos: '0',
      endsRun: true,
    })),
    runningTruncated: false,
    lowestRunningClass: 3,
    burstRunning: true,
  };
}

function waitingTask(world: World, task: WorldTask): WaitingTask {
  const promised = hasPromise(world, task);
  return {
    tenantId: task.tenantId,
    taskId: task.id,
    runId: task.id,
    effectiveClass: task.class,
    overdue: false,
    class: task.class,
    usesBurst: task.usesBurst,
    cpu: task.cpu,
    memoryGb: 1,
    waitingFor: task.waitingFor,
    acceptedAt: instant(task.acceptedAt),
    waitingSince: instant(task.waitingSince),
    startsRun: true,
    costFits: true,
    promised,
    promisedRoom: promised ? { ...keptFor(world, task), memoryGb: 1 } : null,
    promisedQuota: promised && task.waitingFor === 'quota' ? keptQuota(world, task) : null,
  };
}

/** Grants, then preemptions, as the plan says. */
export function apply(world: World, plan: Plan): void {
  const known = new Map([...world.tasks].map((task) => [task.id, task]));
  const taskOf = ({ taskId }: { taskId: string }) => {
    const task = known.get(taskId);
    if (task === undefined) throw new Error(`no task ${taskId}`);
    return task;
  };
  for (const { task: granted, displaced } of plan.grants) {
    for (const other of displaced) taskOf(other).waitingFor = 'quota';
    const task = taskOf(granted);
    Object.assign(task, { state: 'granted', promised: false, promisedUntil: null });
    // One in ten is not claimed, and goes back after a minute.
    task.claims = world.random() >= 0.1;
    task.stepAt = world.now + (task.claims ? Math.floor(50 * world.random()) : policy.claim_seconds) * 1000;
  }
  for (const { task, victims } of plan.preemptions) {
    const newcomer = taskOf(task);
    Object.assign(newcomer, { promised: true, promisedUntil: null, promises: newcomer.promises + 1 });
    for (const each of victims) {
      const victim = taskOf(each);
      const grace_ms = policy.grace_seconds * 1000 * world.random();
      Object.assign(victim, { state: 'leaving', by: newcomer, stepAt: Math.round(world.now + grace_ms) });
      victim.forPromise = newcomer.promises;
      victim.yieldedTo = newcomer;
    }
  }
}

/** Plans and carries out, until there is nothing to do. Every plan is shown to `look` before. */
export function schedule(world: World, look: (plan: Plan, snapshot: Snapshot) => void): void {
  for (;;) {
    const snapshot = snapshotOf(world);
    const plan = planSchedule(snapshot, policy, new Date(world.now));
    look(plan, snapshot);
    if (plan.grants.length + plan.preemptions.length === 0) return;
    apply(world, plan);
  }
}

/** What the task does when its time has come. */
export function step(world: World, task: WorldTask): void {
  if (task.state === 'granted') {
    if (!task.claims) {
      back(world, task);
      return;
    }
    Object.assign(task, { state: 'running', runningSince: world.now, by: null });
    task.stepAt = world.now + Math.floor(400_000 * world.random() ** 2);
    return;
  }
  const { by } = task;
  const leaves = task.state === 'leaving';
  // One in five completes within its grace time (P4).
  if (!leaves || world.random() < 0.2) end(world, task);
  else {
    task.preemptions += 1;
    back(world, task);
    const forQuota = by !== null && leftFor(task, by) && by.promised && by.waitingFor === 'quota';
    if (forQuota && by.tenantId === task.tenantId) task.waitingFor = 'quota';
    task.waitingSince = world.now;
  }
  if (leaves && by?.promised && leavingFor(world, by).length === 0) {
    by.promisedUntil = world.now + policy.promise_seconds * 1000;
  }
}

function back(world: World, task: WorldTask): void {
  Object.assign(task, { state: 'waiting', waitingFor: 'pool' });
  // Its old waiting time counts on, unless it has run meanwhile.
  if (task.runningSince > task.waitingSince) task.waitingSince = world.now;
}

export function end(world: World, task: WorldTask): void {
  Object.assign(task, { state: 'gone', promised: false, promisedUntil: null });
  world.tasks.delete(task);
}

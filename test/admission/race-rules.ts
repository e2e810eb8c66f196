/**
 * The rules of admission and preemption for a handful of tasks: what a call answers and what it makes of the world. Written
 * from the rules, so that a race can be held against both orders of its two calls.
 */

import { actOn } from './race-money-rules.ts';
import {
  type Ended,
  ended,
  entries,
  freeFor,
  heldBy,
  limitOf,
  line,
  mayStart,
  newRun,
  newTask,
  runOf,
  sum,
  type TaskIs,
  taskOf,
  type World,
} from './race-world.ts';

/** A call by the rules. It yields where it commits: another call may come between what it did and what follows from it. */
export type Steps<Said = string> = Generator<void, Said>;

/** A11, P1, P2: free room to the head; else room from those who may be preempted for it. */
export function pass(world: World): void {
  for (const [id, task] of line(world)) {
    if (!mayStart(world, task)) continue;
    const missing = task.cpu - freeFor(world, id);
    if (missing <= 0) {
      Object.assign(task, { state: 'granted', waitingFor: null, lapsed: false, promised: false });
      task.epoch += 1;
    } else if (!task.promised && task.waitingFor === 'pool') {
      const victims = Object.values(world.tasks).filter(
        (other) =>
          other.state === 'running' && !other.due && other.overridable && other.queueClass > task.queueClass,
      );
      if (sum(victims) < missing) continue;
      task.promised = true;
      for (const victim of victims) order(world, victim, 'checkpoint', id);
    }
  }
}

/** P4: told to leave; a pause outranks a checkpoint. */
export function order(
  world: World,
  task: TaskIs,
  action: 'checkpoint' | 'pause',
  leavesFor: string | null,
): void {
  if (task.state === 'running') {
    Object.assign(task, { state: 'preempting', action, leavesFor });
    world.happened.push('preempt-requested');
  } else if (task.state === 'preempting' && action === 'pause') {
    task.action = action;
  }
}

export function leave(world: World, task: TaskIs, how: 'told' | 'lapsed' | 'unclaimed'): void {
  if (task.action === 'pause') Object.assign(task, { state: 'paused', waitingFor: null });
  else Object.assign(task, { state: 'queued', waitingFor: 'pool' });
  Object.assign(task, { action: null, due: false, lapsed: how === 'lapsed' });
  if (how === 'told') world.happened.push('task-preempted');
}

function end(world: World, task: TaskIs, state: Ended): void {
  Object.assign(task, { state, waitingFor: null, action: null, due: false, lapsed: false, promised: false });
  const siblings = Object.values(world.tasks).filter(({ run }) => run === task.run);
  if (!siblings.every(ended)) return;
  const best = (['failed', 'completed'] as const).find((one) => siblings.some((each) => each.state === one));
  world.happened.push(`run-${best ?? 'cancelled'}`);
}

export type Newcomer = Pick<TaskIs, 'tenant' | 'class' | 'cpu'> & {
  /** A further phase of this run. */
  readonly run?: string;
  readonly onQuota?: 'wait';
};

export function* admit(world: World, id: string, asked: Newcomer): Steps {
  const known = world.tasks[id];
  if (known !== undefined) return known.answered;
  const run = asked.run === undefined ? undefined : runOf(world, asked.run);
  if (asked.cpu > Math.min(world.pool_cpu, limitOf(world, asked.tenant))) return '422 never_fits';
  const short = heldBy(world, asked.tenant) + asked.cpu > limitOf(world, asked.tenant);
  if (short && asked.onQuota !== 'wait') return '429 quota_exceeded';
  if (run !== undefined && (run.paused || run.spent_cents >= run.limit_cents * 0.95))
    return '402 budget_exhausted';
  const overridable = asked.class > 0;
  const queueClass = run?.demoted && overridable ? 3 : asked.class;
  const free = freeFor(world, null);
  const overtakes = line(world).some(
    ([, other]) => other.queueClass <= queueClass && other.cpu <= free && mayStart(world, other),
  );
  const starts = !short && asked.cpu <= free && !overtakes;
  const answered = starts ? '201 admitted' : '202 queued';
  world.runs[asked.run ?? id] ??= newRun();
  world.tasks[id] = {
    ...newTask({ ...asked, accepted: entries(world).length, answered }),
    run: asked.run ?? id,
    queueClass,
    state: starts ? 'running' : 'queued',
    epoch: starts ? 1 : 0,
    started: starts,
    waitingFor: starts ? null : short ? 'quota' : 'pool',
  };
  if (starts) world.happened.push('task-started');
  yield;
  if (!starts) pass(world);
  return answered;
}

export function claim(world: World, id: string): string {
  const task = taskOf(world, id);
  if (task.state !== 'granted' || task.due) return '409 not_granted';
  world.happened.push(task.started ? 'task-resumed' : 'task-started');
  Object.assign(task, { state: 'running', started: true, leavesFor: null });
  return '200';
}

export function claims(world: World): string {
  const [best] = entries(world)
    .filter(([, { state, due }]) => state === 'granted' && !due)
    .sort(([, a], [, b]) => a.queueClass - b.queueClass || a.accepted - b.accepted);
  if (best !== undefined) claim(world, best[0]);
  return `200 ${best?.[0] ?? 'nothing'}`;
}

/** A task at work hears of its run's pause at once, before the order has come over the bus (B5). */
export function directive(world: World, task: TaskIs): string {
  if (ended(task)) return 'stop';
  if (task.state === 'preempting') return task.action ?? 'checkpoint';
  if (task.state === 'paused') return 'pause';
  if (task.state !== 'running') return 'stop';
  return runOf(world, task.run).paused ? 'pause' : 'continue';
}

/** A12, A13. A lapsed lease comes back while its room is free. */
export function heartbeat(world: World, id: string, epoch: number): string {
  const task = taskOf(world, id);
  const works = task.state === 'running' || task.state === 'preempting';
  const lapsed = (task.state === 'running' && task.due) || (task.state === 'queued' && task.lapsed);
  if (task.epoch !== epoch) return '409 stale_epoch';
  if (lapsed && task.cpu <= freeFor(world, id)) {
    Object.assign(task, { state: 'running', due: false, lapsed: false, waitingFor: null });
    return `200 ${directive(world, task)}`;
  }
  const heardOut = ended(task) || task.state === 'paused' || (works && !task.due);
  return heardOut ? `200 ${directive(world, task)}` : '409 stale_epoch';
}

/** The same checkpoint again is a repeat, whatever became of the task. */
export function* checkpoint(world: World, id: string, epoch: number, sequence: number): Steps {
  const task = taskOf(world, id);
  // Who leaves as its own report has told it carries the pause out.
  if (task.state === 'running' && task.epoch === epoch && runOf(world, task.run).paused) {
    actOn(world, task.run, 'pause');
  }
  const works = task.state === 'running' || task.state === 'preempting' || task.lapsed;
  if (task.sequence !== sequence) {
    if (task.epoch !== epoch || !works) return '409 stale_epoch';
    if (sequence < task.sequence) return '409 sequence_conflict';
    task.sequence = sequence;
  }
  if (task.state !== 'preempting') return `201 ${directive(world, task)}`;
  leave(world, task, 'told');
  const said = `201 ${directive(world, task)}`;
  yield;
  pass(world);
  return said;
}

export function* complete(world: World, id: string, epoch: number): Steps {
  const task = taskOf(world, id);
  const works = task.state === 'running' || task.state === 'preempting' || task.lapsed;
  if (task.epoch !== epoch) return '409 stale_epoch';
  if (ended(task)) return task.state === 'completed' ? '200' : '409 already_ended';
  if (!works) return '409 stale_epoch';
  end(world, task, 'completed');
  yield;
  pass(world);
  return '200';
}

export function* cancel(world: World, id: string): Steps {
  const task = taskOf(world, id);
  if (ended(task)) return task.state === 'cancelled' ? '200' : '409 already_ended';
  end(world, task, 'cancelled');
  yield;
  pass(world);
  return '200';
}

export function preempt(world: World, id: string): string {
  const task = taskOf(world, id);
  if (task.state !== 'running' && task.state !== 'preempting') return '409 not_running';
  order(world, task, 'checkpoint', null);
  return '200';
}

export function* resume(world: World, id: string): Steps {
  const task = taskOf(world, id);
  if (task.state !== 'paused') return '409 not_paused';
  if (runOf(world, task.run).paused) return '402 budget_exhausted';
  unpause(world, task);
  yield;
  pass(world);
  return '200';
}

export function unpause(world: World, task: TaskIs): void {
  const fits = heldBy(world, task.tenant) + task.cpu <= limitOf(world, task.tenant);
  Object.assign(task, { state: 'queued', waitingFor: fits ? 'pool' : 'quota' });
}

export function* setQuota(world: World, tenant: string, limit_cpu: number): Steps {
  world.limits_cpu[tenant] = limit_cpu;
  yield;
  pass(world);
  return '200';
}

export function* setPool(world: World, cpu: number): Steps {
  world.pool_cpu = cpu;
  yield;
  pass(world);
  return '200';
}

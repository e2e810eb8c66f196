/** The rules of a run's budget (B1, B4, B5), as `race-rules.ts`; and of the sweep, which acts on it where the bus is late (E2). */

import { directive, leave, order, pass, type Steps, unpause } from './race-rules.ts';
import { ended, inRoom, type RunIs, runOf, taskOf, type World } from './race-world.ts';

const thresholds = [
  { percent: 50, level: 'warning' },
  { percent: 80, level: 'throttle' },
  { percent: 95, level: 'pause' },
] as const;

const reached = ({ spent_cents, limit_cents }: RunIs) =>
  thresholds.filter(({ percent }) => spent_cents * 100 >= percent * limit_cents);

/** Reported by the task: books once, fires each threshold once (B1, B4). The bus does the rest. */
export function spend(world: World, id: string, eventId: string, cost_cents: number): string {
  const task = taskOf(world, id);
  const run = runOf(world, task.run);
  if (!run.booked.includes(eventId)) {
    run.booked.push(eventId);
    run.spent_cents += cost_cents;
    for (const { percent, level } of reached(run)) {
      if (run.fired.includes(percent)) continue;
      run.fired.push(percent);
      world.happened.push('budget-alert');
      if (level === 'warning') continue;
      run.open.push(level);
      if (level === 'pause') {
        run.paused = true;
        world.happened.push('run-paused-for-budget');
        continue;
      }
      run.demoted = true;
      const hit = Object.values(world.tasks).filter(
        (each) => each.run === task.run && each.overridable && (inRoom(each) || each.state === 'queued'),
      );
      world.happened.push(...hit.map(() => 'preempt-for-budget'));
    }
  }
  return `200 ${directive(world, task)}`;
}

/** What the bus or the sweep does about a fired threshold, once (B5, E2). */
export function* act(world: World, runId: string, level: 'throttle' | 'pause'): Steps {
  if (!runOf(world, runId).open.includes(level)) return 'already';
  actOn(world, runId, level);
  yield;
  pass(world);
  return 'acted';
}

/** Once: nothing is left of an action that is not open. */
export function actOn(world: World, runId: string, level: 'throttle' | 'pause'): void {
  const run = runOf(world, runId);
  if (!run.open.includes(level)) return;
  run.open = run.open.filter((each) => each !== level);
  for (const task of Object.values(world.tasks)) {
    if (task.run !== runId || ended(task)) continue;
    if (level === 'throttle' && task.overridable) {
      task.queueClass = 3;
      if (task.state === 'running') order(world, task, 'checkpoint', null);
    } else if (level === 'pause') {
      order(world, task, 'pause', null);
      if (task.state === 'granted') leave(world, Object.assign(task, { action: 'pause' }), 'told');
      if (task.state === 'queued') {
        Object.assign(task, { state: 'paused', waitingFor: null, lapsed: false, promised: false });
      }
    }
  }
}

export function* setBudget(world: World, runId: string, limit_cents: number): Steps {
  const run = runOf(world, runId);
  const wasPaused = run.paused;
  run.limit_cents = limit_cents;
  const still = reached(run);
  run.fired = run.fired.filter((percent) => still.some((each) => each.percent === percent));
  run.open = run.open.filter((level) => still.some((each) => each.level === level));
  run.demoted &&= still.some(({ level }) => level === 'throttle');
  run.paused &&= still.some(({ level }) => level === 'pause');
  const live = Object.values(world.tasks).filter((task) => task.run === runId && !ended(task));
  if (!run.demoted) for (const task of live) task.queueClass = task.class;
  if (wasPaused && !run.paused) {
    if (live.some(({ state }) => state === 'paused' || state === 'preempting'))
      world.happened.push('run-resumed');
    for (const task of live) {
      if (task.state === 'paused') unpause(world, task);
      if (task.action === 'pause') task.action = 'checkpoint';
    }
  }
  yield;
  pass(world);
  return '200';
}

/** Writes down what is due by the clock, then does what the bus has left undone, then one pass. */
export function* sweep(world: World): Steps {
  for (const task of Object.values(world.tasks)) {
    if (!task.due) continue;
    if (task.state === 'granted') leave(world, task, 'unclaimed');
    else leave(world, task, task.state === 'preempting' ? 'told' : 'lapsed');
  }
  yield;
  for (const [id, run] of Object.entries(world.runs)) {
    for (const level of run.overdue.filter((each) => run.open.includes(each))) actOn(world, id, level);
  }
  yield;
  pass(world);
  return '200';
}

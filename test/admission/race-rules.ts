/**
 * The rules of admission, preemption and budget for a handful of tasks: what a call answers and what it makes of the
 * world. Written from the rules, so that a race can be held against both orders of its two calls.
 */

/** A call by the rules. It yields where it commits: another call may come between what it did and what follows from it. */
export type Steps<Said = string> = Generator<void, Said>;

type Resting = 'queued' | 'paused';
type InRoom = 'granted' | 'running' | 'preempting';
type Ended = 'completed' | 'failed' | 'cancelled';

export type TaskIs = {
  readonly tenant: string;
  readonly run: string;
  readonly class: number;
  /** The class in whose queue it stands: its own, or 3 once its run ran into 80 % (B5). */
  queueClass: number;
  readonly overridable: boolean;
  readonly cpu: number;
  /** Place by acceptance. */
  readonly accepted: number;
  /** What its admission was answered, again and again (A7). */
  readonly answered: string;
  state: Resting | InRoom | Ended;
  epoch: number;
  /** Its time in the room has run out by the clock: claim time-out, lease or deadline. */
  due: boolean;
  waitingFor: 'pool' | 'quota' | null;
  /** In line because its lease lapsed: its runner may still come back (A12). */
  lapsed: boolean;
  action: 'checkpoint' | 'pause' | null;
  /** For whom it was preempted. */
  leavesFor: string | null;
  promised: boolean;
  started: boolean;
  sequence: number;
};

export type RunIs = {
  limit_cents: number;
  spent_cents: number;
  readonly booked: string[];
  /** Thresholds fired and still reached. */
  fired: number[];
  /** Fired and not yet acted on. */
  open: ('throttle' | 'pause')[];
  /** Those of them that have been open for so long that the sweep acts in the bus's place (E2). */
  readonly overdue: readonly ('throttle' | 'pause')[];
  demoted: boolean;
  paused: boolean;
};

export type World = {
  pool_cpu: number;
  limits_cpu: Record<string, number>;
  readonly tasks: Record<string, TaskIs>;
  readonly runs: Record<string, RunIs>;
  /** Detail-types of `watchedEvents`. */
  readonly happened: string[];
};

/** Events that tell what was done; each must come exactly as often as it was. */
export const watchedEvents = [
  'budget-alert',
  'preempt-for-budget',
  'preempt-requested',
  'run-cancelled',
  'run-completed',
  'run-failed',
  'run-paused-for-budget',
  'run-resumed',
  'task-preempted',
  'task-resumed',
  'task-started',
];

const inRoom = ({ state }: TaskIs): boolean =>
  state === 'granted' || state === 'running' || state === 'preempting';
const ended = ({ state }: TaskIs): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';
const holdsQuota = (task: TaskIs): boolean => inRoom(task) || task.waitingFor === 'pool';
const entries = (world: World): [string, TaskIs][] => Object.entries(world.tasks);
const sum = (tasks: readonly TaskIs[]): number => tasks.reduce((total, { cpu }) => total + cpu, 0);

function taskOf(world: World, id: string): TaskIs {
  const task = world.tasks[id];
  if (task === undefined) throw new Error(`the scene has no task ${id}`);
  return task;
}

function runOf(world: World, id: string): RunIs {
  const run = world.runs[id];
  if (run === undefined) throw new Error(`the scene has no run ${id}`);
  return run;
}

const heldBy = (world: World, tenant: string): number =>
  sum(Object.values(world.tasks).filter((task) => task.tenant === tenant && holdsQuota(task)));

/** What `id` may take: capacity, less what is held by the clock (A12), less what is promised to others (P3). */
function freeFor(world: World, id: string | null): number {
  const used = sum(Object.values(world.tasks).filter((task) => inRoom(task) && !task.due));
  const promised = entries(world)
    .filter(([other, task]) => task.promised && other !== id)
    .map(([other, task]) => {
      const leaving = Object.values(world.tasks).filter(
        (victim) => victim.state === 'preempting' && victim.leavesFor === other && !victim.due,
      );
      return Math.max(task.cpu - sum(leaving), 0);
    });
  return world.pool_cpu - used - promised.reduce((total, cpu) => total + cpu, 0);
}

/** A10, for tenants of equal share. */
function line(world: World): [string, TaskIs][] {
  return entries(world)
    .filter(([, { state }]) => state === 'queued')
    .sort(([, a], [, b]) => a.queueClass - b.queueClass || a.accepted - b.accepted);
}

/** P3: not before its preemptor; B5: not while its run is paused; A16: not while its quota is short. */
function mayStart(world: World, task: TaskIs): boolean {
  const preemptor = task.leavesFor === null ? undefined : world.tasks[task.leavesFor];
  if (preemptor?.promised || runOf(world, task.run).paused) return false;
  return task.waitingFor === 'pool' || heldBy(world, task.tenant) + task.cpu <= limitOf(world, task.tenant);
}

const limitOf = (world: World, tenant: string): number =>
  world.limits_cpu[tenant] ?? Number.POSITIVE_INFINITY;

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
function order(world: World, task: TaskIs, action: 'checkpoint' | 'pause', leavesFor: string | null): void {
  if (task.state === 'running') {
    Object.assign(task, { state: 'preempting', action, leavesFor });
    world.happened.push('preempt-requested');
  } else if (task.state === 'preempting' && action === 'pause') {
    task.action = action;
  }
}

function leave(world: World, task: TaskIs, how: 'told' | 'lapsed' | 'unclaimed'): void {
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

/** A queued task of a run of its own, unless told. */
export function newTask(is: Partial<TaskIs> & Pick<TaskIs, 'tenant' | 'class' | 'cpu' | 'accepted'>): TaskIs {
  return {
    run: '',
    queueClass: is.class,
    overridable: is.class > 0,
    answered: '202 queued',
    state: 'queued',
    epoch: 0,
    due: false,
    waitingFor: null,
    lapsed: false,
    action: null,
    leavesFor: null,
    promised: false,
    started: false,
    sequence: 0,
    ...is,
  };
}

export function newRun(is: Partial<RunIs> = {}): RunIs {
  return {
    limit_cents: 100,
    spent_cents: 0,
    booked: [],
    fired: [],
    open: [],
    overdue: [],
    demoted: false,
    paused: false,
    ...is,
  };
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

function directive(task: TaskIs): string {
  if (ended(task)) return 'stop';
  if (task.state === 'preempting') return task.action ?? 'checkpoint';
  if (task.state === 'paused') return 'pause';
  return task.state === 'running' ? 'continue' : 'stop';
}

/** A12, A13. A lapsed lease comes back while its room is free. */
export function heartbeat(world: World, id: string, epoch: number): string {
  const task = taskOf(world, id);
  const works = task.state === 'running' || task.state === 'preempting';
  const lapsed = (task.state === 'running' && task.due) || (task.state === 'queued' && task.lapsed);
  if (task.epoch !== epoch) return '409 stale_epoch';
  if (lapsed && task.cpu <= freeFor(world, id)) {
    Object.assign(task, { state: 'running', due: false, lapsed: false, waitingFor: null });
    return '200 continue';
  }
  const heardOut = ended(task) || task.state === 'paused' || (works && !task.due);
  return heardOut ? `200 ${directive(task)}` : '409 stale_epoch';
}

/** The same checkpoint again is a repeat, whatever became of the task. */
export function* checkpoint(world: World, id: string, epoch: number, sequence: number): Steps {
  const task = taskOf(world, id);
  const works = task.state === 'running' || task.state === 'preempting' || task.lapsed;
  if (task.sequence !== sequence) {
    if (task.epoch !== epoch || !works) return '409 stale_epoch';
    if (sequence < task.sequence) return '409 sequence_conflict';
    task.sequence = sequence;
  }
  if (task.state !== 'preempting') return `201 ${directive(task)}`;
  leave(world, task, 'told');
  const said = `201 ${directive(task)}`;
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

function unpause(world: World, task: TaskIs): void {
  const fits = heldBy(world, task.tenant) + task.cpu <= limitOf(world, task.tenant);
  Object.assign(task, { state: 'queued', waitingFor: fits ? 'pool' : 'quota' });
}

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
  return `200 ${directive(task)}`;
}

/** What the bus or the sweep does about a fired threshold, once (B5, E2). */
export function* act(world: World, runId: string, level: 'throttle' | 'pause'): Steps {
  if (!runOf(world, runId).open.includes(level)) return 'already';
  actOn(world, runId, level);
  yield;
  pass(world);
  return 'acted';
}

function actOn(world: World, runId: string, level: 'throttle' | 'pause'): void {
  const run = runOf(world, runId);
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

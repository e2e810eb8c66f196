/** The world of a race: a handful of tasks, and what the rules say of who holds what, who is next and what is free. */

type Resting = 'queued' | 'paused';
type InRoom = 'granted' | 'running' | 'preempting';
export type Ended = 'completed' | 'failed' | 'cancelled';

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

export const inRoom = ({ state }: TaskIs): boolean =>
  state === 'granted' || state === 'running' || state === 'preempting';
export const ended = ({ state }: TaskIs): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';
const holdsQuota = (task: TaskIs): boolean => inRoom(task) || task.waitingFor === 'pool';
export const entries = (world: World): [string, TaskIs][] => Object.entries(world.tasks);
export const sum = (tasks: readonly TaskIs[]): number => tasks.reduce((total, { cpu }) => total + cpu, 0);

export function taskOf(world: World, id: string): TaskIs {
  const task = world.tasks[id];
  if (task === undefined) throw new Error(`the scene has no task ${id}`);
  return task;
}

export function runOf(world: World, id: string): RunIs {
  const run = world.runs[id];
  if (run === undefined) throw new Error(`the scene has no run ${id}`);
  return run;
}

export const heldBy = (world: World, tenant: string): number =>
  sum(Object.values(world.tasks).filter((task) => task.tenant === tenant && holdsQuota(task)));

/** What `id` may take: capacity, less what is held by the clock (A12), less what is promised to others (P3). */
export function freeFor(world: World, id: string | null): number {
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
export function line(world: World): [string, TaskIs][] {
  return entries(world)
    .filter(([, { state }]) => state === 'queued')
    .sort(([, a], [, b]) => a.queueClass - b.queueClass || a.accepted - b.accepted);
}

/** P3: not before its preemptor; B5: not while its run is paused; A16: not while its quota is short. */
export function mayStart(world: World, task: TaskIs): boolean {
  const preemptor = task.leavesFor === null ? undefined : world.tasks[task.leavesFor];
  if (preemptor?.promised || runOf(world, task.run).paused) return false;
  return task.waitingFor === 'pool' || heldBy(world, task.tenant) + task.cpu <= limitOf(world, task.tenant);
}

export const limitOf = (world: World, tenant: string): number =>
  world.limits_cpu[tenant] ?? Number.POSITIVE_INFINITY;

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

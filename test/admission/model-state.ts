/**
 * What the model of the rules knows: tenants, the pool and tasks, and the sums over them. Nothing is counted ahead: every
 * question goes over all tasks again.
 */

/** vCPU, GB and, of the pool, slots; of a tenant's quota, concurrent runs. No bound is Infinity. */
export type Three = readonly [number, number, number];

export type ModelTenant = {
  readonly id: string;
  limit: Three;
  /** What may be borrowed above the limit; runs are never borrowed. */
  burst: Three;
  weight: number;
  violations: number[];
  throttledUntil: number;
  lastStart: number | null;
  /** Share of the pool summed over time, in seconds, as it was at `recentAt`. */
  recent: number;
  recentAt: number | null;
};

/** Times in ms since the epoch. */
export type ModelTask = {
  readonly id: string;
  readonly tenant: ModelTenant;
  readonly class: number;
  readonly overridable: boolean;
  readonly cpu: number;
  readonly memoryGb: number;
  readonly lease_ms: number;
  readonly acceptedAt: number;
  state: 'queued' | 'granted' | 'running' | 'preempting' | 'completed' | 'failed' | 'cancelled';
  waitingFor: 'pool' | 'quota' | null;
  waitingSince: number;
  holdsQuota: boolean;
  /** What of it is borrowed (A5). */
  burst: Three;
  epoch: number;
  /** Holds room until then, whatever its state says (A12). */
  roomUntil: number;
  runningSince: number;
  deadline: number;
  /** It is marked as in excess of a pool made smaller (A15). */
  firstVictim: boolean;
  preemptions: number;
  preemptor: ModelTask | null;
  /** Which of its preemptor's promises it left for. */
  forPromise: number;
  lapses: number;
  /** Waits because its lease lapsed: its runner may come back. */
  lapsed: boolean;
  /** Victims leave for it; null in `promisedUntil` as long as one of them has not left (P3). */
  promised: boolean;
  promisedUntil: number | null;
  /** How many it has been given. */
  promises: number;
};

export type State = {
  now: number;
  capacity: Three;
  readonly tenants: Map<string, ModelTenant>;
  readonly tasks: ModelTask[];
};

export const claim_ms = 60_000;
export const grace_ms = 30_000;
export const promise_ms = 60_000;
export const minRun_ms = 60_000;
export const patience_ms = 600_000;
export const agingStep_ms = 600_000;
export const agingTasks_max = 5;
export const shield_preemptions = 3;
export const lapses_max = 3;
const halfLife_seconds = 600;
const entryCharge_seconds = 60;

export const none: Three = [0, 0, 0];
export const plus = (a: Three, b: Three): Three => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const minus = (a: Three, b: Three): Three => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const atLeast0 = (a: Three): Three => [Math.max(a[0], 0), Math.max(a[1], 0), Math.max(a[2], 0)];
export const fits = (need: Three, room: Three) => need.every((amount, index) => amount <= (room[index] ?? 0));
export const sum = (amounts: readonly Three[]): Three => amounts.reduce(plus, none);

/** Of room one slot, of quota one run: every task is a run of its own. */
export const amountsOf = (task: { readonly cpu: number; readonly memoryGb: number }): Three => [
  task.cpu,
  task.memoryGb,
  1,
];

const roomStates = new Set(['granted', 'running', 'preempting']);
export const isOver = (task: ModelTask) => ['completed', 'failed', 'cancelled'].includes(task.state);
/** By the clock: a lapsed lease does not count (A12). */
export const holdsRoom = (state: State, task: ModelTask) =>
  roomStates.has(task.state) && task.roomUntil > state.now;
export const hasLapsed = (state: State, task: ModelTask) =>
  roomStates.has(task.state) && task.roomUntil <= state.now;

export const hasPromise = (state: State, task: ModelTask) =>
  task.promised && (task.promisedUntil === null || task.promisedUntil > state.now);

/** Whether it was preempted for this task's latest need: an earlier one has been met, or given up. */
export const leftFor = (task: ModelTask, newcomer: ModelTask) =>
  task.preemptor === newcomer && task.forPromise === newcomer.promises;

/** Its victims that have not left yet. */
export const leavingFor = (state: State, task: ModelTask) =>
  state.tasks.filter(
    (other) => other.state === 'preempting' && leftFor(other, task) && holdsRoom(state, other),
  );

/** No victim before its preemptor, for as long as that waits on the promise that the victim left for (P3). */
export const isHeldBack = (state: State, task: ModelTask) =>
  task.preemptor !== null && leftFor(task, task.preemptor) && hasPromise(state, task.preemptor);

/** What is kept for it beside what its victims still hold (P3). */
export const keptRoom = (state: State, task: ModelTask): Three =>
  atLeast0(minus(amountsOf(task), sum(leavingFor(state, task).map(amountsOf))));

/** Room for a task: what nobody holds and nobody else was promised. Without a task: for anybody. */
export function freeRoom(state: State, task: ModelTask | null): Three {
  const held = sum(state.tasks.filter((other) => holdsRoom(state, other)).map(amountsOf));
  const kept = sum(
    state.tasks
      .filter((other) => other !== task && hasPromise(state, other))
      .map((other) => keptRoom(state, other)),
  );
  return minus(minus(state.capacity, held), kept);
}

export const quotaHeld = (state: State, tenant: ModelTenant): Three =>
  sum(state.tasks.filter((task) => task.tenant === tenant && task.holdsQuota).map(amountsOf));

/** Quota kept for the tenant's tasks whose own victims leave, but for the task itself (P3). */
export function keptQuota(state: State, tenant: ModelTenant, but: ModelTask | null): Three {
  const waiters = state.tasks.filter(
    (task) =>
      task.tenant === tenant && task !== but && task.waitingFor === 'quota' && hasPromise(state, task),
  );
  return sum(
    waiters.map((task) => {
      const own = leavingFor(state, task).filter((victim) => victim.tenant === tenant);
      return atLeast0(minus(amountsOf(task), sum(own.map(amountsOf))));
    }),
  );
}

/** The largest share of the pool. */
function shareOfPool(state: State, amounts: Three): number {
  return Math.max(
    0,
    ...amounts.map((amount, index) => {
      const capacity = state.capacity[index] ?? 0;
      return capacity > 0 ? amount / capacity : 0;
    }),
  );
}

/** Weighted share in use, and the same lately (A10). */
export function standingOf(state: State, tenant: ModelTenant): { share: number; recent: number } {
  const own = state.tasks.filter((task) => task.tenant === tenant && holdsRoom(state, task));
  const recent = recentAt(state, tenant) / tenant.weight;
  return {
    share: shareOfPool(state, sum(own.map(amountsOf))) / tenant.weight,
    recent: Math.round(recent * 1000) / 1000,
  };
}

/** Halves every half-life; what was in use since is added. A lease that lapsed was, until that is written down. */
function recentAt(state: State, tenant: ModelTenant): number {
  const own = state.tasks.filter((task) => task.tenant === tenant && roomStates.has(task.state));
  const share = shareOfPool(state, sum(own.map(amountsOf)));
  const decay = Math.log(2) / halfLife_seconds;
  const kept = Math.exp((-decay * (state.now - (tenant.recentAt ?? state.now))) / 1000);
  return tenant.recent * kept + (share * (1 - kept)) / decay;
}

/** To be called before a task takes or leaves room: what its tenant had in use up to now is written down. */
export function moveRoom(state: State, task: ModelTask, direction: 'in' | 'out'): void {
  const { tenant } = task;
  const charge = direction === 'in' ? shareOfPool(state, amountsOf(task)) * entryCharge_seconds : 0;
  tenant.recent = recentAt(state, tenant) + charge;
  tenant.recentAt = state.now;
  if (direction === 'in') tenant.lastStart = state.now;
}

/**
 * Keeps the marks equal to what a tenant holds above its limits (A5): who was accepted first loses its mark first, and
 * what a lower limit leaves in excess is marked on the last, those that may be preempted before others (A15).
 */
export function settleBurst(state: State, tenant: ModelTenant): void {
  const holders = state.tasks
    .filter((task) => task.tenant === tenant && task.holdsQuota)
    .sort((a, b) => a.acceptedAt - b.acceptedAt || compareText(a.id, b.id));
  const newest = holders.toReversed().sort((a, b) => Number(b.overridable) - Number(a.overridable));
  for (const dimension of [0, 1] as const) {
    const held = holders.reduce((total, task) => total + amountsOf(task)[dimension], 0);
    const marked = holders.reduce((total, task) => total + task.burst[dimension], 0);
    let change = Math.max(held - tenant.limit[dimension], 0) - marked;
    for (const task of change < 0 ? holders : newest) {
      const was = task.burst[dimension];
      const is = Math.min(Math.max(was + change, 0), amountsOf(task)[dimension]);
      change -= is - was;
      task.burst = dimension === 0 ? [is, task.burst[1], 0] : [task.burst[0], is, 0];
    }
  }
}

export const usesBurst = (task: ModelTask) => task.burst[0] > 0 || task.burst[1] > 0;
export const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

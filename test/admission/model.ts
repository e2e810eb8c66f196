/**
 * The rules of admission, queueing and preemption (A4, A5, A9 to A12, A15, A16, P1 to P5) over a handful of tasks in memory:
 * plain, slow, and written from the rules, to be compared with the real thing. Amounts are whole numbers, so that sums are
 * exact; every task is a run of its own.
 */

import { lineBlocks } from './model-line.ts';
import { giveQuotaBack, schedule, takeQuota } from './model-schedule.ts';
import {
  amountsOf,
  claim_ms,
  compareText,
  fits,
  freeRoom,
  hasLapsed,
  hasPromise,
  holdsRoom,
  isOver,
  keptQuota,
  lapses_max,
  leftFor,
  type ModelTask,
  type ModelTenant,
  minus,
  moveRoom,
  none,
  plus,
  promise_ms,
  quotaHeld,
  type State,
  settleBurst,
  shield_preemptions,
  standingOf,
  sum,
  type Three,
  usesBurst,
} from './model-state.ts';

export type Ask = {
  readonly class: number;
  readonly cpu: number;
  readonly memoryGb: number;
  readonly onQuota: 'refuse' | 'wait';
  readonly start: 'now' | 'queue';
  readonly leaseSeconds: number;
};
/** HTTP status; of a refusal every reason as `code level resource`, the leading one first. */
export type Verdict = { readonly status: number; readonly reasons: readonly string[] };

export type Quotas = {
  readonly cpu: number;
  readonly burst: number;
  readonly memoryGb: number;
  readonly runs: number;
};

const violationWindow_ms = 60_000;
const violations_max = 5;
const throttle_ms = 300_000;

export function newState(now: number): State {
  const unbounded: Three = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  return { now, capacity: unbounded, tenants: new Map(), tasks: [] };
}

export function setQuotas(
  state: State,
  id: string,
  { cpu, burst, memoryGb, runs }: Quotas,
  weight: number,
): void {
  const known = state.tenants.get(id);
  const limit: Three = [cpu, memoryGb, runs];
  const tenant: ModelTenant = known ?? {
    id,
    limit,
    burst: none,
    weight,
    violations: [],
    throttledUntil: 0,
    lastStart: null,
    recent: 0,
    recentAt: null,
  };
  tenant.limit = limit;
  // Half of the limit of memory, unless told.
  tenant.burst = [burst, Math.floor(memoryGb / 2), 0];
  tenant.weight = weight;
  state.tenants.set(id, tenant);
  settleBurst(state, tenant);
  schedule(state);
}

/** What is in use above a smaller pool is marked, in the order of victims, until the marks cover it (A15). */
export function setPool(state: State, capacity: Three): void {
  state.capacity = capacity;
  for (const task of state.tasks) task.firstVictim = false;
  const live = state.tasks.filter((task) => holdsRoom(state, task));
  const excess = minus(sum(live.map(amountsOf)), capacity);
  const candidates = live
    .filter((task) => task.state !== 'preempting' && task.overridable && task.class > 0)
    .sort(
      (a, b) =>
        Number(usesBurst(b)) - Number(usesBurst(a)) ||
        b.class - a.class ||
        standingOf(state, b.tenant).share - standingOf(state, a.tenant).share ||
        startOf(b) - startOf(a) ||
        compareText(a.id, b.id) ||
        compareText(a.tenant.id, b.tenant.id),
    );
  let marked = none;
  for (const task of candidates) {
    if (fits(excess, marked)) break;
    task.firstVictim = true;
    marked = plus(marked, amountsOf(task));
  }
  schedule(state);
}

/** One that was granted and has not started is the newest of all. */
const startOf = (task: ModelTask) => (task.state === 'granted' ? Number.MAX_SAFE_INTEGER : task.runningSince);

export function admit(state: State, tenantId: string, id: string, ask: Ask): Verdict {
  const tenant = state.tenants.get(tenantId);
  if (tenant === undefined) throw new Error(`no tenant ${tenantId}`);
  const task: ModelTask = {
    id,
    tenant,
    class: ask.class,
    overridable: ask.class > 0,
    cpu: ask.cpu,
    memoryGb: ask.memoryGb,
    lease_ms: ask.leaseSeconds * 1000,
    acceptedAt: state.now,
    state: 'queued',
    waitingFor: null,
    waitingSince: state.now,
    holdsQuota: false,
    burst: none,
    epoch: 0,
    roomUntil: 0,
    runningSince: 0,
    deadline: 0,
    firstVictim: false,
    preemptions: 0,
    preemptor: null,
    forPromise: 0,
    lapses: 0,
    lapsed: false,
    promised: false,
    promisedUntil: null,
    promises: 0,
  };
  const judged = judge(state, task);
  const waits =
    judged.over.length > 0 && judged.over.length === judged.reasons.length && ask.onQuota === 'wait';
  if (judged.reasons.length > 0 && !waits) {
    if (state.now >= tenant.throttledUntil) countViolation(state, tenant, judged.reasons);
    return {
      status: judged.reasons.some((reason) => reason.startsWith('throttled'))
        ? 429
        : statusOf(judged.reasons),
      reasons: judged.reasons,
    };
  }
  state.tasks.push(task);
  if (waits || judged.waitsFor !== null) {
    task.waitingFor = waits ? 'quota' : judged.waitsFor;
    if (task.waitingFor === 'pool') takeQuota(state, task);
    schedule(state);
    return { status: 202, reasons: [] };
  }
  moveRoom(state, task, 'in');
  takeQuota(state, task);
  task.epoch = 1;
  if (ask.start === 'now') start(state, task);
  else {
    task.state = 'granted';
    task.roomUntil = state.now + claim_ms;
  }
  return { status: 201, reasons: [] };
}

type Judged = {
  readonly reasons: readonly string[];
  /** Those that are a matter of quota that is held now and will not always be. */
  readonly over: readonly string[];
  readonly waitsFor: 'pool' | 'quota' | null;
};

const resources = ['cpu', 'memory', 'concurrent_runs'] as const;

/** Everything at once, every failing dimension named (A2, A4, A5, A9). */
function judge(state: State, task: ModelTask): Judged {
  const { tenant } = task;
  const throttled = state.now < tenant.throttledUntil;
  const asked = amountsOf(task);
  const after = plus(plus(quotaHeld(state, tenant), keptQuota(state, tenant, null)), asked);
  const needsBurst = !fits(after, tenant.limit);
  const blocked = lineBlocks(state, task, needsBurst);
  const hasRoom = fits(asked, freeRoom(state, null));
  const startable = hasRoom && blocked === 'no';
  const never: string[] = [];
  const over: string[] = [];
  resources.forEach((resource, index) => {
    const limit = tenant.limit[index] ?? 0;
    const burst = tenant.burst[index] ?? 0;
    const amount = asked[index] ?? 0;
    const total = after[index] ?? 0;
    if (amount > limit + burst) never.push(`never_fits tenant ${resource}`);
    else if (total > limit && !(total <= limit + burst && startable && !throttled)) {
      over.push(`quota_exceeded tenant ${resource}`);
    }
    if (amount > (state.capacity[index] ?? 0)) {
      never.push(`never_fits pool ${resource === 'concurrent_runs' ? 'tasks' : resource}`);
    }
  });
  const reasons = [...(throttled ? ['throttled tenant '] : []), ...never, ...over];
  return { reasons, over, waitsFor: startable ? null : blocked === 'quota' ? 'quota' : 'pool' };
}

const statusOf = (reasons: readonly string[]) =>
  reasons.some((reason) => reason.startsWith('never_fits')) ? 422 : 429;

/** Five within a minute start one throttle (A6). */
function countViolation(state: State, tenant: ModelTenant, reasons: readonly string[]): void {
  if (!reasons.some((reason) => reason.includes(' tenant '))) return;
  tenant.violations = [
    ...tenant.violations.filter((at) => at > state.now - violationWindow_ms && at >= tenant.throttledUntil),
    state.now,
  ];
  if (tenant.violations.length >= violations_max) tenant.throttledUntil = state.now + throttle_ms;
}

function start(state: State, task: ModelTask): void {
  task.state = 'running';
  task.runningSince = state.now;
  task.roomUntil = state.now + task.lease_ms;
}

export function claim(state: State, task: ModelTask): number {
  if (task.state !== 'granted' || !holdsRoom(state, task)) return 409;
  start(state, task);
  task.preemptor = null;
  task.lapsed = false;
  return 200;
}

/** A lapsed runner gets its lease back while its task was not given away and the room is there (A12). */
export function heartbeat(state: State, task: ModelTask): number {
  if (task.state === 'queued' && !task.lapsed) return 409;
  if (task.state === 'granted') return 409;
  if (isOver(task)) return task.epoch === 0 ? 409 : 200;
  if (holdsRoom(state, task)) {
    const until = state.now + task.lease_ms;
    task.roomUntil = task.state === 'preempting' ? Math.min(until, task.deadline) : until;
    return 200;
  }
  if (task.state === 'preempting' || !task.holdsQuota || !fits(amountsOf(task), freeRoom(state, task)))
    return 409;
  if (task.state === 'queued') {
    moveRoom(state, task, 'in');
    task.runningSince = state.now;
  }
  task.state = 'running';
  task.waitingFor = null;
  task.lapsed = false;
  task.promised = false;
  task.promisedUntil = null;
  task.roomUntil = state.now + task.lease_ms;
  return 200;
}

export function checkpoint(state: State, task: ModelTask): number {
  if (!['running', 'preempting'].includes(task.state) && !(task.state === 'queued' && task.lapsed))
    return 409;
  if (task.state === 'running' && task.preemptions >= shield_preemptions) task.preemptions = 0;
  if (task.state === 'preempting') {
    leave(state, task, 'preempted');
    schedule(state);
  }
  return 201;
}

export function complete(state: State, task: ModelTask): number {
  if (task.state === 'completed') return 200;
  if (!['running', 'preempting'].includes(task.state) && !(task.state === 'queued' && task.lapsed))
    return 409;
  end(state, task, 'completed');
  schedule(state);
  return 200;
}

export function cancel(state: State, task: ModelTask): number {
  if (task.state === 'completed' || task.state === 'failed') return 409;
  if (task.state !== 'cancelled') end(state, task, 'cancelled');
  schedule(state);
  return 200;
}

function end(state: State, task: ModelTask, as: 'completed' | 'failed' | 'cancelled'): void {
  const wasLeaving = task.state === 'preempting';
  if (holdsRoom(state, task) || hasLapsed(state, task)) moveRoom(state, task, 'out');
  task.state = as;
  task.waitingFor = null;
  task.promised = false;
  task.promisedUntil = null;
  task.lapsed = false;
  task.firstVictim = false;
  if (task.holdsQuota) giveQuotaBack(state, task);
  if (wasLeaving) startPromise(state, task.preemptor);
}

/** Back into the line at its old place (P5). Who left for one of its own tenant that waits for quota gives its quota back. */
function leave(state: State, task: ModelTask, how: 'preempted' | 'lapsed' | 'unclaimed'): void {
  const wasLeaving = task.state === 'preempting';
  const by = task.preemptor;
  const forQuota =
    how === 'preempted' &&
    by !== null &&
    leftFor(task, by) &&
    by.tenant === task.tenant &&
    by.promised &&
    by.waitingFor === 'quota';
  moveRoom(state, task, 'out');
  task.state = 'queued';
  task.waitingFor = forQuota ? 'quota' : 'pool';
  if (how !== 'unclaimed') task.waitingSince = state.now;
  task.firstVictim = false;
  task.lapsed = how === 'lapsed';
  if (how === 'lapsed') task.lapses += 1;
  if (how === 'preempted') task.preemptions += 1;
  if (forQuota) giveQuotaBack(state, task);
  if (wasLeaving) startPromise(state, by);
}

/** The promise lasts 60 s after the last victim left (P3). */
function startPromise(state: State, newcomer: ModelTask | null): void {
  if (newcomer === null || !newcomer.promised || newcomer.promisedUntil !== null) return;
  if (state.tasks.some((task) => task.state === 'preempting' && leftFor(task, newcomer))) return;
  newcomer.promisedUntil = state.now + promise_ms;
}

/** Writes down what the clock has decided (A11, A12, P4), then schedules. */
export function sweep(state: State): void {
  const due = state.tasks
    .filter((task) => hasLapsed(state, task))
    .sort((a, b) => compareText(a.tenant.id, b.tenant.id) || compareText(a.id, b.id));
  for (const task of due) {
    if (task.state === 'granted') leave(state, task, 'unclaimed');
    else if (task.state === 'preempting') leave(state, task, 'preempted');
    else if (task.lapses >= lapses_max) end(state, task, 'failed');
    else leave(state, task, 'lapsed');
  }
  for (const task of state.tasks) {
    if (task.promised && !hasPromise(state, task)) {
      task.promised = false;
      task.promisedUntil = null;
    }
  }
  schedule(state);
}

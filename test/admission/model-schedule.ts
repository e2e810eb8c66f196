/** The model's scheduler: grants in the order of the line (A10, A11, A16), and preemption where that is allowed (P1 to P3). */

import { borrowedBy, inOrder } from './model-line.ts';
import {
  amountsOf,
  atLeast0,
  claim_ms,
  compareText,
  fits,
  freeRoom,
  grace_ms,
  hasPromise,
  holdsRoom,
  isHeldBack,
  keptQuota,
  keptRoom,
  type ModelTask,
  type ModelTenant,
  minRun_ms,
  minus,
  moveRoom,
  none,
  patience_ms,
  plus,
  quotaHeld,
  type State,
  settleBurst,
  shield_preemptions,
  standingOf,
  sum,
  type Three,
  usesBurst,
} from './model-state.ts';

type Six = readonly number[];

const noMoreThan = (a: Three, b: Three): Three => [
  Math.min(a[0], b[0]),
  Math.min(a[1], b[1]),
  Math.min(a[2], b[2]),
];

/** Pass after pass, until one does nothing. */
export function schedule(state: State): void {
  for (let passes = 0; passOver(state); passes += 1) {
    if (passes > 100) throw new Error('the scheduler finds no end');
  }
}

/** One walk along the line; a grant moves its tenant back, so that the rest is put in order again. */
function passOver(state: State): boolean {
  const shares = new Map(
    [...state.tenants.values()].map((tenant) => [tenant, standingOf(state, tenant).share]),
  );
  const borrowing = new Set<ModelTask>();
  const quotaClosed = new Set<ModelTenant>();
  let closed = false;
  let headSeen = false;
  let done = false;
  let leaving = sum(
    state.tasks
      .filter((task) => task.state === 'preempting' && holdsRoom(state, task) && !isHeldBack(state, task))
      .map(amountsOf),
  );
  let line = inOrder(
    state,
    state.tasks.filter(
      (task) => task.state === 'queued' && !isHeldBack(state, task) && fits(amountsOf(task), state.capacity),
    ),
  );
  for (let task = line.shift(); task !== undefined; task = line.shift()) {
    const promised = hasPromise(state, task);
    const forQuota = task.waitingFor === 'quota';
    const waitedLong = state.now - task.waitingSince >= patience_ms;
    const isKept = forQuota && quotaClosed.has(task.tenant) && !borrowing.has(task);
    if (!promised && isKept) continue;

    const short = forQuota ? quotaShort(state, task) : none;
    const inLimit = fits(short, none);
    const displaced = inLimit ? [] : displacedBy(state, task, short);
    const borrows = !inLimit && displaced === null && borrowedBy(state, task) !== null;
    if (borrows && !borrowing.has(task)) {
      borrowing.add(task);
      // It goes behind its class, but not behind those of its own tenant that need quota, once it has waited long (A16).
      if (waitedLong) quotaClosed.add(task.tenant);
      line = inOrder(state, [task, ...line], borrowing);
      continue;
    }
    const quotaFits = inLimit || displaced !== null || borrows;
    // Free room is the head's once it has waited long; what is promised, or what victims leave, is not free (A11).
    const free = freeRoom(state, task);
    const own = closed && !promised ? noMoreThan(free, none) : closed ? keptRoom(state, task) : free;
    if (quotaFits && fits(amountsOf(task), own)) {
      grant(state, task, displaced ?? []);
      // Who gave up its quota waits for it in its old place: the next walk meets it there.
      if (displaced !== null && displaced.length > 0) return true;
      line = inOrder(state, line, borrowing);
      done = true;
      continue;
    }
    if (promised) continue;
    const missingQuota = displaced === null ? short : none;
    const shortRoom = atLeast0(minus(amountsOf(task), own));
    // What leaves for nobody any more comes to the first of the line: no second victim for it (P3).
    const coming = closed ? none : noMoreThan(leaving, shortRoom);
    leaving = minus(leaving, coming);
    const missing = [...minus(shortRoom, coming), ...missingQuota];
    const victims = victimsFor(
      state,
      task,
      missing,
      borrowing.has(task) || (forQuota && !fits(quotaHeld(state, task.tenant), task.tenant.limit)),
      shares,
    );
    if (victims !== null) {
      task.promises += 1;
      for (const victim of victims) tellToLeave(state, victim, task);
      // Whose quota it takes waits behind it from now on, lest they start with it in the meantime.
      for (const other of displaced ?? []) {
        giveQuotaBack(state, other);
        other.waitingFor = 'quota';
      }
      task.promised = true;
      task.promisedUntil = null;
      if (displaced !== null && displaced.length > 0) return true;
      done = true;
      continue;
    }
    if (forQuota && waitedLong) quotaClosed.add(task.tenant);
    if ((inLimit || displaced !== null) && !headSeen) {
      headSeen = true;
      closed = waitedLong;
    }
  }
  return done;
}

/**
 * What others of its tenant would have to give up, so that the tenant borrows no more than it does: and no more than it may,
 * whatever it holds since its limit was lowered (A15).
 */
function quotaShort(state: State, task: ModelTask): Three {
  const held = quotaHeld(state, task.tenant);
  const after = plus(plus(held, keptQuota(state, task.tenant, task)), amountsOf(task));
  const { limit, burst } = task.tenant;
  const borrowed = noMoreThan(atLeast0(minus(held, limit)), burst);
  return atLeast0(minus(after, plus(limit, borrowed)));
}

/** The fewest of its tenant's that wait for the pool behind it, last first, whose quota is enough; else null. */
function displacedBy(state: State, task: ModelTask, short: Three): ModelTask[] | null {
  const own = state.tasks.filter(
    (other) =>
      other.tenant === task.tenant &&
      other.state === 'queued' &&
      (other === task || (other.waitingFor === 'pool' && !other.promised)),
  );
  const ordered = inOrder(state, own);
  return fewest(ordered.slice(ordered.indexOf(task) + 1).toReversed(), short, amountsOf);
}

/** Greedy in the order given, then given back in reverse whoever is not needed (P2). */
function fewest(
  candidates: readonly ModelTask[],
  missing: Six,
  gives: (task: ModelTask) => Six,
): ModelTask[] | null {
  const isEnough = (set: readonly ModelTask[]) =>
    missing.every(
      (amount, index) => set.reduce((total, task) => total + (gives(task)[index] ?? 0), 0) >= amount,
    );
  const helpful = candidates.filter((task) =>
    missing.some((amount, index) => amount > 0 && (gives(task)[index] ?? 0) > 0),
  );
  const count = helpful.findIndex((_task, index) => isEnough(helpful.slice(0, index + 1)));
  if (count < 0) return null;
  let chosen = helpful.slice(0, count + 1);
  for (const task of chosen.toReversed()) {
    const others = chosen.filter((other) => other !== task);
    if (isEnough(others)) chosen = others;
  }
  return chosen;
}

function victimsFor(
  state: State,
  task: ModelTask,
  missing: Six,
  borrows: boolean,
  shares: ReadonlyMap<ModelTenant, number>,
): ModelTask[] | null {
  // Only a tenant within its limit reclaims what others have borrowed (A5).
  const reclaims = !borrows && !usesBurst(task);
  const inUse = sum(state.tasks.filter((other) => holdsRoom(state, other)).map(amountsOf));
  const poolIsOver = !fits(inUse, state.capacity);
  const isFirst = (victim: ModelTask) =>
    (poolIsOver && victim.firstVictim) || (usesBurst(victim) && victim.tenant !== task.tenant);
  const candidates = state.tasks
    .filter(
      (victim) =>
        victim.state === 'running' &&
        holdsRoom(state, victim) &&
        victim.overridable &&
        victim.class > 0 &&
        (victim.class > task.class || (reclaims && usesBurst(victim) && victim.class === task.class)) &&
        (task.class === 0 || state.now - victim.runningSince >= minRun_ms) &&
        victim.preemptions < shield_preemptions,
    )
    .sort(
      (a, b) =>
        Number(isFirst(b)) - Number(isFirst(a)) ||
        b.class - a.class ||
        (shares.get(b.tenant) ?? 0) - (shares.get(a.tenant) ?? 0) ||
        b.runningSince - a.runningSince ||
        compareText(a.id, b.id) ||
        compareText(a.tenant.id, b.tenant.id),
    );
  const victims = fewest(candidates, missing, (victim) => [
    ...amountsOf(victim),
    ...(victim.tenant === task.tenant && victim.class > task.class ? amountsOf(victim) : none),
  ]);
  return victims === null || victims.length === 0 ? null : victims;
}

function grant(state: State, task: ModelTask, displaced: readonly ModelTask[]): void {
  for (const other of displaced) {
    giveQuotaBack(state, other);
    other.waitingFor = 'quota';
  }
  moveRoom(state, task, 'in');
  const tookQuota = task.waitingFor === 'quota';
  if (tookQuota) takeQuota(state, task);
  task.state = 'granted';
  task.waitingFor = null;
  task.epoch += 1;
  task.roomUntil = state.now + claim_ms;
  task.lapsed = false;
  task.promised = false;
  task.promisedUntil = null;
}

/** What is above the limit from now on is borrowed, and the mark is the task's. */
export function takeQuota(state: State, task: ModelTask): void {
  task.holdsQuota = true;
  const over = minus(quotaHeld(state, task.tenant), task.tenant.limit);
  const others = state.tasks.filter(
    (other) => other.tenant === task.tenant && other.holdsQuota && other !== task,
  );
  const marked = sum(others.map((other) => other.burst));
  const own = atLeast0(minus(over, marked));
  task.burst = [Math.min(own[0], task.cpu), Math.min(own[1], task.memoryGb), 0];
  settleBurst(state, task.tenant);
}

export function giveQuotaBack(state: State, task: ModelTask): void {
  task.holdsQuota = false;
  task.burst = none;
  settleBurst(state, task.tenant);
}

function tellToLeave(state: State, victim: ModelTask, newcomer: ModelTask): void {
  victim.state = 'preempting';
  victim.preemptor = newcomer;
  victim.forPromise = newcomer.promises;
  victim.deadline = state.now + grace_ms;
  victim.roomUntil = Math.min(victim.roomUntil, victim.deadline);
}

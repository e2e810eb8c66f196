/** The model's waiting line: its order with aging (A10), and whether a newcomer has to join it (A11, A16). */

import {
  agingStep_ms,
  agingTasks_max,
  amountsOf,
  compareText,
  fits,
  freeRoom,
  hasPromise,
  isHeldBack,
  keptQuota,
  type ModelTask,
  minus,
  patience_ms,
  plus,
  quotaHeld,
  type State,
  standingOf,
  type Three,
  usesBurst,
} from './model-state.ts';

type Place = { readonly effectiveClass: number; readonly overdue: boolean };

/** One step for every 10 min, never into P0, for the tenant's five oldest; its very oldest may become overdue in P1. */
export function placeOf(state: State, task: ModelTask): Place {
  const waited = state.now - task.waitingSince;
  const own = state.tasks
    .filter((other) => other.state === 'queued' && other.tenant === task.tenant)
    .sort((a, b) => a.acceptedAt - b.acceptedAt || compareText(a.id, b.id));
  const age = own.indexOf(task);
  if (task.class === 0 || age < 0 || age >= agingTasks_max)
    return { effectiveClass: task.class, overdue: false };
  const { lastStart } = task.tenant;
  return {
    effectiveClass: Math.max(1, task.class - Math.floor(waited / agingStep_ms)),
    overdue:
      age === 0 &&
      waited >= task.class * agingStep_ms &&
      (lastStart === null || state.now - lastStart >= agingStep_ms),
  };
}

/** Eight criteria, a total order. `borrowing`: those that stand as on burst without having any yet. */
export function inOrder(
  state: State,
  tasks: readonly ModelTask[],
  borrowing: ReadonlySet<ModelTask> = new Set(),
): ModelTask[] {
  const keys = new Map(
    tasks.map((task) => [
      task,
      {
        ...placeOf(state, task),
        ...standingOf(state, task.tenant),
        burst: usesBurst(task) || borrowing.has(task),
      },
    ]),
  );
  const keyOf = (task: ModelTask) => {
    const key = keys.get(task);
    if (key === undefined) throw new Error(`${task.id} is not in the line`);
    return key;
  };
  return tasks.toSorted((one, other) => {
    const [a, b] = [keyOf(one), keyOf(other)];
    return (
      a.effectiveClass - b.effectiveClass ||
      Number(b.overdue) - Number(a.overdue) ||
      Number(a.burst) - Number(b.burst) ||
      a.share - b.share ||
      a.recent - b.recent ||
      one.acceptedAt - other.acceptedAt ||
      compareText(one.id, other.id) ||
      compareText(one.tenant.id, other.tenant.id)
    );
  });
}

/** What of its quota would be above the limit; null when even limit and burst do not hold it. */
export function borrowedBy(state: State, task: ModelTask): Three | null {
  const { limit, burst } = task.tenant;
  const after = plus(
    plus(quotaHeld(state, task.tenant), keptQuota(state, task.tenant, task)),
    amountsOf(task),
  );
  if (!fits(after, plus(limit, burst))) return null;
  const over = minus(after, limit).map((amount) => Math.max(amount, 0));
  return [over[0] ?? 0, over[1] ?? 0, over[2] ?? 0];
}

const isPatient = (state: State, task: ModelTask) => state.now - task.waitingSince < patience_ms;

/**
 * Whether a newcomer that room and quota could hold has to wait behind the line: somebody ahead of it could start in the
 * same room, the head has waited so long that none may pass (A11), or one of its own tenant's that wait for quota has (A16).
 */
export function lineBlocks(state: State, newcomer: ModelTask, borrows: boolean): 'no' | 'pool' | 'quota' {
  const line = [...state.tasks.filter((task) => task.state === 'queued'), newcomer];
  // Who would have to borrow stands behind its class (A5); among its own tenant's, what is asked for is the same.
  const borrowers = line.filter(
    (task) => task.waitingFor === 'quota' && borrowedBy(state, task)?.some((amount) => amount > 0),
  );
  const ordered = inOrder(state, line, new Set(borrows ? [...borrowers, newcomer] : borrowers));
  const ahead = ordered.slice(0, ordered.indexOf(newcomer));
  const plain = inOrder(state, line);
  const room = freeRoom(state, null);
  // Nobody takes quota past one of its own tenant that has waited long for it (A16).
  const isKept = (task: ModelTask) =>
    plain
      .slice(0, plain.indexOf(task))
      .some(
        (other) => other.tenant === task.tenant && other.waitingFor === 'quota' && !isPatient(state, other),
      );
  const couldStart = (task: ModelTask, within: Three) =>
    fits(amountsOf(task), within) &&
    (task.waitingFor === 'pool' || (borrowedBy(state, task) !== null && !isKept(task)));
  // One with a promise has room of its own, and a victim waits for its preemptor (P3): neither is in a newcomer's way.
  const isInTheWay = (task: ModelTask) => !isHeldBack(state, task) && !hasPromise(state, task);

  const ownForQuota = plain
    .slice(0, plain.indexOf(newcomer))
    .filter((task) => task.tenant === newcomer.tenant && task.waitingFor === 'quota');
  if (ownForQuota.some((task) => !isPatient(state, task) || couldStart(task, room))) return 'quota';
  if (ahead.some((task) => isInTheWay(task) && couldStart(task, room))) return 'pool';
  // Who would have to borrow keeps no room: what is borrowed is idle (A5).
  const head = ordered.find(
    (task) =>
      task !== newcomer && isInTheWay(task) && couldStart(task, state.capacity) && !borrowers.includes(task),
  );
  return head !== undefined && ahead.includes(head) && !isPatient(state, head) ? 'pool' : 'no';
}

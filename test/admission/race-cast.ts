/** The cast of all scenes: task `t` of run `t` of tenant `a`, class P2, which fills the pool, and who waits for its room. */

import { setQuotas as setQuotasOnly } from '../../shared/admission/store.ts';
import type { Caller } from './race.ts';
import * as calls from './race-calls.ts';
import { newRun, newTask, type RunIs, type TaskIs, type World } from './race-world.ts';

export type RaceScene = {
  readonly name: string;
  arrange(caller: Caller): Promise<void>;
  /** What `arrange` makes. */
  readonly world: World;
  /** Each meets itself, each other one, and each of `others`. */
  readonly calls: readonly calls.RaceCall[];
  readonly others: readonly calls.RaceCall[];
};

export const long = { leaseSeconds: 3600 };
export const filling = { phase: 'plan', cpu: 8 };
const common = { tenant: 'a', class: 2, cpu: 8, accepted: 0 };
export const running: TaskIs = newTask({
  ...common,
  run: 't',
  answered: '201 admitted',
  state: 'running',
  epoch: 1,
  started: true,
});
export const granted: TaskIs = { ...running, state: 'granted', started: false };
export const waiting: TaskIs = newTask({ ...common, run: 'u', accepted: 1, waitingFor: 'pool' });
/** Of tenant `b`, P0: has made `t` leave for it. */
export const urgent: TaskIs = newTask({
  ...common,
  tenant: 'b',
  class: 0,
  run: 'n',
  accepted: 1,
  waitingFor: 'pool',
  promised: true,
});
export const leaving: TaskIs = { ...running, state: 'preempting', action: 'checkpoint', leavesFor: 'n' };
export const urgentAsk = calls.admit('n', { tenant: 'b', class: 0, cpu: 8, ...long });

/** A run that has spent 40 % unless told. */
export const spent = (is: Partial<RunIs> = {}): RunIs =>
  newRun({ spent_cents: 40, booked: ['before'], ...is });

export function world(tasks: Record<string, TaskIs>, run: RunIs, more: Partial<World> = {}): World {
  const runs = Object.fromEntries(Object.values(tasks).map((task) => [task.run, newRun()]));
  return { pool_cpu: 8, limits_cpu: { a: 16 }, tasks, runs: { ...runs, t: run }, happened: [], ...more };
}

/** Pool of 8, tenant `a` with 16, and `t`, of which `cents` are spent. */
export async function start({ scene }: Caller, ask: object, cents = 40): Promise<void> {
  await scene.setPool(8);
  await scene.setQuotas('a', { cpu: { limit: 16, burstShare: 0 } });
  await scene.setQuotas('b', {});
  await scene.ask('a', 't', { ...filling, ...ask });
  await scene.spend('a', 't', 'before', cents / 100, { taskId: 't' });
}

/** `u` waits for room that `t` holds. */
export async function startWithAnother(caller: Caller, ask: object, cents?: number): Promise<void> {
  await start(caller, ask, cents);
  await caller.scene.ask('a', 'u', filling);
}

/** `t` runs, and has to leave for `n`. */
export async function startLeaving(caller: Caller): Promise<void> {
  await start(caller, long);
  caller.api.advance(60);
  await urgentAsk.send(caller);
}

/** `u` waits for quota that has come free, without the pass that follows in the API. */
export async function startWithFreeQuota(caller: Caller, ask: object, cents?: number): Promise<void> {
  const { scene, database, api } = caller;
  await start(caller, ask, cents);
  await scene.setPool(100);
  await scene.setQuotas('a', { cpu: { limit: 8, burstShare: 0 } });
  await scene.ask('a', 'u', waitForQuota);
  await setQuotasOnly(database, 'a', { cpu: { limit: 24, burstShare: 0 } }, 'test', api.now());
  api.advance(60);
}
export const waitForQuota = { ...filling, onQuota: 'wait' };
export const worldWithFreeQuota = (t: TaskIs, run: RunIs) =>
  world({ t, u: { ...waiting, waitingFor: 'quota' } }, run, { pool_cpu: 100, limits_cpu: { a: 24 } });

export const again = (ask: object) => calls.admitAgain('t', { ...filling, ...ask });
export const throttled: Partial<RunIs> = { spent_cents: 85, fired: [50, 80], demoted: true };
export const stopped: Partial<RunIs> = { spent_cents: 96, fired: [50, 80, 95], demoted: true, paused: true };

/** Calls at random on a few runs of two tenants. The same seed gives the same calls; their interleaving is the store's. */

import type { Answer } from '../setup/api.ts';
import type { Caller } from './race.ts';

/** 0 to 1; a linear congruential generator is random enough to choose calls by. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export const stormRuns = [
  { tenant: 'a', run: 'r0' },
  { tenant: 'a', run: 'r1' },
  { tenant: 'a', run: 'r2' },
  { tenant: 'b', run: 'r3' },
  { tenant: 'b', run: 'r4' },
];

export const stormLimit_cpu = 12;

/** A pool for some of the runs, and the runs, each with a task of its name. */
export async function startStorm({ scene }: Caller): Promise<void> {
  await scene.setPool(12);
  for (const tenant of ['a', 'b']) {
    await scene.setQuotas(tenant, { cpu: { limit: stormLimit_cpu, burstShare: 0 } });
  }
  for (const { tenant, run } of stormRuns) await scene.ask(tenant, run, { cpu: 3, maxCostUSD: 5 });
}

type StormCall = (
  caller: Caller,
  at: { tenant: string; run: string; task: string; epoch: number },
  nth: number,
) => Promise<Answer>;

const resources = { cpu: 3, memoryGb: 1 };
/** A phase whose tasks come and go, so that the runs never die out for good. */
const taskOf = (run: string, nth: number): string => (nth % 4 === 0 ? run : `${run}-${nth % 4}`);

const calls: readonly (readonly [weight: number, StormCall])[] = [
  [
    4,
    ({ scene }, { tenant, run }, nth) =>
      scene.askPhase(tenant, run, { taskId: `${run}-${nth}`, phase: 'test', resources, onQuota: 'wait' }),
  ],
  [
    4,
    ({ scene }, { tenant, run, task }) =>
      scene.askPhase(tenant, run, { taskId: task, phase: 'plan', resources, start: 'queue' }),
  ],
  [4, ({ scene }, { tenant, task }) => scene.claim(tenant, task)],
  [4, ({ api }) => api.call('operator', 'POST', '/v1/claims', { max: 3 })],
  [6, ({ scene }, { tenant, task, epoch }) => scene.heartbeat(tenant, task, epoch)],
  [4, ({ scene }, { tenant, task, epoch }, nth) => scene.checkpoint(tenant, task, epoch, nth + 1)],
  [3, ({ scene }, { tenant, task, epoch }) => scene.complete(tenant, task, epoch)],
  [2, ({ scene }, { tenant, task }) => scene.cancel(tenant, task)],
  [
    2,
    ({ api }, { tenant, task }) =>
      api.call('operator', 'POST', `/v1/tasks/${task}/preempt?tenantId=${tenant}`, { reason: 'storm' }),
  ],
  [2, ({ api }, { tenant, task }) => api.call({ tenantId: tenant }, 'POST', `/v1/tasks/${task}/resume`)],
  [4, ({ scene }, { tenant, run }, nth) => scene.spend(tenant, run, `e${nth}`, 0.4)],
  [
    2,
    ({ api }, { tenant, run }, nth) =>
      api.call({ tenantId: tenant }, 'PUT', `/v1/runs/${run}/budget`, {
        maxCostUSD: 5 + nth / 20,
        reason: 'storm',
      }),
  ],
  [
    1,
    ({ api }, { tenant }, nth) =>
      api.call('operator', 'PUT', `/v1/tenants/${tenant}/quotas`, {
        cpu: { limit: 6 + (nth % 7), burstShare: 0 },
      }),
  ],
  [1, ({ api }, _, nth) => api.call('operator', 'PUT', '/v1/pool', { cpu: 6 + (nth % 9), memoryGb: null })],
  [1, ({ api }) => api.call('operator', 'POST', '/v1/sweep')],
];

const chances = calls.flatMap(([weight, call]) => Array.from({ length: weight }, () => call));

/** Each caller makes one call after another, all callers at once, until `total` are made; the time moves with them. */
export async function storm(callers: readonly Caller[], total: number, seed: number): Promise<Answer[]> {
  const random = randomOf(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const start_ms = callers[0]?.api.now().getTime() ?? 0;
  const answers: Answer[] = [];
  const epochs = new Map<string, number>();
  let made = 0;
  const work = async (caller: Caller): Promise<void> => {
    while (made < total) {
      made += 1;
      const nth = made;
      caller.api.at(new Date(start_ms + nth * 200));
      const { tenant, run } = stormRuns[below(stormRuns.length)] ?? { tenant: 'a', run: 'r0' };
      const call = chances[below(chances.length)];
      const task = taskOf(run, below(100));
      if (call === undefined) continue;
      const answer = await call(caller, { tenant, run, task, epoch: epochs.get(task) ?? 1 }, nth);
      answers.push(answer);
      // Runners know their newest epoch, and now and then somebody else has a newer one.
      for (const told of answer.body?.tasks ?? [answer.body]) {
        if (told?.lease) epochs.set(told.taskId, told.lease.epoch);
      }
    }
  };
  await Promise.all(callers.map(work));
  return answers;
}

/** The calls that race: how each is made, and what the rules say of it. */

import { policy } from '../../shared/admission/policy.ts';
import { schedule } from '../../shared/admission/scheduler.ts';
import { actOnBudget } from '../../shared/budget/costs.ts';
import { type Caller, heard } from './race.ts';
import * as money from './race-money-rules.ts';
import * as rules from './race-rules.ts';
import type { World } from './race-world.ts';
import type { Ask } from './scene.ts';

/** Every kind that must have met every other one, and itself. */
export const kinds = [
  'admit a new run',
  'admit the same id',
  'admit a phase',
  'claim',
  'claims',
  'heartbeat',
  'checkpoint',
  'complete',
  'cancel',
  'preempt',
  'resume',
  'costs over a threshold',
  'act on budget',
  'set budget',
  'set quotas',
  'set pool',
  'sweep',
  'scheduler pass',
  'regain a lapsed lease',
  'grant to who waits for quota',
] as const;

export type Kind = (typeof kinds)[number];

export type RaceCall = {
  readonly kind: Kind;
  readonly name: string;
  /** Makes the call and answers what was heard: status and the word that matters. */
  send(caller: Caller): Promise<string>;
  /** What is heard by the rules, and what becomes of the world; in steps when it takes more than one transaction. */
  rule(world: World): string | rules.Steps;
};

/** A request of tenant `a` in class P2, unless told. */
export function admit(
  id: string,
  { tenant = 'a', class: of = 2, ...ask }: Ask & { tenant?: string; class?: number },
): RaceCall {
  const { cpu = 1 } = ask;
  const onQuota = ask.onQuota === 'wait' ? ({ onQuota: 'wait' } as const) : {};
  return {
    kind: 'admit a new run',
    name: `admit ${id}`,
    send: async ({ scene }) =>
      heard(
        of === 2
          ? await scene.ask(tenant, id, { phase: 'plan', ...ask })
          : await scene.askAs(`P${of}`, tenant, id, { phase: 'plan', ...ask }),
      ),
    rule: (world) => rules.admit(world, id, { tenant, class: of, cpu, ...onQuota }),
  };
}

export const admitAgain = (id: string, ask: Ask): RaceCall => ({
  ...admit(id, ask),
  kind: 'admit the same id',
  name: `admit ${id} again`,
});

/** A phase of class P1. */
export const admitPhase = (run: string, id: string, cpu: number): RaceCall => ({
  kind: 'admit a phase',
  name: `admit phase ${id}`,
  send: async ({ scene }) =>
    heard(await scene.askPhase('a', run, { taskId: id, phase: 'test', resources: { cpu, memoryGb: 1 } })),
  rule: (world) => rules.admit(world, id, { tenant: 'a', run, class: 1, cpu }),
});

export const claim = (id: string, tenant = 'a'): RaceCall => ({
  kind: 'claim',
  name: `claim ${id}`,
  send: async ({ scene }) => heard(await scene.claim(tenant, id, { leaseSeconds: 3600 })),
  rule: (world) => rules.claim(world, id),
});

export const claims: RaceCall = {
  kind: 'claims',
  name: 'claims',
  send: async ({ api }) => heard(await api.call('operator', 'POST', '/v1/claims', { leaseSeconds: 3600 })),
  rule: rules.claims,
};

export const heartbeat = (id: string, epoch = 1): RaceCall => ({
  kind: 'heartbeat',
  name: `heartbeat ${id}`,
  send: async ({ scene }) => heard(await scene.heartbeat('a', id, epoch)),
  rule: (world) => rules.heartbeat(world, id, epoch),
});

export const regain = (id: string): RaceCall => ({
  ...heartbeat(id),
  kind: 'regain a lapsed lease',
  name: `regain ${id}`,
});

export const checkpoint = (id: string, sequence = 1): RaceCall => ({
  kind: 'checkpoint',
  name: `checkpoint ${id}`,
  send: async ({ scene }) => heard(await scene.checkpoint('a', id, 1, sequence)),
  rule: (world) => rules.checkpoint(world, id, 1, sequence),
});

export const complete = (id: string): RaceCall => ({
  kind: 'complete',
  name: `complete ${id}`,
  send: async ({ scene }) => heard(await scene.complete('a', id, 1)),
  rule: (world) => rules.complete(world, id, 1),
});

export const cancel = (id: string, tenant = 'a'): RaceCall => ({
  kind: 'cancel',
  name: `cancel ${id}`,
  send: async ({ scene }) => heard(await scene.cancel(tenant, id)),
  rule: (world) => rules.cancel(world, id),
});

export const preempt = (id: string): RaceCall => ({
  kind: 'preempt',
  name: `preempt ${id}`,
  send: async ({ api }) =>
    heard(await api.call('operator', 'POST', `/v1/tasks/${id}/preempt`, { reason: 'race' })),
  rule: (world) => rules.preempt(world, id),
});

export const resume = (id: string): RaceCall => ({
  kind: 'resume',
  name: `resume ${id}`,
  send: async ({ api }) => heard(await api.call({ tenantId: 'a' }, 'POST', `/v1/tasks/${id}/resume`)),
  rule: (world) => rules.resume(world, id),
});

/** Of a task in the run of its own name. */
export const costs = (id: string, cost_cents: number): RaceCall => ({
  kind: 'costs over a threshold',
  name: `${cost_cents} cents of ${id}`,
  send: async ({ scene }) =>
    heard(await scene.spend('a', 't', `cost-${cost_cents}`, cost_cents / 100, { taskId: id })),
  rule: (world) => money.spend(world, id, `cost-${cost_cents}`, cost_cents),
});

/** What `functions/budget/act.ts` does for one message of the bus. */
export const act = (level: 'throttle' | 'pause'): RaceCall => ({
  kind: 'act on budget',
  name: `act on ${level}`,
  send: async ({ database, api }) => {
    const outcome = await actOnBudget(database, 'a', 't', { level, causeId: null }, policy, api.now());
    if (outcome === 'acted') await schedule(database, api.now());
    return outcome;
  },
  rule: (world) => money.act(world, 't', level),
});

export const setBudget = (limit_cents: number): RaceCall => ({
  kind: 'set budget',
  name: `budget of ${limit_cents} cents`,
  send: async ({ api }) => {
    const body = { maxCostUSD: limit_cents / 100, reason: 'race' };
    return heard(await api.call({ tenantId: 'a' }, 'PUT', '/v1/runs/t/budget', body));
  },
  rule: (world) => money.setBudget(world, 't', limit_cents),
});

export const setQuotas = (limit_cpu: number): RaceCall => ({
  kind: 'set quotas',
  name: `quota of ${limit_cpu}`,
  send: async ({ api }) => {
    const cpu = { limit: limit_cpu, burstShare: 0 };
    return heard(await api.call('operator', 'PUT', '/v1/tenants/a/quotas', { cpu }));
  },
  rule: (world) => rules.setQuota(world, 'a', limit_cpu),
});

export const setPool = (cpu: number): RaceCall => ({
  kind: 'set pool',
  name: `pool of ${cpu}`,
  send: async ({ api }) => heard(await api.call('operator', 'PUT', '/v1/pool', { cpu, memoryGb: null })),
  rule: (world) => rules.setPool(world, cpu),
});

export const sweep: RaceCall = {
  kind: 'sweep',
  name: 'sweep',
  send: async ({ api }) => heard(await api.call('operator', 'POST', '/v1/sweep')),
  rule: money.sweep,
};

export const pass: RaceCall = {
  kind: 'scheduler pass',
  name: 'scheduler pass',
  send: async ({ database, api }) => {
    await schedule(database, api.now());
    return 'passed';
  },
  rule: (world) => {
    rules.pass(world);
    return 'passed';
  },
};

/** The pass that follows what freed quota. */
export const quotaGrant: RaceCall = { ...pass, kind: 'grant to who waits for quota', name: 'grant' };

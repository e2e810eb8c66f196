/** Under which limits and rules a trace is replayed: what an operator can change and compare. */

import { type Policy, type PolicyOverrides, policyWith } from '../../shared/admission/policy.ts';
import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import type { TracedTask } from './trace.ts';

/** Null = no bound; cpu in vCPU, memory in GB, tasks = how many may hold room at the same time. */
export type PoolSize = {
  readonly cpu: number | null;
  readonly memoryGb: number | null;
  readonly tasks: number | null;
};

/** As asked: an amount of each, or so many times what the trace needs on average. */
export type PoolAsked = PoolSize | { readonly timesMeanDemand: number };

/** Of each tenant; null = no bound. `burstShare` null = the policy's. */
export type TenantQuota = {
  readonly cpu: number | null;
  readonly memoryGb: number | null;
  readonly cost_usd: number | null;
  readonly runs: number | null;
  readonly burstShare: number | null;
};

export type ConditionsAsked = {
  readonly pool: PoolAsked;
  readonly quota: TenantQuota;
  readonly onQuota: 'refuse' | 'wait';
  readonly preemption: boolean;
  /** Numbers of the policy that a replay changes. */
  readonly policy: PolicyOverrides;
  /** How soon a runner that is told to leave has stored its checkpoint. */
  readonly checkpoint_seconds: number;
};

export type Conditions = ConditionsAsked & { readonly pool: PoolSize };

export const noBound: PoolSize = { cpu: null, memoryGb: null, tasks: null };
export const noQuota: TenantQuota = {
  cpu: null,
  memoryGb: null,
  cost_usd: null,
  runs: null,
  burstShare: null,
};
export const unbounded: Conditions = {
  pool: noBound,
  quota: noQuota,
  onQuota: 'refuse',
  preemption: true,
  policy: {},
  checkpoint_seconds: 1,
};

/** What the trace would hold on average if nobody ever waited. */
export type Demand = { readonly cpu: number; readonly memoryGb: number };

/**
 * Sum of resource x duration over the time from the first arrival to the last; null when all arrive at once, because
 * then there is no rate.
 */
export function meanDemand(tasks: readonly TracedTask[]): Demand | null {
  const arrivals_ms = tasks.map((task) => task.arrival_ms);
  const span_ms = arrivals_ms.reduce(largest, 0) - arrivals_ms.reduce(smallest, Number.POSITIVE_INFINITY);
  if (!(span_ms > 0)) return null;
  const sum = (amountOf: (task: TracedTask) => number): number =>
    tasks.reduce((total, task) => total + amountOf(task) * task.duration_ms, 0);
  return { cpu: sum((task) => task.cpu) / span_ms, memoryGb: sum((task) => task.memoryGb) / span_ms };
}

/**
 * The conditions with the pool as amounts. A resource that nobody asks for gets no bound.
 *
 * @throws Error when the pool is asked for by demand and all tasks of the trace arrive at once
 */
export function conditionsFor(asked: ConditionsAsked, tasks: readonly TracedTask[]): Conditions {
  const { pool } = asked;
  if (!('timesMeanDemand' in pool)) return { ...asked, pool };
  const demand = meanDemand(tasks);
  if (demand === null) {
    throw new Error(
      '--pool: all tasks arrive at once, so there is no mean demand; give amounts, cpu=40,memory=80.',
    );
  }
  const amount = (mean: number): number | null =>
    mean === 0 ? null : thousandths(pool.timesMeanDemand * mean);
  return { ...asked, pool: { cpu: amount(demand.cpu), memoryGb: amount(demand.memoryGb), tasks: null } };
}

/** The policy in force with the changes, under a version of its own. */
export function policyUnder({ policy: changes }: ConditionsAsked): Policy {
  const { version: _version, ...numbers } = policyInForce();
  return policyWith({ ...numbers, ...changes });
}

/** As exact as the store is. */
function thousandths(amount: number): number {
  return Math.round(amount * 1000) / 1000;
}

const largest = (a: number, b: number): number => Math.max(a, b);
const smallest = (a: number, b: number): number => Math.min(a, b);

/** As much of a snapshot as leads to the same plan, to be kept with the decisions made on it (R5). Pure. */

import type { Policy } from './policy.ts';
import { type Plan, planSchedule, type Snapshot } from './schedule.ts';

/**
 * Leaves out the waiting tasks behind the last one that the plan does anything for, the running tasks behind the last victim,
 * and tenants of neither. Where that would change the plan after all, the whole snapshot is kept.
 */
export function reduceSnapshot(snapshot: Snapshot, plan: Plan, policy: Policy, now: Date): Snapshot {
  const acted = new Set([...plan.grants, ...plan.preemptions].map(({ task }) => keyOf(task)));
  const victims = new Set(plan.preemptions.flatMap((preemption) => preemption.victims.map(keyOf)));
  const waiting = snapshot.waiting.slice(0, 1 + lastIndexOf(snapshot.waiting, acted));
  const running =
    plan.preemptions.length === 0
      ? null
      : (snapshot.running ?? []).slice(0, 1 + lastIndexOf(snapshot.running ?? [], victims));
  const concerned = new Set([...waiting, ...(running ?? [])].map(({ tenantId }) => tenantId));
  const reduced: Snapshot = {
    ...snapshot,
    waiting,
    running,
    tenants: snapshot.tenants.filter(({ tenantId }) => concerned.has(tenantId)),
    displaceable: snapshot.displaceable.filter(({ tenantId }) => concerned.has(tenantId)),
  };
  return isSamePlan(planSchedule(reduced, policy, now), plan) ? reduced : snapshot;
}

/** Whether two plans do the same: grants and preemptions, in order, for the same tasks at the same cost. */
export function isSamePlan(a: Plan, b: Plan): boolean {
  return JSON.stringify(doneBy(a)) === JSON.stringify(doneBy(b));
}

function doneBy({ grants, preemptions }: Plan) {
  return [
    grants.map(({ task, displaced }) => [keyOf(task), displaced.map(keyOf)]),
    preemptions.map(({ task, reason, victims, displaced }) => [
      keyOf(task),
      reason,
      victims.map(keyOf),
      displaced.map(keyOf),
    ]),
  ];
}

function keyOf({ tenantId, taskId }: { tenantId: string; taskId: string }): string {
  return `${tenantId}/${taskId}`;
}

function lastIndexOf(
  tasks: readonly { tenantId: string; taskId: string }[],
  keys: ReadonlySet<string>,
): number {
  return tasks.findLastIndex((task) => keys.has(keyOf(task)));
}

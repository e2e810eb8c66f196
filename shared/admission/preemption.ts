/** A preemption for one waiting task (P1, P2, A5, A16): its victims, if there are any that help. Pure. */

import type { Policy } from './policy.ts';
import { quotaOf, type TenantQuota } from './quota.ts';
import { type Room, roomOf } from './room.ts';
import type { Preemption, Snapshot, WaitingTask } from './schedule.ts';
import { type Amounts, chooseVictims, compareVictims, mayBePreempted, type RunningTask } from './victims.ts';

/** Running tasks, each once; null when the snapshot has none of them. */
export function candidatesOf({ running }: Snapshot): readonly RunningTask[] | null {
  if (running === null) return null;
  return [...new Map(running.map((task) => [`${task.tenantId}/${task.taskId}`, task])).values()];
}

/** Those that may be preempted for a task, in the order of victims. */
export function eligibleFor(
  task: WaitingTask,
  candidates: readonly RunningTask[],
  shareOf: (tenantId: string) => number,
  policy: Policy,
  now: Date,
): readonly RunningTask[] {
  return candidates
    .filter((candidate) => mayBePreempted(candidate, task, policy, now))
    .sort((a, b) => compareVictims(a, b, task, shareOf));
}

/**
 * What a victim leaves to a task: room, and quota if it is of the same tenant and of a lower class: only such a one gives up
 * its quota, and nobody else could use it.
 */
export function givenTo(task: WaitingTask, victim: RunningTask): Amounts {
  const givesQuota = victim.tenantId === task.tenantId && victim.class > task.class;
  return [...roomAmounts(roomOf(victim)), ...(givesQuota ? quotaOf(victim) : [0, 0, 0])];
}

/**
 * @param missing vCPU, GB and slots of the pool, then vCPU, GB and runs of the task's tenant
 * @param taken those that leave for others already
 * @param shareOf a tenant's weighted share of the pool
 */
export function preemptFor(
  task: WaitingTask,
  missing: Amounts,
  candidates: readonly RunningTask[] | null,
  taken: ReadonlySet<RunningTask>,
  shareOf: (tenantId: string) => number,
  policy: Policy,
  now: Date,
): Omit<Preemption, 'displaced'> | null {
  if (candidates === null) return null;
  const staying = candidates.filter((candidate) => !taken.has(candidate));
  const eligible = eligibleFor(task, staying, shareOf, policy, now);
  const victims = chooseVictims(eligible, missing, (victim) => givenTo(task, victim));
  if (victims === null || victims.length === 0) return null;
  const lower = victims.every((victim) => victim.class > task.class);
  return { task, victims, reason: lower ? 'priority' : 'reclaim_burst' };
}

/** Whether running tasks that the snapshot does not hold might make a difference. */
export function couldPreempt(task: WaitingTask, snapshot: Snapshot, quota: TenantQuota | null): boolean {
  if (snapshot.running !== null && !snapshot.runningTruncated) return false;
  const { lowestRunningClass, burstRunning } = snapshot;
  return (
    (lowestRunningClass !== null && lowestRunningClass > task.class) ||
    (burstRunning && !task.usesBurst) ||
    (task.waitingFor === 'quota' && (quota?.lowestRunningClass ?? -1) > task.class)
  );
}

/** As amounts missing or given. */
export function roomAmounts({ cpu, memoryGb, tasks }: Room): Amounts {
  return [cpu, memoryGb, tasks];
}

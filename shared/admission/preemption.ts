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

/**
 * @param missing vCPU, GB and slots of the pool, then vCPU, GB and runs of the task's tenant
 * @param taken those that leave for others already
 * @param shares weighted shares of the pool, by tenant
 */
export function preemptFor(
  task: WaitingTask,
  missing: Amounts,
  candidates: readonly RunningTask[] | null,
  taken: ReadonlySet<RunningTask>,
  shares: ReadonlyMap<string, number>,
  policy: Policy,
  now: Date,
): Omit<Preemption, 'displaced'> | null {
  if (candidates === null) return null;
  const eligible = candidates
    .filter((candidate) => !taken.has(candidate) && mayBePreempted(candidate, task, policy, now))
    .sort((a, b) => compareVictims(a, b, task, (tenantId) => shares.get(tenantId) ?? 0));
  const victims = chooseVictims(eligible, missing, (victim) => [
    ...roomAmounts(roomOf(victim)),
    // Only a task of the same tenant leaves quota that it can use, and only one of a lower class gives it up.
    ...(victim.tenantId === task.tenantId && victim.class > task.class ? quotaOf(victim) : [0, 0, 0]),
  ]);
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

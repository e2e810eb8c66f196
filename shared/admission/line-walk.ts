/** What a plan of the scheduler did with each waiting task, in the order of their turns (R5). Pure. */

import { type Deciding, decidingInLine } from './criteria.ts';
import type { Policy } from './policy.ts';
import { planSchedule, type Snapshot, type WaitingTask } from './schedule.ts';
import type { Turn } from './turn.ts';

export type Step = Omit<Turn, 'standings'> & {
  /** What put it before the one whose turn was next; null for the last. */
  readonly beforeNext: Deciding | null;
};

/** Makes the plan again, and tells its turns. */
export function walkLine(snapshot: Snapshot, policy: Policy, now: Date): Step[] {
  const turns: Turn[] = [];
  planSchedule(snapshot, policy, now, (turn) => turns.push(turn));
  return turns.map(({ standings, ...turn }, index) => {
    const next = turns[index + 1];
    const placed = (task: WaitingTask) => ({
      ...task,
      standing: standings.get(task.tenantId) ?? { share: 0, recent: 0 },
    });
    const beforeNext = next === undefined ? null : decidingInLine(placed(turn.task), placed(next.task));
    return { ...turn, beforeNext };
  });
}

export function keyOf({ tenantId, taskId }: { readonly tenantId: string; readonly taskId: string }): string {
  return `${tenantId}/${taskId}`;
}

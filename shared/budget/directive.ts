/** What a runner must do now (P4, B5, B9). Pure. */

import type { Directive } from './contract.ts';

/** The parts of a task and its run that decide it. */
export type DirectiveTerms = {
  readonly task: {
    readonly state: string;
    readonly preempt_action: 'checkpoint' | 'pause' | null;
    readonly preempt_reason: string | null;
    readonly preempt_deadline: string | null;
    readonly ended_at: string | null;
  };
  readonly run: {
    readonly startedAt: string | null;
    readonly maxDurationMs: number | null;
    readonly budgetPaused: boolean;
  };
};

export function directiveOf({ task, run }: DirectiveTerms, now: Date): Directive {
  if (task.ended_at !== null) return { action: 'stop', reason: task.state };
  if (run.maxDurationMs !== null && run.startedAt !== null) {
    const deadline_ms = Date.parse(run.startedAt) + run.maxDurationMs;
    if (now.getTime() >= deadline_ms) return { action: 'stop', reason: 'max_duration' };
  }
  if (task.state === 'preempting' && task.preempt_deadline !== null) {
    return {
      action: task.preempt_action ?? 'checkpoint',
      ...(task.preempt_reason === null ? {} : { reason: task.preempt_reason }),
      deadline: new Date(task.preempt_deadline).toISOString(),
    };
  }
  // Said in the answer to the very report that reached the threshold: the order over the bus comes a second later.
  if (task.state === 'running' && run.budgetPaused) return { action: 'pause', reason: 'budget_exceeded' };
  if (task.state === 'paused') return { action: 'pause', reason: task.preempt_reason ?? 'budget_exceeded' };
  // It has left, or its lease was given up: whoever still works on it works for nothing.
  if (task.state === 'queued' || task.state === 'granted') return { action: 'stop', reason: 'not_running' };
  return { action: 'continue' };
}

const urgency = { continue: 0, checkpoint: 1, pause: 2, stop: 3 } as const;

/** The most urgent of several; `continue` when there are none. */
export function mostUrgent(directives: readonly Directive[]): Directive {
  return directives.reduce<Directive>(
    (worst, next) => (urgency[next.action] > urgency[worst.action] ? next : worst),
    {
      action: 'continue',
    },
  );
}

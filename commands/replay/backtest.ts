/** How good the estimates were that waiting tasks were given: each is held against the start that came. */

import type { TaskClass } from '../../shared/admission/priority.ts';
import { byClass, type ClassName } from './classes.ts';
import { median } from './statistics.ts';
import type { TracedTask } from './trace.ts';

/** When a task may start, in milliseconds of the trace. */
export type StartRange = { readonly earliest_ms: number; readonly latest_ms: number };

export type Backtest = {
  /** Tasks that were queued and started later; how many of them were given a range. */
  readonly queued: number;
  readonly estimated: number;
  /** Of those estimated: started within the range, before it, after it. */
  readonly inside: number;
  readonly early: number;
  readonly late: number;
  /** inside / estimated; null when none was. */
  readonly share: number | null;
  /** How wide the ranges were, since a range as wide as the day is always right. */
  readonly medianRangeSeconds: number | null;
};

type Kept = { readonly ranges_ms: number[]; queued: number; inside: number; early: number; late: number };

export function createBacktest() {
  const open = new Map<string, StartRange | null>();
  const kept: Record<TaskClass, Kept> = { 0: nothing(), 1: nothing(), 2: nothing(), 3: nothing() };
  return {
    /** A task was queued; null = it was given no estimate. */
    queued(task: TracedTask, range: StartRange | null): void {
      open.set(task.taskId, range);
    },

    /** A task started for the first time. One that was never queued is no matter of estimates. */
    started(task: TracedTask, at_ms: number): void {
      const range = open.get(task.taskId);
      if (range === undefined) return;
      open.delete(task.taskId);
      const of = kept[task.class];
      of.queued += 1;
      if (range === null) return;
      of.ranges_ms.push(range.latest_ms - range.earliest_ms);
      if (at_ms < range.earliest_ms) of.early += 1;
      else if (at_ms > range.latest_ms) of.late += 1;
      else of.inside += 1;
    },

    /** Null for a class of which nobody was queued. */
    read(): Record<ClassName, Backtest | null> {
      return byClass((number) => {
        const { ranges_ms, queued, inside, early, late } = kept[number];
        if (queued === 0) return null;
        const estimated = ranges_ms.length;
        const range_ms = median(ranges_ms);
        return {
          queued,
          estimated,
          inside,
          early,
          late,
          share: estimated === 0 ? null : Math.round((inside / estimated) * 10_000) / 10_000,
          medianRangeSeconds: range_ms === null ? null : range_ms / 1000,
        };
      });
    },
  };
}

function nothing(): Kept {
  return { ranges_ms: [], queued: 0, inside: 0, early: 0, late: 0 };
}

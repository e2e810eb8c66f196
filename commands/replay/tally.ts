/** What the report is made from, gathered while the replay runs. */

import type { TaskClass } from '../../shared/admission/priority.ts';
import { noUse } from './account.ts';
import { createBacktest, type StartRange } from './backtest.ts';
import { createMeter } from './statistics.ts';
import { createTimeline } from './timeline.ts';
import type { TracedTask } from './trace.ts';
import type { Witness } from './witness.ts';

/** Work of a tenant in vCPU milliseconds. */
type Work = { asked: number; doneInTime: number };

export type Tally = ReturnType<typeof createTally>;

/** @param lastArrival_ms until when work counts as done in time, for fairness while the load lasts */
export function createTally(lastArrival_ms: number) {
  const timeline = createTimeline();
  const backtest = createBacktest();
  const busy = createMeter();
  const work = new Map<string, Work>();
  const peakHeld = noUse();
  const waits_ms: Record<TaskClass, number[]> = { 0: [], 1: [], 2: [], 3: [] };
  const refusals = new Map<string, number>();
  const counts = { asked: 0, admitted: 0, queued: 0, ended: 0, preemptions: 0, grants: 0, resumes: 0 };
  let lastEnd_ms = 0;

  const workOf = (tenantId: string): Work => {
    const found = work.get(tenantId) ?? { asked: 0, doneInTime: 0 };
    work.set(tenantId, found);
    return found;
  };

  return {
    timeline,
    backtest,
    busy,
    work: work as ReadonlyMap<string, Readonly<Work>>,
    waits_ms,
    refusals: refusals as ReadonlyMap<string, number>,
    counts,
    /** Most that one tenant held at once. */
    peakHeld,
    get lastEnd_ms() {
      return lastEnd_ms;
    },

    asked(task: TracedTask): void {
      counts.asked += 1;
      workOf(task.tenantId).asked += task.cpu * task.duration_ms;
    },

    refused(code: string): void {
      refusals.set(code, (refusals.get(code) ?? 0) + 1);
    },

    /** @param range when it was told that it may start; null = nothing was said */
    queued(task: TracedTask, range: StartRange | null): void {
      counts.queued += 1;
      backtest.queued(task, range);
    },

    started(task: TracedTask, at_ms: number): void {
      waits_ms[task.class].push(at_ms - task.arrival_ms);
      backtest.started(task, at_ms);
    },

    preempted(at_ms: number): void {
      counts.preemptions += 1;
      timeline.preempted(at_ms);
    },

    /** A task ran for this time. */
    worked(task: TracedTask, from_ms: number, until_ms: number): void {
      const inTime_ms = Math.max(Math.min(until_ms, lastArrival_ms) - from_ms, 0);
      workOf(task.tenantId).doneInTime += task.cpu * inTime_ms;
    },

    ended(at_ms: number): void {
      counts.ended += 1;
      lastEnd_ms = at_ms;
    },

    /** Reads room and holds after a step; `unfinished` is how many accepted tasks have not ended. */
    measure(witness: Witness, unfinished: number, at_ms: number): void {
      timeline.measure(witness, at_ms);
      busy.set(at_ms, unfinished > 0 ? 1 : 0);
      for (const use of witness.held.values()) {
        peakHeld.cpu_milli = Math.max(peakHeld.cpu_milli, use.cpu_milli);
        peakHeld.memoryGb_milli = Math.max(peakHeld.memoryGb_milli, use.memoryGb_milli);
        peakHeld.tasks = Math.max(peakHeld.tasks, use.tasks);
      }
    },
  };
}

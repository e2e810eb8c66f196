/** What went on over time, in steps that a picture can show. */

import type { TaskClass } from '../../shared/admission/priority.ts';
import type { ClassName } from './classes.ts';
import { byClass } from './classes.ts';
import { createMeter } from './statistics.ts';
import type { Witness } from './witness.ts';

export type Timeline = {
  readonly stepSeconds: number;
  /** Mean in each step: vCPU, GB and tasks that hold room; tasks that wait, by class. */
  readonly cpu: readonly number[];
  readonly memoryGb: readonly number[];
  readonly tasks: readonly number[];
  readonly waiting: Readonly<Record<ClassName, readonly number[]>>;
  /** Tasks told to leave, in each step. */
  readonly preemptions: readonly number[];
};

const steps_max = 240;
/** Lengths of a step that people read easily. */
const stepLengths_ms = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000,
];

export function createTimeline() {
  const cpu = createMeter();
  const memoryGb = createMeter();
  const tasks = createMeter();
  const waiting = { 0: createMeter(), 1: createMeter(), 2: createMeter(), 3: createMeter() };
  const preemptedAt_ms: number[] = [];
  return {
    cpu,
    memoryGb,
    tasks,

    preempted(at_ms: number): void {
      preemptedAt_ms.push(at_ms);
    },

    measure(witness: Pick<Witness, 'room' | 'waiting'>, at_ms: number): void {
      cpu.set(at_ms, witness.room.cpu_milli / 1000);
      memoryGb.set(at_ms, witness.room.memoryGb_milli / 1000);
      tasks.set(at_ms, witness.room.tasks);
      for (const number of [0, 1, 2, 3] satisfies TaskClass[])
        waiting[number].set(at_ms, witness.waiting[number]);
    },

    /** From time 0 to `end_ms`. */
    read(end_ms: number): Timeline {
      const step_ms = stepFor(end_ms);
      const count = Math.max(Math.ceil(end_ms / step_ms), 1);
      const preemptions = Array.from({ length: count }, () => 0);
      for (const at_ms of preemptedAt_ms) {
        const step = Math.min(Math.floor(at_ms / step_ms), count - 1);
        preemptions[step] = (preemptions[step] ?? 0) + 1;
      }
      const read = (meter: { means(step_ms: number, count: number): number[] }): number[] =>
        meter.means(step_ms, count).map((mean) => Math.round(mean * 1000) / 1000);
      return {
        stepSeconds: step_ms / 1000,
        cpu: read(cpu),
        memoryGb: read(memoryGb),
        tasks: read(tasks),
        waiting: byClass((number) => read(waiting[number])),
        preemptions,
      };
    },
  };
}

function stepFor(end_ms: number): number {
  const longest_ms = stepLengths_ms.at(-1) ?? 1;
  return (
    stepLengths_ms.find((step_ms) => end_ms / step_ms <= steps_max) ??
    longest_ms * Math.ceil(end_ms / steps_max / longest_ms)
  );
}

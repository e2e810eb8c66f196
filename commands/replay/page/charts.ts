/** The pictures of a replay. Those that stand side by side share their scales. */

import { type ClassName, classes } from '../classes.ts';
import type { Report } from '../report.ts';
import {
  axes,
  drawing,
  type Frame,
  frameOf,
  linearScale,
  linePath,
  logScale,
  numberText,
  type Point,
  type Scale,
  stepPath,
} from './svg.ts';

/** A drawing for each report, in the same order. */
export type Drawings = readonly string[];

const pageWidth = 920;
const gap = 24;

function framesOf(reports: readonly Report[], height: number): Frame {
  return frameOf(reports.length === 1 ? pageWidth : (pageWidth - gap) / 2, height);
}

const classNames: readonly ClassName[] = classes.map((number): ClassName => `P${number}`);

/** Classes of which tasks asked for room, in any of the reports. */
export function classesPresent(reports: readonly Report[]): ClassName[] {
  return classNames.filter((name) => reports.some(({ waitSeconds }) => waitSeconds[name] !== null));
}

/** Share of a class's tasks that had started after a wait, on a logarithmic scale of the wait. */
export function waitDistributions(reports: readonly Report[]): Drawings {
  const frame = framesOf(reports, 320);
  const longest = Math.max(
    1,
    ...reports.flatMap(({ waitSeconds }) => classNames.map((name) => waitSeconds[name]?.max ?? 0)),
  );
  const x = logScale(0.1, longest, frame.left, frame.right);
  const percents = [0, 25, 50, 75, 100];
  const y: Scale = {
    place: (percent) => frame.bottom - (percent / 100) * (frame.bottom - frame.top),
    ticks: percents.map((value) => ({ value, label: `${value} %` })),
  };
  return reports.map(({ waitPercentiles, waitSeconds }) => {
    const lines = classNames.flatMap((name) => {
      const percentiles = waitPercentiles[name];
      if (percentiles === null) return [];
      const points = percentiles.map((wait, percent): Point => [x.place(wait), y.place(percent)]);
      const p99 = numberText(waitSeconds[name]?.p99 ?? 0);
      return [
        `<path class="line ${name}" d="${linePath([...points, [frame.right, y.place(100)]])}"><title>${name}: 99 % start within ${p99} s</title></path>`,
      ];
    });
    return drawing(frame, 'Share of tasks started, by seconds waited, for each class', [
      axes(frame, x, y, 'seconds waited (logarithmic)', 'tasks started'),
      ...lines,
    ]);
  });
}

type Resource = {
  readonly levelsOf: (report: Report) => readonly number[];
  readonly capacityOf: (report: Report) => number | null;
  readonly unit: string;
  readonly name: string;
};

export const cpu: Resource = {
  levelsOf: ({ timeline }) => timeline.cpu,
  capacityOf: ({ conditions }) => conditions.pool.cpu,
  unit: 'vCPU',
  name: 'vCPU in use',
};
export const memory: Resource = {
  levelsOf: ({ timeline }) => timeline.memoryGb,
  capacityOf: ({ conditions }) => conditions.pool.memoryGb,
  unit: 'GB',
  name: 'memory in use, GB',
};
export const tasksAtOnce: Resource = {
  levelsOf: ({ timeline }) => timeline.tasks,
  capacityOf: ({ conditions }) => conditions.pool.tasks,
  unit: 'tasks',
  name: 'tasks that hold room',
};

/** A resource in use over time, and the pool as a line. */
export function useOverTime(
  reports: readonly Report[],
  { levelsOf, capacityOf, unit, name }: Resource,
): Drawings {
  const frame = framesOf(reports, 220);
  const x = timeScale(reports, frame);
  const most = Math.max(...reports.flatMap((report) => [capacityOf(report) ?? 0, ...levelsOf(report)]));
  const y = linearScale(most * 1.08, frame.bottom, frame.top, 4);
  return reports.map((report) => {
    const at = placeOfStep(report, x);
    const levels = levelsOf(report);
    const capacity = capacityOf(report);
    const line = capacity === null ? 0 : y.place(capacity);
    return drawing(frame, `${name} over time`, [
      axes(frame, x, y, x.name, name),
      `<path class="area" d="${stepPath(levels, at, y.place, frame.bottom)}"/>`,
      `<path class="line use" d="${stepPath(levels, at, y.place)}"/>`,
      ...(capacity === null
        ? []
        : [
            `<line class="capacity" x1="${frame.left}" x2="${frame.right}" y1="${line}" y2="${line}"/>`,
            `<text class="note end" x="${frame.right - 4}" y="${line - 5}">pool: ${numberText(capacity)} ${unit}</text>`,
          ]),
    ]);
  });
}

/** Tasks that wait over time, a line for each class. */
export function waitingOverTime(reports: readonly Report[]): Drawings {
  const frame = framesOf(reports, 220);
  const x = timeScale(reports, frame);
  const present = classesPresent(reports);
  const most = Math.max(
    1,
    ...reports.flatMap(({ timeline }) => present.flatMap((name) => timeline.waiting[name])),
  );
  const y = linearScale(most, frame.bottom, frame.top, 4);
  return reports.map((report) => {
    const at = placeOfStep(report, x);
    return drawing(frame, 'Waiting tasks of each class over time', [
      axes(frame, x, y, x.name, 'tasks waiting'),
      ...present.map(
        (name) => `<path class="line ${name}" d="${stepPath(report.timeline.waiting[name], at, y.place)}"/>`,
      ),
    ]);
  });
}

/** Preemptions in each step of time, as bars; null when there was none. */
export function preemptionsOverTime(reports: readonly Report[]): Drawings | null {
  if (reports.every(({ preemptions }) => preemptions === 0)) return null;
  const frame = framesOf(reports, 180);
  const x = timeScale(reports, frame);
  const y = linearScale(
    Math.max(...reports.flatMap(({ timeline }) => timeline.preemptions)),
    frame.bottom,
    frame.top,
    3,
  );
  return reports.map((report) => {
    const at = placeOfStep(report, x);
    const bars = report.timeline.preemptions.flatMap((count, step) => {
      if (count === 0) return [];
      const left = at(step);
      const width = Math.max(at(step + 1) - left - 0.5, 1.5);
      const top = y.place(count);
      return [
        `<rect class="bar" x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${width.toFixed(1)}" height="${(frame.bottom - top).toFixed(1)}"/>`,
      ];
    });
    const { stepSeconds } = report.timeline;
    const none = `<text class="axis middle" x="${(frame.left + frame.right) / 2}" y="${(frame.top + frame.bottom) / 2}">nobody was preempted</text>`;
    return drawing(frame, 'Preemptions over time', [
      axes(frame, x, y, x.name, `in each ${numberText(stepSeconds)} s`),
      ...(bars.length === 0 ? [none] : bars),
    ]);
  });
}

type TimeScale = Scale & { readonly name: string; readonly unit_s: number };

/** From 0 to the end of the longest replay, in seconds or minutes. */
function timeScale(reports: readonly Report[], frame: Frame): TimeScale {
  const end_s = Math.max(1, ...reports.map(({ virtualSeconds }) => virtualSeconds));
  const minutes = end_s > 300;
  const unit_s = minutes ? 60 : 1;
  const end = end_s / unit_s;
  const { ticks } = linearScale(end, 0, 1, 8);
  return {
    place: (value) => frame.left + (Math.min(value, end) / end) * (frame.right - frame.left),
    ticks: ticks.filter(({ value }) => value <= end),
    name: minutes ? 'minutes of the trace' : 'seconds of the trace',
    unit_s,
  };
}

function placeOfStep({ timeline }: Report, x: TimeScale): (step: number) => number {
  return (step) => x.place((step * timeline.stepSeconds) / x.unit_s);
}

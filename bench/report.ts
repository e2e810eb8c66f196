/** What was measured, as a document and as tables. */

import { cpus } from 'node:os';
import type { Cell } from './admission.ts';
import type { LineResult } from './line.ts';
import { type MeteringCell, type Way, ways } from './metering.ts';
import { type OvershootCell, overshootTable } from './overshoot.ts';
import type { Measure } from './rounds.ts';
import { type ScoringResult, scoringTable } from './scoring.ts';
import { updateName } from './yardsticks.ts';

export type Report = {
  readonly machine: { readonly cores: number; readonly node: string; readonly postgres: string };
  readonly line: readonly {
    readonly shape: string;
    readonly title: string;
    readonly waiting: number;
    readonly running: number;
    readonly groups: readonly {
      readonly title: string;
      readonly measures: readonly ReportedMeasure[];
      readonly gaveUpOn: string | null;
    }[];
  }[];
  readonly admission: readonly Cell[];
  readonly metering: readonly ReportedCell[];
  readonly overshoot: readonly OvershootCell[];
  readonly scoring: ScoringResult | null;
};

/** `perCopy`: events per second over those of COPY in the same rounds. */
type ReportedCell = MeteringCell & { readonly perCopy: { readonly http: number; readonly queue: number } };

/** `perUpdate`: the median over that of the single-row update in the same rounds. */
type ReportedMeasure = Measure & { readonly perUpdate: number };

export function reportOf(
  postgres: string,
  line: readonly LineResult[],
  admission: readonly Cell[],
  metering: readonly MeteringCell[],
  overshoot: readonly OvershootCell[],
  scoring: ScoringResult | null,
): Report {
  return {
    machine: { cores: cpus().length, node: process.version, postgres },
    line: line.map(({ shape, groups }) => ({
      shape: shape.name,
      title: shape.title,
      waiting: shape.waiting,
      running: shape.running,
      groups: groups.map((group) => ({ ...group, measures: compared(group.measures) })),
    })),
    admission,
    overshoot,
    scoring,
    metering: metering.map((cell) => {
      const { http, queue, copy } = cell.ways;
      const perCopy = {
        http: http.eventsPerSecond / copy.eventsPerSecond,
        queue: queue.eventsPerSecond / copy.eventsPerSecond,
      };
      return { ...cell, perCopy };
    }),
  };
}

function compared(measures: readonly Measure[]): ReportedMeasure[] {
  const yardstick_ms = measures.find(({ name }) => name === updateName)?.median_ms ?? Number.NaN;
  return measures.map((measure) => ({ ...measure, perUpdate: measure.median_ms / yardstick_ms }));
}

/** The report as lines for a terminal. */
export function tablesOf({ machine, line, admission, metering, overshoot, scoring }: Report): string {
  const lines = [`${machine.cores} cores, Postgres ${machine.postgres}, Node ${machine.node}`];
  for (const { shape, title, waiting, running, groups } of line) {
    lines.push('', `${shape}: ${waiting} waiting, ${running} running; ${title}`);
    for (const group of groups) {
      lines.push('', row(group.title, ['median ms', 'p95 ms', 'x update', 'samples']));
      for (const { name, median_ms, p95_ms, perUpdate, samples } of group.measures) {
        lines.push(
          row(`  ${name}`, [median_ms.toFixed(2), p95_ms.toFixed(2), perUpdate.toFixed(1), String(samples)]),
        );
      }
      if (group.gaveUpOn !== null) lines.push(`  no answer in time: ${group.gaveUpOn.trim()}`);
    }
  }
  if (admission.length > 0) {
    lines.push('', row('admissions', ['per second', 'x update', 'x seed', 'seed/s', 'update/s']));
    for (const { tenants, connections, perSecond, unanswered } of admission) {
      lines.push(
        row(`  ${tenants === 1 ? 'one hot tenant' : `${tenants} tenants`}, ${connections} connections`, [
          perSecond.admit.toFixed(0),
          (perSecond.admit / perSecond.updateOneRow).toFixed(2),
          (perSecond.admit / perSecond.seedStyle).toFixed(2),
          perSecond.seedStyle.toFixed(0),
          perSecond.updateOneRow.toFixed(0),
        ]),
      );
      if (unanswered > 0) lines.push(`    ${unanswered} calls got no answer in time`);
    }
  }
  if (metering.length > 0) lines.push(...meteringTable(metering));
  for (const [name = '', ...cells] of overshootTable(overshoot)) lines.push(row(name, cells, 15));
  if (scoring !== null) lines.push('');
  for (const [name = '', ...cells] of scoringTable(scoring)) lines.push(row(name, cells));
  return `${lines.join('\n')}\n`;
}

const wayTitles: Readonly<Record<Way, string>> = {
  http: 'over HTTP',
  queue: 'by the queue (time: sent to booked)',
  copy: 'yardstick: COPY into such a table',
  insertAndSum: 'yardstick: insert, then sum, per event',
};

function meteringTable(cells: readonly ReportedCell[]): string[] {
  return cells.flatMap(({ form, runs, batch, ways: measured }) => [
    '',
    row(`${form} events, ${runs === 1 ? 'one hot run' : `${runs} runs`}, ${batch} a call`, [
      'events/s',
      'x COPY',
      'x sum',
      'p50 ms',
      'p99 ms',
      'calls',
    ]),
    ...ways.map((way) => {
      const { eventsPerSecond, p50_ms, p99_ms, calls } = measured[way];
      return row(`  ${wayTitles[way]}`, [
        eventsPerSecond.toFixed(0),
        (eventsPerSecond / measured.copy.eventsPerSecond).toFixed(2),
        (eventsPerSecond / measured.insertAndSum.eventsPerSecond).toFixed(1),
        p50_ms.toFixed(1),
        p99_ms.toFixed(1),
        String(calls),
      ]);
    }),
  ]);
}

function row(name: string, cells: readonly string[], width = 10): string {
  return [name.padEnd(46), ...cells.map((cell) => cell.padStart(width))].join(' ').trimEnd();
}

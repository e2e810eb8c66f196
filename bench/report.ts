/** What was measured, as a document and as tables. */

import { cpus } from 'node:os';
import type { Cell } from './admission.ts';
import type { LineResult } from './line.ts';
import { type OvershootCell, overshootTable } from './overshoot.ts';
import type { Measure } from './rounds.ts';
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
};

/** `perUpdate`: the median over that of the single-row update in the same rounds. */
type ReportedMeasure = Measure & { readonly perUpdate: number };

export function reportOf(postgres: string, line: readonly LineResult[], admission: readonly Cell[]): Report {
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
  };
}

function compared(measures: readonly Measure[]): ReportedMeasure[] {
  const yardstick_ms = measures.find(({ name }) => name === updateName)?.median_ms ?? Number.NaN;
  return measures.map((measure) => ({ ...measure, perUpdate: measure.median_ms / yardstick_ms }));
}

/** The report as lines for a terminal. */
export function tablesOf({
  machine,
  line,
  admission,
  overshoot,
}: Report & { readonly overshoot: readonly OvershootCell[] }): string {
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
  const table = overshootTable(overshoot);
  if (table.length > 0) lines.push('', ...table.map(([name = '', ...cells]) => row(name, cells, 15)));
  return `${lines.join('\n')}\n`;
}

function row(name: string, cells: readonly string[], width = 10): string {
  return [name.padEnd(46), ...cells.map((cell) => cell.padStart(width))].join(' ').trimEnd();
}

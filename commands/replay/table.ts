/** A report as lines for a terminal. */

import { type Invariant, invariants } from './breaches.ts';
import { type ClassName, classes } from './classes.ts';
import type { WhatIfReport } from './comparison.ts';
import { describe } from './describe.ts';
import type { Peak, Report } from './report.ts';
import type { Spread } from './statistics.ts';

/** One replay, or two side by side. */
export function tableOf(report: Report, whatIf: WhatIfReport | null): string {
  const reports = whatIf === null ? [report] : [report, whatIf.report];
  const headings = whatIf === null ? [] : [['', 'before', `after ${whatIf.flags}`]];
  const facts = [...headings, ...factsOf(reports)];
  const width = Math.max(...facts.map(([, first = '']) => first.length));
  return [
    ...facts.map(([name = '', ...texts]) =>
      [
        name.padEnd(13),
        ...texts.map((text, index) => (index === texts.length - 1 ? text : text.padEnd(width))),
      ]
        .join('  ')
        .trimEnd(),
    ),
    '',
    row(['wait, s', 'tasks', 'mean', 'p50', 'p95', 'p99', 'max']),
    ...classes.flatMap((number) => waitRows(`P${number}`, reports)),
    '',
    ...estimateLines(report),
    ...breachLines(reports),
    '',
  ].join('\n');
}

/** Name, then a text for each report. */
function factsOf(reports: readonly Report[]): string[][] {
  const fact = (name: string, textOf: (report: Report) => string): string[] => [name, ...reports.map(textOf)];
  return [
    fact('conditions', ({ conditions }) => describe(conditions)),
    fact(
      'tasks',
      (r) => `${r.tasks} of ${r.tenants} tenants in ${r.virtualSeconds.toFixed(0)} s of virtual time`,
    ),
    fact('admitted', (r) => `${r.admitted} at once, ${r.queued} queued, ${r.completed} completed`),
    fact('refused', ({ refusals }) => refusalText(refusals)),
    fact('preemptions', (r) => `${r.preemptions}, ${r.resumes} resumes, lost work ${r.lostWorkUSD} USD`),
    fact('spent', (r) => `${r.spentUSD} USD`),
    fact(
      'utilisation',
      ({ utilisation }) => `cpu ${percent(utilisation.cpu)}, memory ${percent(utilisation.memory)}`,
    ),
    fact(
      'pool peak',
      ({ peak: { pool } }) =>
        `cpu ${shown(pool.cpu)}, memory ${shown(pool.memoryGb)}, tasks ${shown(pool.tasks)}`,
    ),
    fact(
      'tenant peak',
      ({ peak: { tenant } }) =>
        `cpu ${shown(tenant.cpu)}, memory ${shown(tenant.memoryGb)}, runs ${shown(tenant.runs)}`,
    ),
    fact('fairness', (r) => `Jain index ${r.jainIndex ?? '-'}`),
    fact(
      'class order',
      ({ waitsInOrder }) => `mean waits ${inOrder(waitsInOrder.mean)}, p99 ${inOrder(waitsInOrder.p99)}`,
    ),
    fact('speed', (r) => `${r.decisionsPerSecond} decisions/s, ${r.wallSeconds.toFixed(1)} s`),
  ];
}

function waitRows(name: ClassName, reports: readonly Report[]): string[] {
  const [before, after] = reports.map(({ waitSeconds }) => waitSeconds[name]);
  const figures = (spread: Spread | null | undefined): string[] =>
    spread
      ? [
          String(spread.count),
          ...[spread.mean, spread.p50, spread.p95, spread.p99, spread.max].map((s) => s.toFixed(1)),
        ]
      : ['-', '-', '-', '-', '-', '-'];
  if (after === undefined) return [row([name, ...figures(before)])];
  return [row([`${name} before`, ...figures(before)]), row([`${name} after`, ...figures(after)])];
}

function estimateLines({ startEstimate }: Report): string[] {
  const lines = classes.flatMap((number) => {
    const of = startEstimate[`P${number}`];
    if (of === null || of.share === null) return [];
    const range = `${of.medianRangeSeconds?.toFixed(1) ?? '-'} s wide at the median`;
    return [`P${number} ${percent(of.share)} of ${of.estimated} started within their estimate, ${range}`];
  });
  return lines.length === 0 ? [] : ['start estimates', ...lines, ''];
}

function breachLines(reports: readonly Report[]): string[] {
  return reports.map(({ breaches }, index) => {
    const name = ['breaches', 'after'][index] ?? '';
    const broken = invariants.filter((invariant: Invariant) => breaches[invariant] > 0);
    const text =
      broken.length === 0
        ? `none of ${invariants.length} invariants`
        : broken.map((invariant) => `${invariant} ${breaches[invariant]}`).join(', ');
    return `${name.padEnd(13)}  ${text}`;
  });
}

function refusalText(refusals: Readonly<Record<string, number>>): string {
  const texts = Object.entries(refusals).map(([code, count]) => `${count} ${code}`);
  return texts.length === 0 ? 'none' : texts.join(', ');
}

function inOrder(yes: boolean): string {
  return yes ? 'in order' : 'not in order';
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(13) : cell.padStart(9))).join(' ');
}

function percent(share: number | null): string {
  return share === null ? 'unbounded' : `${(share * 100).toFixed(1)} %`;
}

function shown({ used, share }: Peak): string {
  return share === null ? String(used) : `${used} (${percent(share)})`;
}

/** The tables and tiles of the page. Columns of numbers name their unit. */

import { invariants, meanings } from '../breaches.ts';
import type { ClassName } from '../classes.ts';
import { refused } from '../comparison.ts';
import type { Report } from '../report.ts';
import type { Spread } from '../statistics.ts';
import { classesPresent } from './charts.ts';
import { escapeText, numberText } from './svg.ts';

export const sides = ['before', 'after'] as const;

/** Key figures, each once for a replay, or before and after. */
export function tiles(reports: readonly Report[]): string {
  const tile = (name: string, note: string, textOf: (report: Report) => string): string => {
    const values = reports.map((report, index) => {
      const side = reports.length === 1 ? '' : `<span>${sides[index] ?? ''}</span>`;
      return `<div class="value">${side}${textOf(report)}</div>`;
    });
    return `<div class="tile"><dt>${name}</dt><dd>${values.join('')}<small>${note}</small></dd></div>`;
  };
  const [best] = classesPresent(reports);
  return `<dl class="tiles">${[
    tile('Tasks completed', `of ${numberText(reports[0]?.tasks ?? 0)} that asked`, (r) =>
      numberText(r.completed),
    ),
    tile('Refused', 'turned away when they asked', (r) => numberText(refused(r))),
    ...(best === undefined
      ? []
      : [
          tile(`${best} waits, at p99`, '99 % of the best class wait no longer', ({ waitSeconds }) => {
            const spread = waitSeconds[best];
            return spread === null ? 'none started' : `${seconds(spread.p99)} s`;
          }),
        ]),
    tile('Preemptions', 'tasks told to make room', (r) => numberText(r.preemptions)),
    tile('Lost work', 'done since the last checkpoint, in USD', (r) => numberText(r.lostWorkUSD)),
    tile('Pool in use', 'mean of vCPU while there was work', (r) => percent(r.utilisation.cpu)),
    tile('Fairness', "Jain's index of the tenants, 1 = all alike", (r) => String(r.jainIndex ?? '–')),
    tile('Rules broken', `of ${invariants.length} that were checked`, (r) => {
      const broken = invariants.filter((name) => r.breaches[name] > 0).length;
      return `<b class="${broken === 0 ? 'good' : 'bad'}">${broken === 0 ? 'none' : broken}</b>`;
    }),
  ].join('')}</dl>`;
}

export function waitTable(reports: readonly Report[]): string {
  const rows = classesPresent(reports).flatMap((name) =>
    reports.map((report, index) =>
      waitRow(name, report.waitSeconds[name], reports.length === 1 ? null : index),
    ),
  );
  const head = ['class', 'tasks', 'mean, s', 'p50, s', 'p95, s', 'p99, s', 'longest, s'];
  return table('Waits from asking to the first start', head, rows);
}

function waitRow(name: ClassName, spread: Spread | null, side: number | null): string {
  const figures =
    spread === null
      ? ['0', '–', '–', '–', '–', '–']
      : [
          numberText(spread.count),
          ...[spread.mean, spread.p50, spread.p95, spread.p99, spread.max].map(seconds),
        ];
  const heading = side === null ? name : `${name} ${sides[side] ?? ''}`;
  return `<tr${side === 1 ? ' class="second"' : ''}><th scope="row">${heading}</th>${cells(figures)}</tr>`;
}

export function refusalTable(reports: readonly Report[]): string {
  const codes = [...new Set(reports.flatMap(({ refusals }) => Object.keys(refusals)))].toSorted();
  if (codes.length === 0) return '<p>Nobody was refused.</p>';
  const rows = codes.map(
    (code) =>
      `<tr><th scope="row"><code>${escapeText(code)}</code></th>${cells(reports.map(({ refusals }) => numberText(refusals[code] ?? 0)))}</tr>`,
  );
  return table('Refused requests by leading code', ['code', ...columns(reports, 'requests')], rows);
}

export function breachTable(reports: readonly Report[]): string {
  const rows = invariants.map((name) => {
    const counts = reports.map(({ breaches }) => {
      const count = breaches[name];
      return `<td class="${count === 0 ? 'good' : 'bad'}">${count === 0 ? '0' : `${numberText(count)} broken`}</td>`;
    });
    const { says, rule } = meanings[name];
    return `<tr><td class="text"><code>${name}</code></td><td class="text">${escapeText(says)} <span class="quiet">(${rule})</span></td>${counts.join('')}</tr>`;
  });
  return table(
    'Invariants that were checked, and how often each was broken',
    ['invariant', 'what must hold', ...columns(reports, 'broken')],
    rows,
    2,
  );
}

/** Empty when no task was told when it may start. */
export function estimateTable(reports: readonly Report[]): string {
  const rows = reports.flatMap(({ startEstimate }, index) =>
    classesPresent(reports).flatMap((name) => {
      const of = startEstimate[name];
      if (of === null || of.estimated === 0) return [];
      const figures = [
        numberText(of.queued),
        numberText(of.estimated),
        percent(of.share),
        numberText(of.early),
        numberText(of.late),
        of.medianRangeSeconds === null ? '–' : seconds(of.medianRangeSeconds),
      ];
      const heading = reports.length === 1 ? name : `${name} ${sides[index] ?? ''}`;
      return [`<tr><th scope="row">${heading}</th>${cells(figures)}</tr>`];
    }),
  );
  if (rows.length === 0) return '';
  const head = [
    'class',
    'queued',
    'estimated',
    'inside',
    'started earlier',
    'started later',
    'median width, s',
  ];
  return table('Starts that were foretold, held against those that came', head, rows);
}

/** What does not fit elsewhere: most in use, money, speed. */
export function factTable(reports: readonly Report[]): string {
  const row = (name: string, textOf: (report: Report) => string): string =>
    `<tr><th scope="row">${name}</th>${cells(reports.map(textOf))}</tr>`;
  const rows = [
    row('Tenants', (r) => numberText(r.tenants)),
    row('Admitted at once', (r) => numberText(r.admitted)),
    row('Queued', (r) => numberText(r.queued)),
    row('Resumed after preemption', (r) => numberText(r.resumes)),
    row('Spent, USD', (r) => numberText(r.spentUSD)),
    row('Mean use of the pool, vCPU', (r) => percent(r.utilisation.cpu)),
    row('Mean use of the pool, memory', (r) => percent(r.utilisation.memory)),
    row('Highest use, vCPU', ({ peak }) => peakText(peak.pool.cpu)),
    row('Highest use, GB', ({ peak }) => peakText(peak.pool.memoryGb)),
    row('Highest use, tasks at once', ({ peak }) => peakText(peak.pool.tasks)),
    row('Most held by one tenant, vCPU', ({ peak }) => peakText(peak.tenant.cpu)),
    row('Most held by one tenant, GB', ({ peak }) => peakText(peak.tenant.memoryGb)),
    row('Most held by one tenant, runs', ({ peak }) => peakText(peak.tenant.runs)),
    row('Waits in the order of the classes', ({ waitsInOrder: { mean, p99 } }) => orderText(mean, p99)),
    row('Length of the trace, s', (r) => numberText(Math.round(r.virtualSeconds))),
    row('Decisions', (r) => numberText(r.decisions)),
    row('Decisions per second of real time', (r) => numberText(r.decisionsPerSecond)),
  ];
  return table('What else was counted', ['figure', ...columns(reports, 'value')], rows);
}

function table(caption: string, head: readonly string[], rows: readonly string[], textColumns = 1): string {
  const heads = head.map(
    (name, index) => `<th scope="col"${index < textColumns ? ' class="text"' : ''}>${name}</th>`,
  );
  return `<div class="scroll"><table><caption>${caption}</caption><thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function columns(reports: readonly Report[], single: string): readonly string[] {
  return reports.length === 1 ? [single] : sides;
}

function cells(texts: readonly string[]): string {
  return texts.map((text) => `<td>${text}</td>`).join('');
}

function peakText({ used, share }: { readonly used: number; readonly share: number | null }): string {
  return share === null ? numberText(used) : `${numberText(used)} (${percent(share)})`;
}

function orderText(mean: boolean, p99: boolean): string {
  if (mean && p99) return 'yes';
  return mean ? 'by the mean, not at p99' : p99 ? 'at p99, not by the mean' : 'no';
}

function percent(share: number | null): string {
  return share === null ? 'no bound' : `${(share * 100).toFixed(1)} %`;
}

function seconds(value: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

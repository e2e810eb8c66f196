/** A report as one page: no script, nothing fetched, so that it can be mailed and kept. */

import type { ClassName } from '../classes.ts';
import type { WhatIfReport } from '../comparison.ts';
import { describe } from '../describe.ts';
import type { Report } from '../report.ts';
import {
  classesPresent,
  cpu,
  type Drawings,
  memory,
  preemptionsOverTime,
  tasksAtOnce,
  useOverTime,
  waitDistributions,
  waitingOverTime,
} from './charts.ts';
import { style } from './style.ts';
import { escapeText, numberText } from './svg.ts';
import { breachTable, estimateTable, factTable, refusalTable, sides, tiles, waitTable } from './tables.ts';

/**
 * The page of one replay, or of two side by side on the same scales.
 *
 * @param traceName as shown to readers
 */
export function pageOf(traceName: string, report: Report, whatIf: WhatIfReport | null): string {
  const reports = whatIf === null ? [report] : [report, whatIf.report];
  const title = `Replay of ${escapeText(traceName)}${whatIf === null ? '' : ', before and after'}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${introduction(report, whatIf)}
${tiles(reports)}
${waits(reports)}
${use(reports)}
${preemptions(reports)}
<h2>Refusals</h2>
<p>Requests that were turned away at once. What fits the quota but not the pool is not refused; it waits.</p>
${refusalTable(reports)}
${estimates(reports)}
<h2>Rules</h2>
<p>Judged step by step from what callers and subscribers hear, and from sums over the rows of the store. None may ever be broken.</p>
${breachTable(reports)}
<h2>All figures</h2>
${factTable(reports)}
</main>
</body>
</html>
`;
}

function introduction(report: Report, whatIf: WhatIfReport | null): string {
  const asked = `${numberText(report.tasks)} tasks of ${numberText(report.tenants)} tenants asked for room`;
  const real =
    'Every admission, start, preemption and cost below was decided by the real system, only the clock was virtual.';
  const conditions =
    whatIf === null
      ? `<p><b>Conditions:</b> ${escapeText(describe(report.conditions))}.</p>`
      : `<p><b>Before:</b> ${escapeText(describe(report.conditions))}.<br><b>After</b> (<code>${escapeText(whatIf.flags)}</code>): ${escapeText(describe(whatIf.report.conditions))}.</p>`;
  return `<p class="quiet">${asked}. ${real}</p>${conditions}`;
}

function waits(reports: readonly Report[]): string {
  return `<h2>How long tasks waited</h2>
<p>P0 is the most urgent class, P3 the least. Each line shows which share of a class had started after a wait of so many
seconds: the further left and the steeper, the sooner. A start at once counts as the shortest wait drawn.</p>
${legend(reports)}
${figures(waitDistributions(reports), reports)}
${waitTable(reports)}
<p class="quiet">p50, p95 and p99: half, 95 % and 99 % of the tasks waited no longer than this.</p>`;
}

function use(reports: readonly Report[]): string {
  const counted = reports.some(({ conditions }) => conditions.pool.tasks !== null);
  return `<h2>How the pool was used</h2>
<p>Drawn in steps of ${numberText(reports[0]?.timeline.stepSeconds ?? 0)} s, each with its mean. The dashed line is what the pool can hold.</p>
<h3>vCPU</h3>
${figures(useOverTime(reports, cpu), reports)}
<h3>Memory</h3>
${figures(useOverTime(reports, memory), reports)}
${counted ? `<h3>Tasks at once</h3>${figures(useOverTime(reports, tasksAtOnce), reports)}` : ''}
<h3>Tasks that waited</h3>
${legend(reports)}
${figures(waitingOverTime(reports), reports)}`;
}

function preemptions(reports: readonly Report[]): string {
  const drawings = preemptionsOverTime(reports);
  const body =
    drawings === null
      ? '<p>Nobody was preempted.</p>'
      : `<p>Running tasks that were told to store a checkpoint and make room for a better class. They keep their place in the line.</p>${figures(drawings, reports)}`;
  return `<h2>Preemptions</h2>\n${body}`;
}

function estimates(reports: readonly Report[]): string {
  const table = estimateTable(reports);
  if (table === '') return '';
  return `<h2>Estimated starts</h2>
<p>A task that has to wait is told between when and when it may start. Here each estimate is held against the start that
came. The width matters too: a range as wide as the day would always be right.</p>
${table}`;
}

function figures(drawings: Drawings, reports: readonly Report[]): string {
  const figure = (drawing: string, index: number): string =>
    `<figure>${reports.length === 1 ? '' : `<figcaption>${sides[index] ?? ''}</figcaption>`}${drawing}</figure>`;
  return `<div class="pair">${drawings.map(figure).join('')}</div>`;
}

function legend(reports: readonly Report[]): string {
  const item = (name: ClassName): string =>
    `<li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="line ${name}" d="M1 5H33"/></svg>${name}</li>`;
  return `<ul class="legend">${classesPresent(reports).map(item).join('')}</ul>`;
}

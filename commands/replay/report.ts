/** The result of a replay for machines and for people. */

import { className, type TaskClass } from '../../shared/admission/priority.ts';
import type { Database } from '../../shared/platform/db.ts';
import { nanosToUsd } from '../../shared/platform/money.ts';
import type { Breaches } from './breaches.ts';
import type { ReplayOptions } from './options.ts';
import type { ReplayResult } from './replay.ts';
import { jainIndex, type Spread, spreadOf } from './statistics.ts';

type ClassName = ReturnType<typeof className>;

export type Report = {
  /** Tasks of the trace that asked. */
  readonly tasks: number;
  readonly tenants: number;
  readonly admitted: number;
  readonly queued: number;
  readonly completed: number;
  /** By leading code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** From asking to first start; null for a class without tasks. */
  readonly waitSeconds: Readonly<Record<ClassName, Spread | null>>;
  readonly preemptions: number;
  readonly resumes: number;
  readonly lostWorkUSD: number;
  readonly spentUSD: number;
  /** Mean use over capacity while any accepted task is unfinished; null without a bound. */
  readonly utilisation: { readonly cpu: number | null; readonly memory: number | null };
  /** Highest use of the pool, and by one tenant against its quota; share null without a bound. */
  readonly peak: {
    readonly pool: { readonly cpu: Peak; readonly memoryGb: Peak };
    readonly tenant: { readonly cpu: Peak; readonly memoryGb: Peak; readonly runs: Peak };
  };
  /** Of the tenants' shares of asked work that was done while the load lasted; 1 = all served alike. */
  readonly jainIndex: number | null;
  readonly virtualSeconds: number;
  readonly wallSeconds: number;
  readonly decisions: number;
  /** Admissions judged, grants and preemptions, over the wall time without the checks. */
  readonly decisionsPerSecond: number;
  readonly breaches: Readonly<Breaches>;
};

type Peak = { readonly used: number; readonly share: number | null };

const classes: readonly TaskClass[] = [0, 1, 2, 3];

export async function reportOf(
  database: Database,
  { tally, breaches, spent_usd_nanos, wall_ms, checking_ms }: ReplayResult,
  { pool, quota }: ReplayOptions,
): Promise<Report> {
  const [lost] = await database.query<{ usd_nanos: bigint }>(
    'select coalesce(sum(lost_work_usd_nanos), 0)::bigint as usd_nanos from runs',
  );
  const { counts, cpu, memoryGb, busy, peakHeld } = tally;
  const decisions = counts.asked + counts.grants + counts.preemptions;
  const shares = [...tally.work.values()]
    .filter(({ asked }) => asked > 0)
    .map(({ asked, doneInTime }) => doneInTime / asked);
  return {
    tasks: counts.asked,
    tenants: tally.work.size,
    admitted: counts.admitted,
    queued: counts.queued,
    completed: counts.ended,
    refusals: Object.fromEntries([...tally.refusals].toSorted()),
    waitSeconds: Object.fromEntries(
      classes.map((number) => [
        className(number),
        spreadOf(tally.waits_ms[number].map((wait_ms) => wait_ms / 1000)),
      ]),
    ) as Record<ClassName, Spread | null>,
    preemptions: counts.preemptions,
    resumes: counts.resumes,
    lostWorkUSD: nanosToUsd(lost?.usd_nanos ?? 0n),
    spentUSD: nanosToUsd(spent_usd_nanos),
    utilisation: {
      cpu: ratio(cpu.area, pool.cpu === null ? null : pool.cpu * busy.area),
      memory: ratio(memoryGb.area, pool.memoryGb === null ? null : pool.memoryGb * busy.area),
    },
    peak: {
      pool: { cpu: peak(cpu.peak, pool.cpu), memoryGb: peak(memoryGb.peak, pool.memoryGb) },
      tenant: {
        cpu: peak(peakHeld.cpu_milli / 1000, quota.cpu),
        memoryGb: peak(peakHeld.memoryGb_milli / 1000, quota.memoryGb),
        runs: peak(peakHeld.runs, quota.runs),
      },
    },
    jainIndex: rounded(jainIndex(shares)),
    virtualSeconds: tally.lastEnd_ms / 1000,
    wallSeconds: wall_ms / 1000,
    decisions,
    decisionsPerSecond: Math.round(decisions / ((wall_ms - checking_ms) / 1000)),
    breaches,
  };
}

function peak(used: number, limit: number | null): Peak {
  return { used, share: ratio(used, limit) };
}

function ratio(part: number, whole: number | null): number | null {
  return whole === null || whole === 0 ? null : rounded(part / whole);
}

function rounded(value: number): number;
function rounded(value: number | null): number | null;
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10_000) / 10_000;
}

/** The report as lines for a terminal. */
export function tableOf(report: Report): string {
  const { waitSeconds, peak, breaches } = report;
  const waits = Object.entries(waitSeconds).map(([name, spread]) =>
    spread === null
      ? [name, '-', '-', '-', '-']
      : [name, ...[spread.p50, spread.p95, spread.p99, spread.max].map((value) => value.toFixed(1))],
  );
  const refused = Object.entries(report.refusals).map(([code, count]) => `${count} ${code}`);
  const facts: [string, string][] = [
    [
      'tasks',
      `${report.tasks} of ${report.tenants} tenants in ${report.virtualSeconds.toFixed(0)} s of virtual time`,
    ],
    ['admitted', `${report.admitted} at once, ${report.queued} queued, ${report.completed} completed`],
    ['refused', refused.length === 0 ? 'none' : refused.join(', ')],
    ['preemptions', `${report.preemptions}, ${report.resumes} resumes, lost work ${report.lostWorkUSD} USD`],
    ['spent', `${report.spentUSD} USD`],
    ['utilisation', `cpu ${percent(report.utilisation.cpu)}, memory ${percent(report.utilisation.memory)}`],
    ['pool peak', `cpu ${shown(peak.pool.cpu)}, memory ${shown(peak.pool.memoryGb)}`],
    [
      'tenant peak',
      `cpu ${shown(peak.tenant.cpu)}, memory ${shown(peak.tenant.memoryGb)}, runs ${shown(peak.tenant.runs)}`,
    ],
    ['fairness', `Jain index ${report.jainIndex ?? '-'}`],
    ['speed', `${report.decisionsPerSecond} decisions/s, ${report.wallSeconds.toFixed(1)} s`],
  ];
  const broken = Object.entries(breaches).filter(([, count]) => count > 0);
  return [
    ...facts.map(([name, text]) => `${name.padEnd(12)} ${text}`),
    '',
    row(['wait, s', 'p50', 'p95', 'p99', 'max']),
    ...waits.map(row),
    '',
    broken.length === 0
      ? `breaches     none of ${Object.keys(breaches).length} invariants`
      : `breaches     ${broken.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    '',
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(12) : cell.padStart(9))).join(' ');
}

function percent(share: number | null): string {
  return share === null ? 'unbounded' : `${(share * 100).toFixed(1)} %`;
}

function shown({ used, share }: Peak): string {
  return share === null ? String(used) : `${used} (${percent(share)})`;
}

/** The result of a replay for machines; tables and pictures are drawn from it. */

import type { Database } from '../../shared/platform/db.ts';
import { nanosToUsd } from '../../shared/platform/money.ts';
import type { Backtest } from './backtest.ts';
import type { Breaches } from './breaches.ts';
import { byClass, type ClassName, classes } from './classes.ts';
import type { Conditions } from './conditions.ts';
import type { ReplayResult } from './replay.ts';
import { jainIndex, percentilesOf, type Spread, spreadOf } from './statistics.ts';
import type { Timeline } from './timeline.ts';

export type Report = {
  /** Under what it was replayed. */
  readonly conditions: Conditions;
  /** Tasks of the trace that asked. */
  readonly tasks: number;
  readonly tenants: number;
  readonly admitted: number;
  readonly queued: number;
  readonly completed: number;
  /** By leading code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** From asking to first start; null for a class of which none started. */
  readonly waitSeconds: Readonly<Record<ClassName, Spread | null>>;
  /** Whether no class waits longer than the next one, of those present: a figure, since a load may lawfully mix them. */
  readonly waitsInOrder: { readonly mean: boolean; readonly p99: boolean };
  /** The waits at 0 %, 1 % … 100 % of the tasks. */
  readonly waitPercentiles: Readonly<Record<ClassName, readonly number[] | null>>;
  readonly preemptions: number;
  readonly resumes: number;
  /** Work done since the last checkpoint of tasks that lost their room, at its cost. */
  readonly lostWorkUSD: number;
  readonly spentUSD: number;
  /** Mean use over capacity while any accepted task is unfinished; null without a bound. */
  readonly utilisation: {
    readonly cpu: number | null;
    readonly memory: number | null;
    readonly tasks: number | null;
  };
  /** Highest use of the pool, and by one tenant against its quota; share null without a bound. */
  readonly peak: {
    readonly pool: { readonly cpu: Peak; readonly memoryGb: Peak; readonly tasks: Peak };
    readonly tenant: { readonly cpu: Peak; readonly memoryGb: Peak; readonly runs: Peak };
  };
  /** Of the tenants' shares of asked work that was done while the load lasted; 1 = all served alike. */
  readonly jainIndex: number | null;
  /** The starts that queued tasks were told, held against those that came; null for a class of which none was queued. */
  readonly startEstimate: Readonly<Record<ClassName, Backtest | null>>;
  readonly timeline: Timeline;
  readonly virtualSeconds: number;
  readonly wallSeconds: number;
  readonly decisions: number;
  /** Admissions judged, grants and preemptions, over the wall time without the checks. */
  readonly decisionsPerSecond: number;
  readonly breaches: Readonly<Breaches>;
};

export type Peak = { readonly used: number; readonly share: number | null };

export async function reportOf(
  database: Database,
  { tally, breaches, spent_usd_nanos, wall_ms, checking_ms }: ReplayResult,
  conditions: Conditions,
): Promise<Report> {
  const [lost] = await database.query<{ usd_nanos: bigint }>(
    'select coalesce(sum(lost_work_usd_nanos), 0)::bigint as usd_nanos from runs',
  );
  const { pool, quota } = conditions;
  const { counts, timeline, busy, peakHeld } = tally;
  const { cpu, memoryGb, tasks } = timeline;
  const waits = byClass((number) => tally.waits_ms[number].map((wait_ms) => wait_ms / 1000));
  const waitSeconds = byClass((number) => spreadOf(waits[`P${number}`]));
  const decisions = counts.asked + counts.grants + counts.preemptions;
  const mean = (area: number, capacity: number | null): number | null =>
    ratio(area, capacity === null ? null : capacity * busy.area);
  return {
    conditions,
    tasks: counts.asked,
    tenants: tally.work.size,
    admitted: counts.admitted,
    queued: counts.queued,
    completed: counts.ended,
    refusals: Object.fromEntries([...tally.refusals].toSorted()),
    waitSeconds,
    waitsInOrder: { mean: isInOrder(waitSeconds, 'mean'), p99: isInOrder(waitSeconds, 'p99') },
    waitPercentiles: byClass((number) => percentilesOf(waits[`P${number}`])),
    preemptions: counts.preemptions,
    resumes: counts.resumes,
    lostWorkUSD: nanosToUsd(lost?.usd_nanos ?? 0n),
    spentUSD: nanosToUsd(spent_usd_nanos),
    utilisation: {
      cpu: mean(cpu.area, pool.cpu),
      memory: mean(memoryGb.area, pool.memoryGb),
      tasks: mean(tasks.area, pool.tasks),
    },
    peak: {
      pool: {
        cpu: peak(cpu.peak, pool.cpu),
        memoryGb: peak(memoryGb.peak, pool.memoryGb),
        tasks: peak(tasks.peak, pool.tasks),
      },
      tenant: {
        cpu: peak(peakHeld.cpu_milli / 1000, quota.cpu),
        memoryGb: peak(peakHeld.memoryGb_milli / 1000, quota.memoryGb),
        runs: peak(peakHeld.tasks, quota.runs),
      },
    },
    jainIndex: fairness(tally.work.values()),
    startEstimate: tally.backtest.read(),
    timeline: timeline.read(tally.lastEnd_ms),
    virtualSeconds: tally.lastEnd_ms / 1000,
    wallSeconds: wall_ms / 1000,
    decisions,
    decisionsPerSecond: Math.round(decisions / ((wall_ms - checking_ms) / 1000)),
    breaches,
  };
}

/** Whether the figure never falls from a class to the next one that is present. */
export function isInOrder(
  waitSeconds: Readonly<Record<ClassName, Spread | null>>,
  figure: 'mean' | 'p99',
): boolean {
  const figures = classes.flatMap((number) => waitSeconds[`P${number}`]?.[figure] ?? []);
  return figures.every((value, index) => index === 0 || value >= (figures[index - 1] ?? value));
}

function fairness(work: Iterable<{ readonly asked: number; readonly doneInTime: number }>): number | null {
  const shares = [...work]
    .filter(({ asked }) => asked > 0)
    .map(({ asked, doneInTime }) => doneInTime / asked);
  const index = jainIndex(shares);
  return index === null ? null : rounded(index);
}

function peak(used: number, limit: number | null): Peak {
  return { used, share: ratio(used, limit) };
}

function ratio(part: number, whole: number | null): number | null {
  return whole === null || whole === 0 ? null : rounded(part / whole);
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

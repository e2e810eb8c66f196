/** Two replays of one trace, figure by figure. */

import { type ClassName, classes } from './classes.ts';
import type { Report } from './report.ts';
import type { Spread } from './statistics.ts';

/** One figure before and after. */
export type Change = {
  readonly before: number | null;
  readonly after: number | null;
  /** after - before; null when one of them is. */
  readonly difference: number | null;
  /** after / before; null when one of them is null, or before is 0. */
  readonly ratio: number | null;
};

export type Comparison = {
  readonly waitSeconds: Readonly<Record<ClassName, Readonly<Record<keyof Spread, Change>> | null>>;
  readonly preemptions: Change;
  readonly lostWorkUSD: Change;
  readonly refused: Change;
  readonly utilisation: { readonly cpu: Change; readonly memory: Change };
  readonly jainIndex: Change;
  readonly virtualSeconds: Change;
};

/** The second replay, as it stands beside the first in the JSON. */
export type WhatIfReport = {
  /** What was changed, as written on the command line. */
  readonly flags: string;
  readonly report: Report;
  readonly change: Comparison;
};

export function compare(before: Report, after: Report): Comparison {
  return {
    waitSeconds: Object.fromEntries(
      classes.map((number) => {
        const name: ClassName = `P${number}`;
        return [name, spreads(before.waitSeconds[name], after.waitSeconds[name])];
      }),
    ) as Comparison['waitSeconds'],
    preemptions: change(before.preemptions, after.preemptions),
    lostWorkUSD: change(before.lostWorkUSD, after.lostWorkUSD),
    refused: change(refused(before), refused(after)),
    utilisation: {
      cpu: change(before.utilisation.cpu, after.utilisation.cpu),
      memory: change(before.utilisation.memory, after.utilisation.memory),
    },
    jainIndex: change(before.jainIndex, after.jainIndex),
    virtualSeconds: change(before.virtualSeconds, after.virtualSeconds),
  };
}

export function change(before: number | null, after: number | null): Change {
  if (before === null || after === null) return { before, after, difference: null, ratio: null };
  return {
    before,
    after,
    difference: exact(after - before),
    ratio: before === 0 ? null : exact(after / before),
  };
}

export function refused({ refusals }: Pick<Report, 'refusals'>): number {
  return Object.values(refusals).reduce((sum, count) => sum + count, 0);
}

function spreads(before: Spread | null, after: Spread | null): Record<keyof Spread, Change> | null {
  if (before === null && after === null) return null;
  const of = (name: keyof Spread): Change => change(before?.[name] ?? null, after?.[name] ?? null);
  return {
    count: of('count'),
    mean: of('mean'),
    p50: of('p50'),
    p95: of('p95'),
    p99: of('p99'),
    max: of('max'),
  };
}

/** Without the noise of binary fractions, at the exactness of money. */
function exact(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

/** A run's budget as the API shows it. Pure. */

import { nanosToUsd } from '../platform/money.ts';
import type { BudgetLevel, BudgetStatus } from './contract.ts';

/** What SQL's `budget_snapshot` returns; amounts are 1e-9 USD as text. */
export type BudgetSnapshot = {
  readonly limitNanos: string;
  readonly spentNanos: string;
  readonly heldNanos: string;
  readonly version: number;
  /** Thresholds fired under this version, in percent. */
  readonly fired: readonly number[];
  /** Its own or its tenant's warn, throttle and pause thresholds, in percent. */
  readonly percents: readonly [number, number, number];
  readonly periodStart: string | null;
  readonly periodEndsAt: string | null;
  readonly totalNanos: string;
  readonly approved: { readonly by: string; readonly reason: string; readonly at: string } | null;
};

const levels = ['warning', 'throttle', 'pause'] as const;

export function budgetStatusOf(snapshot: BudgetSnapshot): BudgetStatus {
  const limit = BigInt(snapshot.limitNanos);
  const spent = BigInt(snapshot.spentNanos);
  return {
    limitUSD: nanosToUsd(limit),
    spentUSD: nanosToUsd(spent),
    heldUSD: nanosToUsd(BigInt(snapshot.heldNanos)),
    percentUsed: Number((spent * 100_000n) / limit) / 1000,
    level: levelOf(spent, limit, snapshot.percents),
    firedThresholds: [...snapshot.fired],
    version: snapshot.version,
    totalUSD: nanosToUsd(BigInt(snapshot.totalNanos)),
    periodStart: snapshot.periodStart,
    periodEndsAt: snapshot.periodEndsAt,
    approved: snapshot.approved,
  };
}

/** The highest threshold reached by settled spend (B4), compared exactly in thousandths of a percent. */
export function levelOf(spent: bigint, limit: bigint, percents: BudgetSnapshot['percents']): BudgetLevel {
  let level: BudgetLevel = 'ok';
  for (const [index, percent] of percents.entries()) {
    if (spent * 100_000n >= limit * BigInt(Math.round(percent * 1000))) level = levels[index] ?? level;
  }
  return level;
}

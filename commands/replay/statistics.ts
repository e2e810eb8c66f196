/** Arithmetic of the report. Pure. */

export type Spread = {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

/** Percentiles by nearest rank, and the mean to three decimals; null when there is no value. */
export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const max = sorted.at(-1);
  if (max === undefined) return null;
  const total = sorted.reduce((sum, value) => sum + value, 0);
  return {
    count: sorted.length,
    mean: Math.round((total / sorted.length) * 1000) / 1000,
    p50: atRank(sorted, 50),
    p95: atRank(sorted, 95),
    p99: atRank(sorted, 99),
    max,
  };
}

/** The percentiles 0 to 100 by nearest rank, which draw the distribution; null when there is no value. */
export function percentilesOf(values: readonly number[]): number[] | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return Array.from({ length: 101 }, (_, percent) => atRank(sorted, percent));
}

function atRank(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(Math.ceil((percent / 100) * sorted.length), 1) - 1] ?? Number.NaN;
}

/** Middle value by nearest rank; null when there is none. */
export function median(values: readonly number[]): number | null {
  return values.length === 0
    ? null
    : atRank(
        values.toSorted((a, b) => a - b),
        50,
      );
}

/** Jain's fairness index: 1 when all are equal, 1/n when one has everything; null without values or when all are 0. */
export function jainIndex(values: readonly number[]): number | null {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? null : (sum * sum) / (values.length * squares);
}

export type Meter = {
  /** The level from `at_ms` on; times must not fall. */
  set(at_ms: number, level: number): void;
  readonly peak: number;
  /** Sum of level x milliseconds up to the last `set`. */
  readonly area: number;
  /** Mean level in each of `count` spans of `step_ms` from time 0; the last level lasts on. */
  means(step_ms: number, count: number): number[];
};

/** Integrates a level over time and keeps its peak and its course. */
export function createMeter(): Meter {
  const changes: { readonly at_ms: number; readonly level: number }[] = [];
  let since_ms = 0;
  let level = 0;
  let peak = 0;
  let area = 0;
  return {
    set(at_ms, next) {
      area += level * (at_ms - since_ms);
      since_ms = at_ms;
      if (next !== level) changes.push({ at_ms, level: next });
      level = next;
      peak = Math.max(peak, next);
    },
    get peak() {
      return peak;
    },
    get area() {
      return area;
    },
    means(step_ms, count) {
      const sums = Array.from({ length: count }, () => 0);
      const end_ms = step_ms * count;
      for (const [index, change] of changes.entries()) {
        const until_ms = Math.min(changes[index + 1]?.at_ms ?? end_ms, end_ms);
        for (let at_ms = change.at_ms; at_ms < until_ms; ) {
          const step = Math.floor(at_ms / step_ms);
          const next_ms = Math.min((step + 1) * step_ms, until_ms);
          sums[step] = (sums[step] ?? 0) + change.level * (next_ms - at_ms);
          at_ms = next_ms;
        }
      }
      return sums.map((sum) => sum / step_ms);
    },
  };
}

/** Arithmetic of the report. Pure. */

export type Spread = {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

/** Percentiles by nearest rank; null when there is no value. */
export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.at(-1);
  if (last === undefined) return null;
  const rank = (percent: number): number =>
    sorted[Math.max(Math.ceil((percent / 100) * sorted.length), 1) - 1] ?? last;
  return { p50: rank(50), p95: rank(95), p99: rank(99), max: last };
}

/** Jain's fairness index: 1 when all are equal, 1/n when one has everything; null without values or when all are 0. */
export function jainIndex(values: readonly number[]): number | null {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? null : (sum * sum) / (values.length * squares);
}

export type Meter = {
  /** The level from `at_ms` on. */
  set(at_ms: number, level: number): void;
  readonly peak: number;
  /** Sum of level x milliseconds up to the last `set`. */
  readonly area: number;
};

/** Integrates a level over time and keeps its peak. */
export function createMeter(): Meter {
  let since_ms = 0;
  let level = 0;
  let peak = 0;
  let area = 0;
  return {
    set(at_ms, next) {
      area += level * (at_ms - since_ms);
      since_ms = at_ms;
      level = next;
      peak = Math.max(peak, next);
    },
    get peak() {
      return peak;
    },
    get area() {
      return area;
    },
  };
}

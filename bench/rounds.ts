/** Rounds of calls that are timed side by side, so that whatever else the machine does falls on all of them alike. */

import { spreadOf } from '../commands/replay/statistics.ts';
import { StoreUnavailable } from '../shared/platform/db.ts';

export type Stopwatch = {
  /** Runs `work` and notes how long it took under `name`. */
  time<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Notes a time taken elsewhere, in milliseconds. */
  note(name: string, took_ms: number): void;
};

export type Measure = {
  readonly name: string;
  readonly median_ms: number;
  readonly p95_ms: number;
  readonly samples: number;
};

export type Measured = {
  readonly measures: readonly Measure[];
  /** The call that was not answered within the time limit of a statement, which ended the rounds; null = none. */
  readonly gaveUpOn: string | null;
};

export type RoundsOptions = {
  readonly samples: number;
  /** No further round starts after this time. */
  readonly seconds: number;
};

/** Rounds that are run first and not counted: connections, plan caches and the buffer cache settle. */
const warmUps = 8;

/** Repeats `round` and sums up what it timed, in the order in which names came up. */
export async function measureRounds(
  { samples, seconds }: RoundsOptions,
  round: (watch: Stopwatch, index: number) => Promise<void>,
): Promise<Measured> {
  const taken_ms = new Map<string, number[]>();
  let last = 'the first call';
  const watch: Stopwatch = {
    async time(name, work) {
      last = name;
      const started_ms = performance.now();
      const result = await work();
      watch.note(name, performance.now() - started_ms);
      return result;
    },
    note(name, took_ms) {
      const list = taken_ms.get(name);
      if (list === undefined) taken_ms.set(name, [took_ms]);
      else list.push(took_ms);
    },
  };
  const measured = (gaveUpOn: string | null): Measured => ({
    measures: [...taken_ms].map(([name, list_ms]) => measureOf(name, list_ms)),
    gaveUpOn,
  });
  const started_ms = performance.now();
  const passed_seconds = () => (performance.now() - started_ms) / 1000;
  let index = 0;
  try {
    // Rounds that take seconds need no eight of them to warm up.
    while (index < warmUps && passed_seconds() < seconds / 8) {
      await round(watch, index);
      index += 1;
    }
    taken_ms.clear();
    const end = index + samples;
    do {
      await round(watch, index);
      index += 1;
    } while (index < end && passed_seconds() < seconds);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return measured(last);
  }
  return measured(null);
}

function measureOf(name: string, list_ms: readonly number[]): Measure {
  const spread = spreadOf(list_ms);
  if (spread === null) throw new Error(`nothing was timed under ${name}`);
  return { name, median_ms: spread.p50, p95_ms: spread.p95, samples: list_ms.length };
}

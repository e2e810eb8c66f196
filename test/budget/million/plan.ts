/**
 * What happens in the test of a million events, drawn from a seed: reports with repeats of every kind, late events and
 * corrections, and what operators and runners do meanwhile. Which of two calls at the same time comes first is not drawn,
 * and must not matter.
 */

import type { Random } from '../random.ts';
import type { CostInput } from '../world.ts';
import { type Cast, late_max_ms, richRun, span } from './cast.ts';

/** Distinct events, each a place in every list. */
export type Ledger = {
  readonly run: Uint16Array;
  readonly nanos: BigInt64Array;
  /** Never after the call that brings it: what is reported has occurred. */
  readonly occurred_ms: Float64Array;
  /** Which of the run's tasks it names; 255 = none. */
  readonly task: Uint8Array;
  /** The first step that brings it. */
  readonly step: Uint32Array;
  /** How many there are. */
  count: number;
};

export const noTask = 255;

export function emptyLedger(size: number): Ledger {
  return {
    run: new Uint16Array(size),
    nanos: new BigInt64Array(size),
    occurred_ms: new Float64Array(size),
    task: new Uint8Array(size),
    step: new Uint32Array(size),
    count: 0,
  };
}

type At = {
  readonly step: number;
  readonly now_ms: number;
  /** The clock moves on before this step, and what is under way is answered first; else it moves while calls are under way. */
  readonly calm: boolean;
};
export type Report = At & {
  readonly kind: 'report';
  readonly run: number;
  readonly events: readonly CostInput[];
  /** Must have been answered before this one is sent; -1 = none. */
  readonly after: number;
  /** Events that no run can book. */
  readonly bad: number;
};
export type Step =
  | Report
  | (At & { readonly kind: 'sweep' | 'act' })
  | (At & { readonly kind: 'complete' | 'further'; readonly run: number })
  | (At & { readonly kind: 'raise'; readonly run: number; readonly factor: number })
  | (At & { readonly kind: 'move'; readonly tenant: number; readonly orgId: string | null });

/** Of the events sent, those that repeat an earlier one are about so many. */
const repeats = { inBatch: 0.02, earlier: 0.045, twin: 0.035 };

/** A step back of so many is surely answered, or waited for. */
const surelyEarlier_steps = 50;

/** @returns the steps, in order, while they bring `count` events; fills `ledger` on the way */
export function* stepsOf(random: Random, cast: Cast, ledger: Ledger, count: number): Generator<Step> {
  const moments = momentsOf(random, Math.max(Math.floor(count / 2500), 60));
  const eventsOf: number[][] = cast.runs.map(() => []);
  const isHot = (): boolean => random.chance(0.15);
  let step = 0;
  let sent = 0;
  let place = 0;
  const next = (): At => {
    const before = place;
    place = Math.min(Math.floor((sent / count) * moments.length), moments.length - 1);
    const calm = place !== before && random.chance(0.7);
    return { step: step++, now_ms: moments[place] ?? span.until, calm };
  };
  while (sent < count) {
    const at = next();
    const run = isHot() ? 7 : random.whole(0, cast.runs.length - 1);
    const size = Math.min(
      random.chance(0.2) ? Math.floor(random.magnitude(1, 100)) : random.whole(1, 500),
      count - sent,
    );
    const report = reportOf(random, cast, ledger, { ...at, run, size, known: eventsOf[run] ?? [] });
    sent += report.events.length;
    yield report;
    if (random.chance(repeats.twin) && sent + report.events.length <= count) {
      sent += report.events.length;
      yield { ...report, step: step++, calm: false };
    }
    if (random.chance(0.12)) yield besides(random, cast, next());
  }
}

/** Moments that the clock goes through: some at random, and the last and first ones of days in every zone. */
function momentsOf(random: Random, count: number): number[] {
  const hour_ms = 3_600_000;
  const drawn = Array.from({ length: count }, () => {
    const at_ms = random.whole(span.from, span.until);
    // All offsets of the zones in use are multiples of half an hour, so that some of these are midnights.
    const turn_ms = Math.floor(at_ms / (hour_ms / 2)) * (hour_ms / 2);
    return random.pick([at_ms, at_ms, turn_ms, turn_ms - 1]);
  });
  return drawn.filter((at_ms) => at_ms >= span.from).sort((a, b) => a - b);
}

function besides(random: Random, cast: Cast, at: At): Step {
  const run = random.whole(0, cast.runs.length - 1);
  const kind = random.pick([
    'sweep',
    'sweep',
    'act',
    'raise',
    'raise',
    'further',
    'complete',
    'move',
  ] as const);
  switch (kind) {
    case 'raise':
      return { ...at, kind, run, factor: 1 + random.share() };
    case 'complete':
    case 'further':
      return { ...at, kind, run };
    case 'move': {
      const orgId = random.pick([null, ...cast.orgs.map((org) => org.orgId)]);
      return { ...at, kind, tenant: random.whole(1, cast.tenants.length - 1), orgId };
    }
    default:
      return { ...at, kind };
  }
}

type Drawing = At & { readonly run: number; readonly size: number; readonly known: number[] };

function reportOf(random: Random, cast: Cast, ledger: Ledger, drawing: Drawing): Report {
  const { step, now_ms, calm, run, size, known } = drawing;
  const events: CostInput[] = [];
  let after = -1;
  let bad = 0;
  const fresh = (nanos: bigint, occurred_ms: number): void => {
    const event = ledger.count++;
    const task = random.pick([noTask, 0, 0, 1]);
    ledger.run[event] = run;
    ledger.nanos[event] = nanos;
    ledger.occurred_ms[event] = Math.min(occurred_ms, now_ms);
    ledger.task[event] = task;
    ledger.step[event] = step;
    events.push({ ...sentAgain(cast, ledger, event), occurredAt: new Date(occurred_ms).toISOString() });
  };
  const firstOfReport = ledger.count;
  while (events.length < size) {
    const draw = random.share();
    if (draw < repeats.inBatch && ledger.count > firstOfReport) {
      events.push(altered(sentAgain(cast, ledger, random.whole(firstOfReport, ledger.count - 1))));
    } else if (draw < repeats.inBatch + repeats.earlier && known.length > 0) {
      const event = random.pick(known);
      const isOld = (ledger.step[event] ?? 0) < step - surelyEarlier_steps;
      if (isOld) after = Math.max(after, ledger.step[event] ?? -1);
      // Of two at the same time either may win; of one that is booked already nothing changes.
      const again = sentAgain(cast, ledger, event);
      events.push(isOld ? altered(again) : again);
    } else if (draw < 0.07) {
      bad += 1;
      events.push(unbookable(random, `bad-${step}-${events.length}`));
    } else if (run === richRun && draw < 0.08 && events.length + 2 <= size) {
      const nanos = 9_007_199_000_000_000n + BigInt(random.whole(0, 999_999_999));
      fresh(nanos, now_ms);
      fresh(-nanos, now_ms);
    } else {
      fresh(amountOf(random, ledger, known), occurrenceOf(random, now_ms));
    }
  }
  for (let event = firstOfReport; event < ledger.count; event += 1) known.push(event);
  return { kind: 'report', step, now_ms, calm, run, events, after, bad };
}

/** From 1e-9 to 10 USD; some corrections, half of which take an earlier event back. */
function amountOf(random: Random, ledger: Ledger, known: readonly number[]): bigint {
  const nanos = BigInt(Math.floor(random.magnitude(1, 10_000_000_000)));
  if (!random.chance(0.04)) return nanos;
  const earlier = known.length > 0 && random.chance(0.5) ? ledger.nanos[random.pick(known)] : undefined;
  return earlier !== undefined && earlier > 0n ? -earlier : -nanos;
}

function occurrenceOf(random: Random, now_ms: number): number {
  const draw = random.share();
  if (draw < 0.5) return now_ms;
  if (draw < 0.8) return now_ms - random.whole(0, 600_000);
  const late_ms = now_ms - random.whole(0, late_max_ms);
  const halfHour_ms = 1_800_000;
  if (draw < 0.9) return late_ms;
  // First and last moments of days in all zones are among these.
  if (draw < 0.96) return Math.floor(late_ms / halfHour_ms) * halfHour_ms - random.whole(0, 1);
  return now_ms + random.whole(1, late_max_ms);
}

/** The event as it is or was sent. */
function sentAgain(cast: Cast, ledger: Ledger, event: number): CostInput {
  const nanos = ledger.nanos[event] ?? 0n;
  const task = ledger.task[event] ?? noTask;
  const taskId = cast.runs[ledger.run[event] ?? 0]?.taskIds[task];
  return {
    eventId: `e${event}`,
    // Text of its digits, as a caller writes it: amounts of 16 digits are no doubles.
    costUSD: usdOf(nanos) as number,
    occurredAt: new Date(ledger.occurred_ms[event] ?? 0).toISOString(),
    ...(taskId === undefined ? {} : { taskId }),
    ...(nanos < 0n ? { kind: 'correction' } : {}),
  };
}

const rawJson = JSON as typeof JSON & { rawJSON(text: string): unknown };

function usdOf(nanos: bigint): unknown {
  const size = nanos < 0n ? -nanos : nanos;
  const text = `${nanos < 0n ? '-' : ''}${size / 1_000_000_000n}.${String(size % 1_000_000_000n).padStart(9, '0')}`;
  return rawJson.rawJSON(text);
}

/** The same id with another amount: the first one counts. */
function altered(event: CostInput): CostInput {
  return { ...event, kind: 'correction', costUSD: -777.77 };
}

function unbookable(random: Random, eventId: string): CostInput {
  return random.pick([
    { eventId, costUSD: -1 },
    { eventId, costUSD: 1, taskId: 'of-nobody' },
    { eventId, costUSD: 1, stray: true },
    { eventId },
  ]);
}

/**
 * When periods begin (B8), by JavaScript's own time zones (Intl) and a list of dates: nothing of the store's calendar, which
 * it is held against. For zones whose clocks do not change at midnight.
 */

import type { StoredPeriod } from '../../../shared/budget/terms.ts';

export type Calendar = {
  /** The first moment of the period that holds `at_ms`; 0 without periods. */
  readonly start: (at_ms: number) => number;
  /** The first moment of the next one; infinity without periods. */
  readonly end: (at_ms: number) => number;
};

/** Days of which a calendar must know, around any moment that is asked for. */
const day_ms = 86_400_000;
const margin_ms = 40 * day_ms;

/** Knows the periods of moments from `from_ms` to `until_ms`. */
export function calendarOf(period: StoredPeriod, from_ms: number, until_ms: number): Calendar {
  if (period.kind === 'none') return { start: () => 0, end: () => Number.POSITIVE_INFINITY };
  const starts = startsOf(period, from_ms - margin_ms, until_ms + margin_ms);
  const place = (at_ms: number): number => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? Number.POSITIVE_INFINITY) <= at_ms) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  const nth = (number: number): number => {
    const start = starts[number];
    if (start === undefined) throw new Error('the calendar was made for other times');
    return start;
  };
  return { start: (at_ms) => nth(place(at_ms)), end: (at_ms) => nth(place(at_ms) + 1) };
}

/** First moments of all periods that begin between the two times. */
function startsOf(period: StoredPeriod, from_ms: number, until_ms: number): number[] {
  const zone = period.timeZone ?? 'UTC';
  const starts: number[] = [];
  const add = (local_ms: number) => {
    const start = momentOf(local_ms, zone);
    if (start >= from_ms && start <= until_ms) starts.push(start);
  };
  if (period.kind === 'anchored') {
    const anchor = new Date(localOf(Date.parse(period.anchor ?? ''), zone));
    for (let number = 0; number < 10_000; number += 1) {
      const local_ms = afterAnchor(anchor, number, period);
      if (local_ms > until_ms + day_ms) break;
      add(local_ms);
    }
    return starts;
  }
  const firstDay = Math.floor(from_ms / day_ms) * day_ms;
  for (let local_ms = firstDay; local_ms <= until_ms + day_ms; local_ms += day_ms) {
    const date = new Date(local_ms);
    const begins =
      period.kind === 'day' ||
      (period.kind === 'week' && date.getUTCDay() === 1) ||
      (period.kind === 'month' && date.getUTCDate() === 1);
    if (begins) add(local_ms);
  }
  return starts;
}

/** The wall clock of the nth period after an anchor's wall clock: the 31st is the last day of a shorter month. */
function afterAnchor(anchor: Date, number: number, { everyDays, everyMonths = 1 }: StoredPeriod): number {
  if (everyDays !== undefined) return anchor.getTime() + number * everyDays * day_ms;
  const year = anchor.getUTCFullYear();
  const month = anchor.getUTCMonth() + number * everyMonths;
  const daysOfMonth = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const midnight = Date.UTC(year, month, Math.min(anchor.getUTCDate(), daysOfMonth));
  return midnight + (anchor.getTime() % day_ms);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of a zone show, as if it were UTC. */
function localOf(at_ms: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-u-hc-h23', {
      timeZone,
      ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
    formats.set(timeZone, format);
  }
  const part = Object.fromEntries(
    format.formatToParts(at_ms).map(({ type, value }) => [type, Number(value)]),
  ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number>;
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
}

/** The moment at which the clocks of a zone show that. */
function momentOf(local_ms: number, timeZone: string): number {
  const offsetAt = (at_ms: number) => localOf(at_ms, timeZone) - at_ms;
  const guess = local_ms - offsetAt(local_ms);
  return local_ms - offsetAt(guess);
}

/** What any budget has beside its limit: a period after which it begins anew (B8), and thresholds (B4). */

import * as z from 'zod';
import { instant } from '../platform/schema.ts';

/**
 * A zone's own name. Offsets such as +02:00 are not taken: the database and JavaScript read their sign differently. Nor are
 * names without a place: the database reads CET or EET as an abbreviation, an offset without summer time.
 */
const timeZone = z
  .string()
  .max(64)
  .refine(
    isTimeZone,
    'must be UTC, or a time zone by its IANA name with area and place, such as Europe/Berlin',
  );

/** JavaScript knows it and the database does not. */
const unknownToDatabase = 'us/pacific-new';

function isTimeZone(name: string): boolean {
  if (!/^([A-Za-z_]+\/.+|UTC)$/.test(name) || name.toLowerCase() === unknownToDatabase) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The members of a budget that say when it begins anew. Days, weeks (from Monday) and months begin at midnight in `timeZone`
 * (UTC); an anchored period begins at `anchor` and every `everyDays` days or `everyMonths` months (1) after it, on that
 * zone's calendar.
 */
export const periodMembers = {
  period: z.enum(['none', 'day', 'week', 'month', 'anchored']).optional(),
  timeZone: timeZone.optional(),
  anchor: instant.optional(),
  everyDays: z.int().min(1).max(3660).optional(),
  everyMonths: z.int().min(1).max(120).optional(),
};

export type PeriodMembers = {
  readonly period?: 'none' | 'day' | 'week' | 'month' | 'anchored' | undefined;
  readonly timeZone?: string | undefined;
  readonly anchor?: string | undefined;
  readonly everyDays?: number | undefined;
  readonly everyMonths?: number | undefined;
};

/** Refines an object with `periodMembers`: the members must fit together. */
export function checkPeriod(context: z.core.ParsePayload<PeriodMembers>): void {
  const { period, timeZone: zone, anchor, everyDays, everyMonths } = context.value;
  const refuse = (member: string, message: string) =>
    context.issues.push({ code: 'custom', path: [member], message, input: context.value });
  if (zone !== undefined && (period === undefined || period === 'none'))
    refuse('timeZone', 'give it with a period of day, week, month or anchored');
  if (period === 'anchored' && anchor === undefined) refuse('anchor', 'an anchored period needs it');
  if (period === 'anchored' && everyDays !== undefined && everyMonths !== undefined)
    refuse('everyDays', 'give everyDays or everyMonths, not both');
  if (period === 'anchored') return;
  for (const [member, value] of Object.entries({ anchor, everyDays, everyMonths })) {
    if (value !== undefined) refuse(member, 'only an anchored period has it');
  }
}

/** As the store keeps it, and as SQL's `period_number` reads it. */
export type StoredPeriod = {
  readonly kind: NonNullable<PeriodMembers['period']>;
  readonly timeZone?: string;
  readonly anchor?: string;
  readonly everyDays?: number;
  readonly everyMonths?: number;
};

/** Undefined when no period was given: what was stays. */
export function storedPeriod({ period, ...given }: PeriodMembers): StoredPeriod | undefined {
  if (period === undefined) return undefined;
  if (period === 'none') return { kind: period };
  const zone = { timeZone: given.timeZone ?? 'UTC' };
  if (period !== 'anchored' || given.anchor === undefined) return { kind: period, ...zone };
  return {
    kind: period,
    ...zone,
    anchor: new Date(given.anchor).toISOString(),
    ...(given.everyDays === undefined
      ? { everyMonths: given.everyMonths ?? 1 }
      : { everyDays: given.everyDays }),
  };
}

/** As answers show it: the members with which it would be set. */
export function shownPeriod({ kind, ...rest }: StoredPeriod): PeriodMembers {
  return { period: kind, ...rest };
}

/** Percent of a budget, with at most three decimals, as the store keeps it. */
const percentUpTo = (max: number) =>
  z
    .number()
    .positive()
    .max(max)
    .refine((value) => Number(value.toFixed(3)) === value, 'must have at most 3 decimals');
const percent = percentUpTo(100);

/** Percent of the budget, rising; what is not given stays. `alerts` only tell, above 100 too, and do nothing else. */
export const thresholds = z
  .strictObject({
    warn: percent.optional(),
    throttle: percent.optional(),
    pause: percent.optional(),
    alerts: z
      .array(percentUpTo(999))
      .max(10)
      .refine((percents) => new Set(percents).size === percents.length, 'must not name one twice')
      .optional(),
  })
  .refine(({ warn, throttle, pause }) => isRising([warn, throttle, pause]), {
    error: 'must rise: warn below throttle below pause',
  });
export type Thresholds = z.infer<typeof thresholds>;

function isRising(values: readonly (number | undefined)[]): boolean {
  const given = values.filter((value) => value !== undefined);
  return given.every((value, index) => index === 0 || value > (given[index - 1] ?? value));
}

/** A run's own: all three, since they are not mixed with its tenant's. */
export const runThresholds = z
  .strictObject({
    warn: percent,
    throttle: percent,
    pause: percent,
    alerts: z.array(percentUpTo(999)).max(10).optional(),
  })
  .refine(({ warn, throttle, pause }) => isRising([warn, throttle, pause]), {
    error: 'must rise: warn below throttle below pause',
  });

/** Warn, throttle and pause as they are before a change. */
export type Percents = { readonly warn: number; readonly throttle: number; readonly pause: number };

/** Whether a change that leaves some of them out keeps them rising. */
export function keepsRising(given: Thresholds, current: Percents): boolean {
  return isRising([
    given.warn ?? current.warn,
    given.throttle ?? current.throttle,
    given.pause ?? current.pause,
  ]);
}

/** When a budget's period begins and ends (B8): calendars, time zones and anchors, on paper and for any instant. */

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StoredPeriod } from '../../shared/budget/terms.ts';
import { json } from '../../shared/platform/db.ts';
import { withDatabase } from '../setup/database.ts';

const database = withDatabase();

async function periodAt(period: StoredPeriod, at: string): Promise<[string | null, string | null]> {
  const [row] = await database.app.query<{ start: string | null; end: string | null }>(
    'select iso_time(period_start($1, $2)) as start, iso_time(period_end($1, $2)) as end',
    [json(period), at],
  );
  return [row?.start ?? null, row?.end ?? null];
}

const utc = 'UTC';
const berlin = 'Europe/Berlin';

test.each<[string, StoredPeriod, string, string, string]>([
  [
    'a day',
    { kind: 'day', timeZone: utc },
    '2026-03-31T23:59:59.999Z',
    '2026-03-31T00:00Z',
    '2026-04-01T00:00Z',
  ],
  [
    'its first moment',
    { kind: 'day', timeZone: utc },
    '2026-04-01T00:00Z',
    '2026-04-01T00:00Z',
    '2026-04-02T00:00Z',
  ],
  [
    'a week, which begins on Monday',
    { kind: 'week', timeZone: utc },
    '2026-03-15T23:59:59.999Z', // a Sunday
    '2026-03-09T00:00Z',
    '2026-03-16T00:00Z',
  ],
  [
    'a month',
    { kind: 'month', timeZone: utc },
    '2024-02-29T12:00Z',
    '2024-02-01T00:00Z',
    '2024-03-01T00:00Z',
  ],
  [
    'a month before 1970',
    { kind: 'month', timeZone: utc },
    '1969-12-31T23:00Z',
    '1969-12-01T00:00Z',
    '1970-01-01T00:00Z',
  ],
  // Central European time is an hour ahead of UTC, two from 29 March 2026 on.
  [
    'a day elsewhere',
    { kind: 'day', timeZone: berlin },
    '2026-01-10T23:00Z',
    '2026-01-10T23:00Z',
    '2026-01-11T23:00Z',
  ],
  [
    'the day of 23 hours on which clocks go forward',
    { kind: 'day', timeZone: berlin },
    '2026-03-29T12:00Z',
    '2026-03-28T23:00Z',
    '2026-03-29T22:00Z',
  ],
  [
    'the day of 25 hours on which they go back',
    { kind: 'day', timeZone: berlin },
    '2026-10-25T22:59:59Z',
    '2026-10-24T22:00Z',
    '2026-10-25T23:00Z',
  ],
  [
    'a month that begins in winter time and ends in summer time',
    { kind: 'month', timeZone: berlin },
    '2026-03-31T21:59:59.999Z',
    '2026-02-28T23:00Z',
    '2026-03-31T22:00Z',
  ],
  [
    'a zone a quarter of an hour off',
    { kind: 'day', timeZone: 'Asia/Kathmandu' },
    '2026-05-01T18:15Z',
    '2026-05-01T18:15Z',
    '2026-05-02T18:15Z',
  ],
  [
    'an invoice month from the 31st: the last day of a shorter month',
    { kind: 'anchored', timeZone: utc, anchor: '2026-01-31T12:00:00.000Z', everyMonths: 1 },
    '2026-02-28T12:00Z',
    '2026-02-28T12:00Z',
    '2026-03-31T12:00Z',
  ],
  [
    'the moment before it',
    { kind: 'anchored', timeZone: utc, anchor: '2026-01-31T12:00:00.000Z', everyMonths: 1 },
    '2026-02-28T11:59:59.999Z',
    '2026-01-31T12:00Z',
    '2026-02-28T12:00Z',
  ],
  [
    'before the anchor, periods go back',
    { kind: 'anchored', timeZone: utc, anchor: '2026-01-31T12:00:00.000Z', everyMonths: 3 },
    '2026-01-01T00:00Z',
    '2025-10-31T12:00Z',
    '2026-01-31T12:00Z',
  ],
  [
    'every ten days',
    { kind: 'anchored', timeZone: utc, anchor: '2026-01-01T06:00:00.000Z', everyDays: 10 },
    '2026-01-21T05:00Z',
    '2026-01-11T06:00Z',
    '2026-01-21T06:00Z',
  ],
  [
    'an anchor in the hour that comes twice means the later one, once',
    { kind: 'anchored', timeZone: berlin, anchor: '2026-07-25T00:30:00.000Z', everyMonths: 1 }, // 02:30 there
    '2026-10-25T01:00Z', // 02:00 for the second time
    '2026-09-25T00:30Z',
    '2026-10-25T01:30Z',
  ],
])('%s', async (_name, period, at, start, end) => {
  expect(await periodAt(period, at)).toEqual([new Date(start).toISOString(), new Date(end).toISOString()]);
});

test('without a period there is one, without end', async () => {
  expect(await periodAt({ kind: 'none' }, '2026-01-01T00:00Z')).toEqual(['1970-01-01T00:00:00.000Z', null]);
});

const periods = fc.oneof(
  fc.record({
    kind: fc.constantFrom('day', 'week', 'month') as fc.Arbitrary<'day' | 'week' | 'month'>,
    timeZone: fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/Sao_Paulo',
      'Australia/Lord_Howe',
      'Pacific/Apia',
      'Africa/Cairo',
    ),
  }),
  fc.record({
    kind: fc.constant('anchored' as const),
    timeZone: fc.constantFrom('UTC', 'America/New_York', 'Asia/Kathmandu', 'Africa/Cairo'),
    anchor: fc
      .date({ min: new Date('1990-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
    everyMonths: fc.integer({ min: 1, max: 18 }),
  }),
  fc.record({
    kind: fc.constant('anchored' as const),
    timeZone: fc.constantFrom('UTC', 'America/New_York', 'America/Sao_Paulo'),
    anchor: fc
      .date({ min: new Date('1990-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
    everyDays: fc.integer({ min: 1, max: 400 }),
  }),
);

test('any instant is in one period: at or after its start, before its end, and the end starts the next', async () => {
  await fc.assert(
    fc.asyncProperty(
      periods,
      fc.date({ min: new Date('1995-01-01'), max: new Date('2045-01-01'), noInvalidDate: true }),
      async (period, at) => {
        const [start, end] = await periodAt(period, at.toISOString());
        if (start === null || end === null) throw new Error('no period');
        expect(start <= at.toISOString() && at.toISOString() < end).toBe(true);
        expect((await periodAt(period, end))[0]).toBe(end);
        const lastMoment = new Date(Date.parse(end) - 1).toISOString();
        expect(await periodAt(period, lastMoment)).toEqual([start, end]);
      },
    ),
    { numRuns: 300 },
  );
});

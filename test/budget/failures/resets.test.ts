/** Budgets that begin anew at the wrong hour, or never (B4, B8): a period is computed from the time, by whoever looks. */

import { afterEach, describe, expect } from '@jest/globals';
import { testStart } from '../../setup/api.ts';
import { withDatabase } from '../../setup/database.ts';
import { expectNoDrift, worldOf } from '../world.ts';
import { failureTable } from './failure-table.ts';
import { budgetAt, levels } from './levels.ts';

const failures = failureTable(import.meta.filename, 'Resets at the wrong hour', {
  never: {
    seenAt: ['litellm #20532', 'litellm #25495'],
    happened: 'The job that resets budgets forgets organisations: once over, they are blocked for good',
    here: 'no job comes: refused in the last millisecond of a period, admitted in the first of the next',
  },
  tooEarly: {
    seenAt: ['litellm #22013'],
    happened: 'A reset date that is missing counts as one that has passed, and the budget is reset at once',
    here: 'a budget without a period is never reset, and a new one with a period not before its first end',
  },
  offset: {
    seenAt: ['litellm #38938', 'litellm #34896'],
    happened: 'With a time zone set, the reset comes late by its offset: nine hours in Tokyo',
    here: 'midnight is that of its own time zone, in summer and in winter',
  },
  firstRequest: {
    seenAt: ['litellm #10288'],
    happened: 'The day of a budget begins with its first request: at 15:43',
    here: 'a day begins at midnight whenever the first cost came',
  },
  stampede: {
    seenAt: ['litellm #25495'],
    happened: 'Spending is set to zero by a job, beside reports that are being added: some of them are lost',
    here: 'reports on both sides of midnight, all at once, are counted each in its own day, and the alerts too',
  },
});

const database = withDatabase();
const world = worldOf(database);
const { api } = world;

afterEach(async () => {
  await expectNoDrift(database);
  expect(await database.app.query('select * from counter_drift(null)')).toEqual([]);
  api.at(testStart);
});

const at = (time: string) => api.at(new Date(time));

/** Local midnights, as the zones' offsets of those days say. */
const midnights = [
  ['Asia/Tokyo', '2026-07-31T15:00:00.000Z', 'nine hours ahead'],
  ['America/New_York', '2026-01-15T05:00:00.000Z', 'five hours behind, in winter'],
  ['America/New_York', '2026-07-15T04:00:00.000Z', 'four hours behind, in summer'],
  ['Asia/Kolkata', '2026-05-01T18:30:00.000Z', 'half an hour more'],
  ['Pacific/Auckland', '2026-09-26T12:00:00.000Z', 'the night before its clocks go forward'],
  ['Pacific/Auckland', '2026-09-27T11:00:00.000Z', 'the night after'],
] as const;

const before = (instant: string) => new Date(Date.parse(instant) - 1);
const hoursBefore = (instant: string, hours: number) => new Date(Date.parse(instant) - hours * 3_600_000);

describe.each(levels)('%s', (level) => {
  failures.test(
    'never',
    async () => {
      at('2026-03-11T09:00:00.000Z');
      const { spend, ask, money } = await budgetAt(level, world, database, `never-${level}`, 100, {
        period: 'day',
      });
      await spend(99);
      at('2026-03-11T23:59:59.999Z');
      expect((await ask('last')).status).toBe(402);
      expect(await money()).toMatchObject({ spentUSD: 99 });
      at('2026-03-12T00:00:00.000Z');
      expect(await money()).toMatchObject({ spentUSD: 0 });
      expect((await ask('first')).status).toBe(201);
      // And after a year of silence.
      at('2027-03-12T00:00:00.000Z');
      expect((await ask('later')).status).toBe(201);
    },
    level,
  );

  failures.test(
    'tooEarly',
    async () => {
      at('2026-03-31T23:59:59.999Z');
      const endless = await budgetAt(level, world, database, `none-${level}`, 100, { period: 'none' });
      await endless.spend(99);
      const anchored = { period: 'anchored', anchor: '2026-03-31T12:00:00.000Z', everyDays: 30 };
      const monthly = await budgetAt(level, world, database, `anchored-${level}`, 100, anchored);
      await monthly.spend(99);
      for (const time of ['2026-04-01T00:00:00.000Z', '2026-04-30T11:59:59.999Z']) {
        at(time);
        expect((await endless.ask(`at-${time.slice(0, 10)}`)).status).toBe(402);
        expect((await monthly.ask(`at-${time.slice(0, 10)}`)).status).toBe(402);
      }
      at('2026-04-30T12:00:00.000Z');
      expect((await monthly.ask('anew')).status).toBe(201);
      at('2036-01-01T00:00:00.000Z');
      expect((await endless.ask('never')).status).toBe(402);
    },
    level,
  );

  failures.test(
    'offset',
    async () => {
      for (const [index, [timeZone, midnight, why]] of midnights.entries()) {
        api.at(hoursBefore(midnight, 3));
        const name = `zone-${level}-${index}`;
        const terms = { period: 'day', timeZone };
        const { spend, ask, money } = await budgetAt(level, world, database, name, 100, terms);
        await spend(99);
        api.at(before(midnight));
        expect({ why, status: (await ask('late')).status }).toEqual({ why, status: 402 });
        api.at(new Date(midnight));
        expect({ why, ...(await money()) }).toMatchObject({ why, spentUSD: 0 });
        expect({ why, status: (await ask('anew')).status }).toEqual({ why, status: 201 });
      }
    },
    level,
  );

  failures.test(
    'firstRequest',
    async () => {
      at('2026-03-10T08:00:00.000Z');
      const { spend, money } = await budgetAt(level, world, database, `first-${level}`, 100, {
        period: 'day',
      });
      at('2026-03-10T15:43:00.000Z');
      await spend(30);
      at('2026-03-11T00:00:00.000Z');
      await spend(1);
      at('2026-03-11T15:43:00.000Z');
      expect(await money()).toMatchObject({ spentUSD: 1 });
    },
    level,
  );

  failures.test(
    'stampede',
    async () => {
      const midnight = '2026-03-11T00:00:00.000Z';
      api.at(before(midnight));
      const { spend, money, alerts } = await budgetAt(level, world, database, `rush-${level}`, 100, {
        period: 'day',
      });
      await spend(45);
      api.at(new Date(midnight));
      const old = { occurredAt: before(midnight).toISOString() };
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          spend(1.5, index % 2 === 0 ? old : { occurredAt: midnight }),
        ),
      );
      // 45 and 30 of the old day, 30 of the new one: late costs alert nobody today (B8).
      expect(await money()).toMatchObject({ spentUSD: 30 });
      await spend(20);
      expect(await alerts()).toEqual([50]);
      api.at(before(midnight));
      const total = await database.app.query(
        `select sum(cost_usd_nanos)::bigint as nanos from cost_events where tenant_id like $1`,
        [`rush-${level}%`],
      );
      expect(total).toEqual([{ nanos: 125_000_000_000n }]);
    },
    level,
  );
});

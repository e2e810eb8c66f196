/** Who spends in the test of a million events: organisations, their tenants, and their runs, each with a period of its own. */

import type { PeriodMembers } from '../../../shared/budget/terms.ts';
import type { Random } from '../random.ts';

export type Org = { readonly orgId: string; readonly period: PeriodMembers; readonly limitUSD: number };
export type Tenant = {
  readonly tenantId: string;
  readonly period: PeriodMembers;
  /** Null = no bound. */
  readonly limitUSD: number | null;
  /** Where it begins; it may move. */
  readonly orgId: string | null;
};
export type Run = {
  readonly tenantId: string;
  readonly runId: string;
  readonly period: PeriodMembers;
  readonly limitUSD: number;
  /** The first has the run's id. */
  readonly taskIds: readonly [string, string];
};
export type Cast = {
  readonly orgs: readonly Org[];
  readonly tenants: readonly Tenant[];
  readonly runs: readonly Run[];
};

/**
 * The clock's way: far enough ahead that the database's own clock, which the views ask, sees none of the periods as over;
 * over the days on which clocks change in New York (9 March), Berlin (30 March) and Auckland (6 April).
 */
export const span = { from: Date.parse('2036-03-03T10:00:00Z'), until: Date.parse('2036-04-12T10:00:00Z') };

/** How far back a late event may lie. */
export const late_max_ms = 15 * 86_400_000;

const periods: readonly PeriodMembers[] = [
  { period: 'none' },
  { period: 'day', timeZone: 'Europe/Berlin' },
  { period: 'month', timeZone: 'America/New_York' },
  { period: 'week', timeZone: 'Asia/Tokyo' },
  { period: 'anchored', timeZone: 'Asia/Kolkata', anchor: '2035-12-30T20:15:00Z', everyDays: 10 },
  { period: 'day', timeZone: 'Pacific/Auckland' },
  { period: 'anchored', timeZone: 'Europe/Berlin', anchor: '2035-12-31T11:30:00Z', everyMonths: 1 },
];

const runsOfTenant = 5;

/** The run without bounds above it, in which amounts of 16 digits appear and are taken back. */
export const richRun = 0;

/** @param expected_usd what all runs together will spend, so that limits are reached by some and not by others */
export function castOf(random: Random, expected_usd: number): Cast {
  /** Of what would be spent in a period, from far too little to more than enough; in whole cents. */
  const limit = (share: number, { period }: PeriodMembers): number => {
    const periodsOfSpan = { none: 1, day: 40, week: 6, month: 2, anchored: 3 }[period ?? 'none'];
    const usd = (expected_usd * share * random.magnitude(0.3, 3)) / periodsOfSpan;
    return Math.max(Math.round(usd * 100) / 100, 0.01);
  };
  const orgs = [
    { orgId: 'north', period: { period: 'month', timeZone: 'UTC' } },
    { orgId: 'south', period: { period: 'day', timeZone: 'Pacific/Auckland' } },
    { orgId: 'west', period: { period: 'week', timeZone: 'America/New_York' } },
  ] as const;
  const homes = [null, 'north', 'north', 'south', 'south', 'west', null, 'west'];
  const tenants = homes.map((orgId, index) => {
    const period = periods[index % periods.length] ?? {};
    return {
      tenantId: `t${index}`,
      orgId,
      period,
      limitUSD: index === 0 ? null : limit(1 / homes.length, period),
    };
  });
  const runs = tenants.flatMap(({ tenantId }, tenant) =>
    Array.from({ length: runsOfTenant }, (_, index) => {
      const runId = `r${tenant}-${index}`;
      const period = periods[(tenant + index) % periods.length] ?? {};
      const limitUSD = limit(1 / (homes.length * runsOfTenant), period);
      return { tenantId, runId, period, limitUSD, taskIds: [runId, `${runId}-second`] as const };
    }),
  );
  return {
    orgs: orgs.map((org) => ({ ...org, limitUSD: limit(1 / 4, org.period) })),
    tenants,
    runs: runs.map((run, index) => (index === richRun ? { ...run, limitUSD: 10_000_000 } : run)),
  };
}

/** What must have come of it, in plain sums over the distinct events: nothing of the store's arithmetic or calendar. */

import { type PeriodMembers, storedPeriod } from '../../../shared/budget/terms.ts';
import { type Calendar, calendarOf } from './calendar.ts';
import { type Cast, late_max_ms, span } from './cast.ts';
import type { Stay, Told } from './drive.ts';
import { type Ledger, noTask } from './plan.ts';

/** The clock when all is over. */
export const end_ms = span.until + 3_600_000;

/** Amounts by whatever they are added up for. */
export class Sums extends Map<string, bigint> {
  add(key: string, nanos: bigint): void {
    this.set(key, (this.get(key) ?? 0n) + nanos);
  }
}

export const keyOf = (...parts: readonly (string | number)[]): string => parts.join('/');

export type Calendars = {
  readonly runs: readonly Calendar[];
  readonly tenants: readonly Calendar[];
  readonly orgs: ReadonlyMap<string, Calendar>;
};

export function calendarsOf({ runs, tenants, orgs }: Cast): Calendars {
  const of = ({ period }: { readonly period: PeriodMembers }) =>
    calendarOf(storedPeriod(period) ?? { kind: 'month' }, span.from - late_max_ms, end_ms);
  return {
    runs: runs.map(of),
    tenants: tenants.map(of),
    orgs: new Map(orgs.map((org) => [org.orgId, of(org)])),
  };
}

/** What one budget has spent in one period: the sum, and between what it was whenever it was looked at last in the period. */
export type Spending = {
  total: bigint;
  /** No look after the last booking of the period can have seen less. */
  least: bigint;
  /** No look can ever have seen more. */
  most: bigint;
};

export type Model = {
  /** Over the whole life, by run `tenant/run` and by task `tenant/task`. */
  readonly runs: Sums;
  readonly tasks: Sums;
  /** By `run/tenant/run/start`, `tenant/tenant/start` and `org/org/start`, with the period's first moment. */
  readonly periods: ReadonlyMap<string, Spending>;
};

/**
 * @param orgOf the organisation that each event was booked on, null for none
 */
export function modelOf(
  cast: Cast,
  ledger: Ledger,
  told: Pick<Told, 'overtaken'>,
  clock_ms: (step: number) => number,
  orgOf: (event: number) => string | null,
): Model {
  const calendars = calendarsOf(cast);
  const tenantPlaces = new Map(cast.tenants.map(({ tenantId }, place) => [tenantId, place]));
  const runs = new Sums();
  const tasks = new Sums();
  const periods = new Map<string, Spending>();
  for (let event = 0; event < ledger.count; event += 1) {
    const place = ledger.run[event] ?? 0;
    const run = cast.runs[place];
    if (run === undefined) throw new Error(`event ${event} is of no run`);
    const { tenantId, runId } = run;
    const nanos = ledger.nanos[event] ?? 0n;
    const occurred_ms = ledger.occurred_ms[event] ?? 0;
    const step = ledger.step[event] ?? 0;
    runs.add(keyOf(tenantId, runId), nanos);
    const taskId = run.taskIds[ledger.task[event] ?? noTask];
    if (taskId !== undefined) tasks.add(keyOf(tenantId, taskId), nanos);
    /** Counts the event for a budget, which is looked at by calls within the period only. */
    const count = (name: string, calendar: Calendar | undefined): void => {
      if (calendar === undefined) throw new Error(`${name} has no calendar`);
      const start_ms = calendar.start(occurred_ms);
      const key = keyOf(name, start_ms);
      let spending = periods.get(key);
      if (spending === undefined) {
        spending = { total: 0n, least: 0n, most: 0n };
        periods.set(key, spending);
      }
      spending.total += nanos;
      if (nanos > 0n) spending.most += nanos;
      const inTime = calendar.start(clock_ms(step)) === start_ms && !told.overtaken.has(step);
      if (inTime || nanos < 0n) spending.least += nanos;
    };
    count(keyOf('run', tenantId, runId), calendars.runs[place]);
    count(keyOf('tenant', tenantId), calendars.tenants[tenantPlaces.get(tenantId) ?? -1]);
    const orgId = orgOf(event);
    if (orgId !== null) count(keyOf('org', orgId), calendars.orgs.get(orgId));
  }
  return { runs, tasks, periods };
}

/** The organisations that a tenant may have been in between two places in the order of calls. */
export function orgsBetween(stays: readonly Stay[], began: number, answered: number): (string | null)[] {
  return stays.filter(({ from, until }) => from <= answered && until >= began).map(({ orgId }) => orgId);
}

/** Booking cost events in one statement (B1), and the other changes of a run's budget. */

import type { RunTerms, TaskRow } from '../admission/rows.ts';
import { type Database, json, StoreUnavailable } from '../platform/db.ts';
import { type BookableEvent, bookable, type Rejected } from './bookable.ts';
import type { CostReport, CostReportAnswer, Directive } from './contract.ts';
import { directiveOf, mostUrgent } from './directive.ts';
import { type StalePrices, seenPriceTable, takePriceTable } from './price-table.ts';
import { type BudgetSnapshot, budgetStatusOf } from './status.ts';
import type { StoredPeriod, Thresholds } from './terms.ts';

type BookedCosts = {
  readonly kind: 'booked';
  readonly accepted: readonly string[];
  /** Ids of tasks that the run does not have: their events are not booked. */
  readonly unknownTasks: readonly string[];
  readonly budget: BudgetSnapshot;
  /** The run's tasks that have not ended, and those reported on. */
  readonly tasks: readonly TaskRow[];
  readonly run: RunTerms;
};

/**
 * One round trip for the whole batch.
 *
 * @param priceTableVersion of the operator's table that they were priced by; null when none was needed
 * @returns `stale_prices` with the table in force, and nothing booked, when that is another one
 * @throws StoreUnavailable
 */
export async function bookCosts(
  database: Database,
  tenantId: string,
  runId: string,
  events: readonly BookableEvent[],
  priceTableVersion: number | null,
  policy: unknown,
  now: Date,
): Promise<BookedCosts | StalePrices | { readonly kind: 'not_found' }> {
  const listed = withPricesListed(events);
  const [row] = await database.query<{ result: Awaited<ReturnType<typeof bookCosts>> }>(
    `select record_costs(p_tenant_id => $1, p_run_id => $2, p_events => $3, p_policy => $4, p_now => $5, p_price_table => $6,
       p_prices => $7) as result`,
    [tenantId, runId, json(listed.events), json(policy), now, priceTableVersion, json(listed.prices)],
  );
  if (row === undefined) throw new Error('record_costs returned no row');
  return row.result;
}

/**
 * Events as `record_costs` takes them: price lists once each, and nothing that only says that it is absent. Reading the
 * JSON is a large part of what a batch costs the store.
 */
function withPricesListed(events: readonly BookableEvent[]) {
  const prices: Pick<BookableEvent, 'priceVersion' | 'unitPrices'>[] = [];
  const placeOf = ({ priceVersion, unitPrices }: BookableEvent): number | undefined => {
    if (priceVersion === null) return undefined;
    // Events of one price list have one object.
    const place = prices.findIndex(
      (known) => known.unitPrices === unitPrices && known.priceVersion === priceVersion,
    );
    return place >= 0 ? place : prices.push({ priceVersion, unitPrices }) - 1;
  };
  const listed = events.map((event) => ({
    eventId: event.eventId,
    taskId: event.taskId ?? undefined,
    epoch: event.epoch ?? undefined,
    kind: event.kind,
    costNanos: event.costNanos,
    provider: event.provider ?? undefined,
    model: event.model ?? undefined,
    usage: event.usage ?? undefined,
    price: placeOf(event),
    priceMismatch: event.priceMismatch || undefined,
    costStated: event.costStated,
    occurredAt: event.occurredAt,
  }));
  return { events: listed, prices };
}

/** Each round after the first means that the operator has set other prices in between. */
const pricingRoundsMax = 10;

/** What a report is answered with, or null when the tenant has no such run. @throws StoreUnavailable */
export async function recordCosts(
  database: Database,
  tenantId: string,
  runId: string,
  events: CostReport['events'],
  policy: unknown,
  now: Date,
): Promise<CostReportAnswer | null> {
  const needsPrices = events.some((event) => 'usage' in event || 'attributes' in event);
  let table = seenPriceTable(database);
  for (let round = 1; round <= pricingRoundsMax; round += 1) {
    const judged = events.map((event) => bookable(event, { table, tenantId }, now));
    const good = judged.filter((event): event is BookableEvent => 'costNanos' in event);
    const rejected = judged.filter((event): event is Rejected => 'code' in event);
    const version = needsPrices ? table.version : null;
    const booked = await bookCosts(database, tenantId, runId, good, version, policy, now);
    if (booked.kind === 'not_found') return null;
    if (booked.kind === 'booked') return answerOf(good, rejected, booked, now);
    table = takePriceTable(database, booked);
  }
  throw new StoreUnavailable('the price table changed faster than the report could be priced');
}

function answerOf(
  good: readonly BookableEvent[],
  rejected: readonly Rejected[],
  booked: BookedCosts,
  now: Date,
): CostReportAnswer {
  const unknownTasks = new Set(booked.unknownTasks);
  const strays = good.filter(({ taskId }) => taskId !== null && unknownTasks.has(taskId));
  return {
    accepted: booked.accepted.length,
    // An id that comes twice in one report counts as one event and duplicates of it.
    duplicates: good.length - booked.accepted.length - strays.length,
    rejected: [
      ...rejected,
      ...strays.map(({ eventId, taskId }) => ({
        eventId,
        code: 'unknown_task',
        message: `taskId: this run has no task ${taskId}; leave it out to book on the run`,
      })),
    ],
    budget: budgetStatusOf(booked.budget),
    directive: directiveOfReport(good, booked, now),
  };
}

/** The most urgent one of the tasks reported on; a report that names none speaks for whatever of the run is at work. */
function directiveOfReport(
  events: readonly BookableEvent[],
  { tasks, run }: BookedCosts,
  now: Date,
): Directive {
  const reporting = new Set(events.map((event) => event.taskId));
  const addressed = tasks.filter((task) => reporting.has(task.task_id));
  const atWork = tasks.filter((task) => task.state === 'running' || task.state === 'preempting');
  const heard = [addressed, atWork, tasks].find((some) => some.length > 0);
  if (heard === undefined) return { action: 'stop', reason: run.status };
  return mostUrgent(heard.map((task) => directiveOf({ task, run }, now)));
}

/** What a change of a budget may carry beside the limit; what is left out stays. */
export type RunTermsChange = {
  readonly period?: StoredPeriod | undefined;
  readonly thresholds?: Thresholds | undefined;
};

export type BudgetChanged =
  | { readonly kind: 'not_found' }
  | { readonly kind: 'changed'; readonly budget: BudgetSnapshot }
  | {
      readonly kind: 'budget_exhausted';
      /** Of the budgets above that cannot hold it, nearest first. */
      readonly refusals: readonly {
        readonly code: 'never_fits' | 'budget_exhausted';
        readonly level: 'tenant' | 'org';
        readonly limit: number;
        readonly used: number;
        readonly held: number;
        readonly asked: number;
      }[];
    };

/** Sets a run's limit: a new version, thresholds re-armed, paused tasks back in line (B4, B5). */
export async function setBudget(
  database: Database,
  tenantId: string,
  runId: string,
  change: {
    readonly limitNanos: bigint;
    readonly terms: RunTermsChange;
    readonly reason: string;
    readonly actor: string;
  },
  policy: unknown,
  now: Date,
): Promise<BudgetChanged> {
  const [row] = await database.query<{ result: BudgetChanged }>(
    `select set_budget(p_tenant_id => $1, p_run_id => $2, p_limit_nanos => $3, p_terms => $4, p_reason => $5,
       p_actor => $6, p_policy => $7, p_now => $8) as result`,
    [tenantId, runId, change.limitNanos, json(change.terms), change.reason, change.actor, json(policy), now],
  );
  if (row === undefined) throw new Error('set_budget returned no row');
  return row.result;
}

export type BudgetAction = { readonly level: 'throttle' | 'pause'; readonly causeId: string | null };

/**
 * Carries out a fired threshold's action on the run's tasks, once whoever asks first (B5, E2).
 *
 * @returns `acted`, `already` when it was carried out before or a changed limit has lifted it, or `not_found`
 */
export async function actOnBudget(
  database: Database,
  tenantId: string,
  runId: string,
  { level, causeId }: BudgetAction,
  policy: unknown,
  now: Date,
): Promise<'acted' | 'already' | 'not_found'> {
  const [row] = await database.query<{ result: { kind: 'acted' | 'already' | 'not_found' } }>(
    `select act_on_budget(p_tenant_id => $1, p_run_id => $2, p_level => $3, p_by => 'bus', p_cause_id => $4,
       p_policy => $5, p_now => $6) as result`,
    [tenantId, runId, level, causeId, json(policy), now],
  );
  if (row === undefined) throw new Error('act_on_budget returned no row');
  return row.result.kind;
}

/** Fired thresholds whose action the bus has not brought about for `afterSeconds`; returns how many were carried out. */
export async function sweepBudgets(
  database: Database,
  afterSeconds: number,
  max: number,
  policy: unknown,
  now: Date,
): Promise<number> {
  const [row] = await database.query<{ acted: number }>(
    'select sweep_budgets(p_policy => $1, p_after_seconds => $2, p_max => $3, p_now => $4) as acted',
    [json(policy), afterSeconds, max, now],
  );
  return row?.acted ?? 0;
}

/** Runs whose period is over begin the next one (B8), at most `max`; returns how many. */
export async function rollRuns(database: Database, max: number, policy: unknown, now: Date): Promise<number> {
  const [row] = await database.query<{ rolled: number }>(
    'select roll_runs(p_tenant_id => null, p_policy => $1, p_max => $2, p_now => $3) as rolled',
    [json(policy), max, now],
  );
  return row?.rolled ?? 0;
}

/** Writes down how long open holds last by now (B3), at most `max`; returns how many have moved. */
export async function sweepHolds(database: Database, max: number, now: Date): Promise<number> {
  const [row] = await database.query<{ moved: number }>(
    'select sweep_holds(p_max => $1, p_now => $2) as moved',
    [max, now],
  );
  return row?.moved ?? 0;
}

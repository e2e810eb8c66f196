/**
 * Pricing recorded usage again, at the prices in force now (B2): what an event costs more or less is booked as one
 * correction beside it, never as a change of it.
 *
 * Only events that were priced here are looked at; a stated cost is what was paid. A call does one batch; as each
 * correction's id follows from its event and the price versions, a batch that is done twice books nothing twice.
 */

import * as z from 'zod';
import { policyInForce } from '../admission/policy-in-force.ts';
import { type Database, json, StoreUnavailable } from '../platform/db.ts';
import { newUuid } from '../platform/ids.ts';
import { nanosToUsd } from '../platform/money.ts';
import { decodeCursor, encodeCursor } from '../platform/page.ts';
import type { PriceTable } from './operator-prices.ts';
import { librarySource } from './price-catalog.ts';
import type { RepricingAnswer, RepricingRequest } from './price-contract.ts';
import { currentPriceTable, type StalePrices, takePriceTable } from './price-table.ts';
import {
  byRun,
  differencesOf,
  type OfRun,
  type PricedEvent,
  type RunOutcome,
  type Target,
  targetsOf,
} from './repricing-targets.ts';

/** Events of one call; a batch of as many corrections keeps each run's lock for milliseconds. */
const batchSize = 500;

/** Each round after the first means that the operator has set other prices in between. */
const pricingRoundsMax = 10;

const position = z.tuple([z.string(), z.string(), z.string(), z.string()]);

/**
 * Prices one batch of at most 500 events again.
 *
 * @param actor whose doing it is, kept with the reason
 * @returns counts and the sum of the differences, by run; `nextCursor` when there is more to do
 * @throws Problem 400 for a cursor of something else; StoreUnavailable
 */
export async function repriceBatch(
  database: Database,
  request: RepricingRequest,
  actor: string,
  now: Date,
): Promise<RepricingAnswer> {
  const dryRun = request.dryRun === true;
  const events = await pricedEvents(database, request);
  const batch = events.slice(0, batchSize);
  const last = batch.at(-1);
  let table = await currentPriceTable(database);
  const repricingId =
    dryRun || batch.length === 0 ? null : await keepAsked(database, request, table, actor, now);
  const unpriced: RepricingAnswer['unpriced'] = [];
  const runs: RepricingAnswer['runs'] = [];
  let corrected = 0;
  let differenceNanos = 0n;
  for (const ofRun of byRun(batch)) {
    const priced = await repriceRun(database, ofRun, table, dryRun, now);
    table = priced.table;
    unpriced.push(...priced.unpriced);
    corrected += priced.outcome.corrected;
    differenceNanos += priced.outcome.differenceNanos;
    const [{ tenant_id: tenantId, run_id: runId }] = ofRun;
    const { outcome } = priced;
    if (outcome.corrected > 0) {
      runs.push({
        tenantId,
        runId,
        corrected: outcome.corrected,
        differenceUSD: nanosToUsd(outcome.differenceNanos),
      });
    }
  }
  return {
    repricingId,
    dryRun,
    priceTableVersion: table.version,
    examined: batch.length,
    corrected,
    unchanged: batch.length - corrected - unpriced.length,
    unpriced,
    differenceUSD: nanosToUsd(differenceNanos),
    runs,
    nextCursor: events.length > batchSize && last !== undefined ? encodeCursor(positionOf(last)) : null,
  };
}

function positionOf(event: PricedEvent): z.infer<typeof position> {
  return [event.occurred_at.toISOString(), event.tenant_id, event.run_id, event.event_id];
}

/** Events priced here that occurred in the time asked for, in the order of their time; one more than a batch. */
function pricedEvents(
  database: Database,
  { from, to, tenantId, model, cursor }: RepricingRequest,
): Promise<PricedEvent[]> {
  const after = cursor === undefined ? [null, null, null, null] : decodeCursor(cursor, position);
  return database.query<PricedEvent>(
    `select e.tenant_id, e.run_id, e.event_id, e.task_id, e.provider, e.model, e.usage, e.occurred_at,
       e.cost_usd_nanos + (
         select coalesce(sum(c.cost_usd_nanos), 0)::bigint from cost_events c
         where c.tenant_id = e.tenant_id and c.run_id = e.run_id and c.corrects = e.event_id
       ) as booked_nanos
     from cost_events e
     where e.cost_stated = false and e.corrects is null and e.usage is not null
       and e.occurred_at >= $1 and e.occurred_at < $2
       and ($3::text is null or e.tenant_id = $3) and ($4::text is null or e.model = $4)
       and ($5::timestamptz is null or (e.occurred_at, e.tenant_id, e.run_id, e.event_id) > ($5, $6, $7, $8))
     order by e.occurred_at, e.tenant_id, e.run_id, e.event_id
     limit $9`,
    [new Date(from), new Date(to), tenantId ?? null, model ?? null, ...after, batchSize + 1],
  );
}

/** Who asked for it, and why, is kept before anything is booked. */
async function keepAsked(
  database: Database,
  { from, to, tenantId, model, cursor, reason }: RepricingRequest,
  table: PriceTable,
  actor: string,
  now: Date,
): Promise<string> {
  const repricingId = newUuid();
  await database.query(
    `insert into repricings (repricing_id, asked, price_table_version, price_library, reason, actor, at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      repricingId,
      json({ from, to, tenantId, model, cursor }),
      table.version,
      librarySource,
      reason,
      actor,
      now,
    ],
  );
  return repricingId;
}

type RunRepriced = {
  readonly outcome: RunOutcome;
  readonly unpriced: RepricingAnswer['unpriced'];
  /** The table that it was priced by in the end. */
  readonly table: PriceTable;
};

async function repriceRun(
  database: Database,
  events: OfRun,
  known: PriceTable,
  dryRun: boolean,
  now: Date,
): Promise<RunRepriced> {
  const [{ tenant_id: tenantId, run_id: runId }] = events;
  let table = known;
  for (let round = 1; round <= pricingRoundsMax; round += 1) {
    const { targets, unpriced } = targetsOf(events, table);
    if (dryRun) return { outcome: differencesOf(events, targets), unpriced, table };
    const booked = await bookTargets(database, tenantId, runId, targets, table.version, now);
    if (booked.kind === 'repriced') {
      const outcome = { corrected: booked.corrected, differenceNanos: BigInt(booked.differenceNanos) };
      return { outcome, unpriced, table };
    }
    table = takePriceTable(database, booked);
  }
  throw new StoreUnavailable('the price table changed faster than the events could be priced');
}

const answers: readonly string[] = ['repriced', 'stale_prices'];

type Repriced = { readonly kind: 'repriced'; readonly corrected: number; readonly differenceNanos: string };

async function bookTargets(
  database: Database,
  tenantId: string,
  runId: string,
  targets: readonly Target[],
  priceTableVersion: number,
  now: Date,
): Promise<Repriced | StalePrices> {
  const [row] = await database.query<{ result: Repriced | StalePrices }>(
    `select reprice_run(p_tenant_id => $1, p_run_id => $2, p_targets => $3, p_price_table => $4,
       p_policy => $5, p_now => $6) as result`,
    [tenantId, runId, json(targets), priceTableVersion, json(policyInForce()), now],
  );
  if (row === undefined || !answers.includes(row.result.kind)) {
    throw new Error(
      `reprice_run answered ${row?.result.kind ?? 'no row'} for run ${runId} of tenant ${tenantId}`,
    );
  }
  return row.result;
}

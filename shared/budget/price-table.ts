/** The operator's price table in the store, and what of it this process has seen. */

import { type Database, json } from '../platform/db.ts';
import { noPriceTable, type OperatorPrice, type PriceTable, priceTableOf } from './operator-prices.ts';
import { librarySource } from './price-catalog.ts';
import type { OperatorPriceInput, PriceTableAnswer, PriceTableChange } from './price-contract.ts';

/**
 * What SQL answers instead of booking when events were priced by another table than the one in force; see
 * `newer_prices.sql`.
 */
export type StalePrices = {
  readonly kind: 'stale_prices';
  readonly version: number;
  readonly prices: readonly OperatorPrice[];
};

/** By store, since a process may talk to several. */
const seen = new WeakMap<Database, PriceTable>();

/** The table as this process last saw it; whether it is still in force is told by the booking itself. */
export function seenPriceTable(database: Database): PriceTable {
  return seen.get(database) ?? noPriceTable;
}

/** Takes in the table that a booking was answered with. */
export function takePriceTable(database: Database, { version, prices }: StalePrices): PriceTable {
  const table = priceTableOf(version, prices);
  seen.set(database, table);
  return table;
}

/** The table in force, asked for when it is another one than was last seen. @throws StoreUnavailable */
export async function currentPriceTable(database: Database): Promise<PriceTable> {
  const known = seenPriceTable(database);
  const [row] = await database.query<{ newer: StalePrices | null }>('select newer_prices($1) as newer', [
    known.version,
  ]);
  return row?.newer == null ? known : takePriceTable(database, row.newer);
}

type TableRow = {
  readonly version: number;
  readonly prices: readonly OperatorPrice[];
  readonly reason: string;
  readonly actor: string;
  readonly at: Date;
};

/**
 * A version of the table, the newest unless one is named.
 *
 * @returns null when there is no such version; before the first one the newest is version 0, without prices
 * @throws StoreUnavailable
 */
export async function readPriceTable(database: Database, version?: number): Promise<PriceTableAnswer | null> {
  const [row] = await database.query<TableRow>(
    `select version, prices, reason, actor, at from price_tables
     where version = coalesce($1, (select max(version) from price_tables))`,
    [version ?? null],
  );
  if (row !== undefined) {
    const { prices, reason, actor, at } = row;
    return {
      version: row.version,
      prices: prices.map(shown),
      reason,
      setBy: actor,
      setAt: at.toISOString(),
      library: librarySource,
    };
  }
  if (version !== undefined) return null;
  return { version: 0, prices: [], reason: null, setBy: null, setAt: null, library: librarySource };
}

/** Members in a fixed order, which jsonb does not keep. */
function shown({ tenantId, provider, model, from, to, unitPrices, tiers }: OperatorPrice) {
  const inTiers = tiers.map((tier) => ({
    aboveInputTokens: tier.aboveInputTokens,
    unitPrices: { ...tier.unitPrices },
  }));
  return { tenantId, provider, model, from, to, unitPrices: { ...unitPrices }, tiers: inTiers };
}

export type PricesSet = { readonly kind: 'set' | 'changed_meanwhile'; readonly version: number };

/** Puts a table in force as the next version; the versions before it stay on record. @throws StoreUnavailable */
export async function setPrices(
  database: Database,
  { prices, madeFromVersion, reason }: PriceTableChange,
  actor: string,
  now: Date,
): Promise<PricesSet> {
  const [row] = await database.query<{ result: PricesSet }>(
    `select set_prices(p_prices => $1, p_made_from => $2, p_reason => $3, p_actor => $4, p_now => $5) as result`,
    [json(prices.map(entryOf)), madeFromVersion ?? null, reason, actor, now],
  );
  if (row === undefined) throw new Error('set_prices returned no row');
  return row.result;
}

function entryOf({
  tenantId,
  provider,
  model,
  from,
  to,
  unitPrices,
  tiers,
}: OperatorPriceInput): OperatorPrice {
  const utc = (time: string | null | undefined) => (time == null ? null : new Date(time).toISOString());
  return {
    tenantId: tenantId ?? null,
    provider: provider ?? null,
    model,
    from: utc(from),
    to: utc(to),
    unitPrices: given(unitPrices),
    tiers: (tiers ?? []).map((tier) => ({ ...tier, unitPrices: given(tier.unitPrices) })),
  };
}

/** Without the kinds that are left out. */
function given(prices: Readonly<Record<string, string | undefined>>): OperatorPrice['unitPrices'] {
  return Object.fromEntries(Object.entries(prices).filter(([, price]) => price !== undefined));
}

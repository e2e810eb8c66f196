/**
 * The operator's own price table: contracts, and models that the price library does not know (B2). Pure.
 *
 * A table is a whole: each version replaces the one before. Which of its entries counts for an event, and whether, is
 * decided by the event's own date.
 */

import type { ListPrice, PriceList } from './price-catalog.ts';

/** Decimal texts of USD: per million tokens, `request` per call. Kinds without a price are billed as input or output. */
export type UnitPrices = Readonly<
  Partial<Record<'input' | 'cachedInput' | 'cacheWrite' | 'output' | 'reasoning' | 'request', string>>
>;

export type OperatorPrice = {
  /** Null: of every tenant that has none of its own. */
  readonly tenantId: string | null;
  /** Null: whoever provides the model. */
  readonly provider: string | null;
  readonly model: string;
  /** ISO 8601 in UTC; the price holds from the first instant to just before the second. Null: without end. */
  readonly from: string | null;
  readonly to: string | null;
  readonly unitPrices: UnitPrices;
  /** The prices of a call with more input tokens than that; of several tiers the highest one. */
  readonly tiers: readonly { readonly aboveInputTokens: number; readonly unitPrices: UnitPrices }[];
};

export type PriceTable = {
  /** 0: the operator has set no prices yet. */
  readonly version: number;
  readonly byModel: ReadonlyMap<string, readonly OperatorPrice[]>;
};

export function priceTableOf(version: number, prices: readonly OperatorPrice[]): PriceTable {
  return { version, byModel: Map.groupBy(prices, ({ model }) => model) };
}

export const noPriceTable = priceTableOf(0, []);

export type ModelName = { readonly provider?: string | undefined; readonly model: string };

/**
 * The entry that counts for an event. A tenant's own goes before the stage's; then the name that comes first; then an
 * entry with a provider before one without.
 *
 * @param names what the event calls the model, then what the price library takes that for
 */
export function findOperatorPrice(
  table: PriceTable,
  tenantId: string,
  names: readonly ModelName[],
  at: Date,
): OperatorPrice | null {
  if (table.byModel.size === 0) return null;
  const candidates = names
    .flatMap(readingsOf)
    .flatMap((name) =>
      (table.byModel.get(name.model) ?? [])
        .filter(
          (price) => isInForce(price, at) && (price.provider === null || price.provider === name.provider),
        )
        .sort((a, b) => Number(a.provider === null) - Number(b.provider === null)),
    );
  return (
    candidates.find((price) => price.tenantId === tenantId) ??
    candidates.find((price) => price.tenantId === null) ??
    null
  );
}

/** Without a provider a model's name may say it: `openai/gpt-5.2`. */
function readingsOf(name: ModelName): ModelName[] {
  const slash = name.model.indexOf('/');
  if (name.provider !== undefined || slash < 1) return [name];
  return [name, { provider: name.model.slice(0, slash), model: name.model.slice(slash + 1) }];
}

function isInForce({ from, to }: OperatorPrice, at: Date): boolean {
  return (
    (from === null || Date.parse(from) <= at.getTime()) && (to === null || at.getTime() < Date.parse(to))
  );
}

const priceKeys = {
  input: 'input_mtok',
  cachedInput: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  output: 'output_mtok',
  reasoning: 'output_reasoning_mtok',
  request: 'requests_each',
} as const satisfies Record<keyof UnitPrices, string>;

/** By entry, each of which is of one table. */
const lists = new WeakMap<OperatorPrice, PriceList>();

/** An entry in the form in which the library's lists are priced. */
export function operatorPriceList(version: number, price: OperatorPrice): PriceList {
  const known = lists.get(price);
  if (known?.version === versionOf(version, price)) return known;
  const list = listOf(version, price);
  lists.set(price, list);
  return list;
}

function listOf(version: number, price: OperatorPrice): PriceList {
  const prices: Record<string, ListPrice> = {};
  for (const [kind, key] of Object.entries(priceKeys) as [keyof UnitPrices, string][]) {
    const base = price.unitPrices[kind];
    if (base === undefined) continue;
    const tiers = price.tiers.flatMap(({ aboveInputTokens, unitPrices }) => {
      const inTier = unitPrices[kind];
      return inTier === undefined ? [] : [{ start: aboveInputTokens, price: inTier }];
    });
    prices[key] = { base, tiers };
  }
  return {
    source: `version ${version} of the operator's price table`,
    provider: { id: price.provider ?? 'any' },
    model: { id: price.model },
    prices,
    version: versionOf(version, price),
  };
}

function versionOf(version: number, { tenantId, provider, model, from, to }: OperatorPrice): string {
  const marks = { tenant: tenantId, from, to };
  const told = Object.entries(marks).flatMap(([name, value]) =>
    value === null ? [] : [`;${name}=${value}`],
  );
  return `operator@${version}:${provider === null ? '' : `${provider}/`}${model}${told.join('')}`;
}

/**
 * Price lists made ready for exact arithmetic, once each: a batch has many events and few lists.
 *
 * One tier applies to the whole call, so that a list has one set of rates for each of its tiers.
 */

import { plainDecimal } from '../platform/money.ts';
import { type Billing, billingOf } from './billed-units.ts';
import type { ListPrice, PriceList } from './price-catalog.ts';

export type Rates = {
  readonly billing: Billing;
  /** What one unit costs, in the order of `billing`, in 1e-26 USD; null: the list has the key and no price for it. */
  readonly perUnit: readonly (bigint | null)[];
  /** Decimal texts of USD, by our names of kinds, as events keep them. The same object for the same rates. */
  readonly unitPrices: Readonly<Record<string, string>>;
};

type Prices = PriceList['prices'];

type Prepared = {
  /** Input tokens above which a tier begins, highest first. */
  readonly starts: readonly number[];
  readonly byStart: Map<number, Rates>;
};

/** Lists are kept by their owners; what is derived from one goes with it. */
const prepared = new WeakMap<Prices, Prepared>();

/**
 * The rates of a call with so many input tokens.
 *
 * @throws Error when a price has more decimals than are held
 */
export function ratesOf(prices: Prices, inputTokens: number): Rates {
  let list = prepared.get(prices);
  if (list === undefined) {
    list = { starts: startsOf(prices), byStart: new Map() };
    prepared.set(prices, list);
  }
  const start = list.starts.find((tier) => inputTokens > tier) ?? Number.NEGATIVE_INFINITY;
  let rates = list.byStart.get(start);
  if (rates === undefined) {
    rates = makeRates(prices, inputTokens);
    list.byStart.set(start, rates);
  }
  return rates;
}

function startsOf(prices: Prices): number[] {
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  );
  return [...new Set(starts)].sort((a, b) => b - a);
}

function makeRates(prices: Prices, inputTokens: number): Rates {
  const billing = billingOf(Object.keys(prices));
  const unitPrices: Record<string, string> = {};
  const perUnit = billing.map(({ key }) => {
    const price = prices[key];
    if (price === undefined) return null;
    const decimal = plainDecimal(String(priceInForce(price, inputTokens)));
    unitPrices[kindOfPriceKey[key] ?? key] = decimal;
    return scaledPrice(decimal) * perMillion(key);
  });
  return { billing, perUnit, unitPrices: Object.freeze(unitPrices) };
}

const kindOfPriceKey: Readonly<Record<string, string>> = {
  input_mtok: 'input',
  cache_read_mtok: 'cachedInput',
  cache_write_mtok: 'cacheWrite',
  output_mtok: 'output',
  output_reasoning_mtok: 'reasoning',
  requests_each: 'request',
};

/** How often a price counts per million units. */
function perMillion(priceKey: string): bigint {
  if (priceKey.endsWith('_kcount')) return 1000n;
  return priceKey.endsWith('_each') ? 1_000_000n : 1n;
}

/** The highest tier whose start lies below the input tokens. */
function priceInForce(price: ListPrice, inputTokens: number): number | string {
  if (typeof price !== 'object') return price;
  const reached = price.tiers.filter(({ start }) => inputTokens > start).sort((a, b) => b.start - a.start);
  return reached[0]?.price ?? price.base;
}

/** Prices are held in 1e-20 USD per million units, costs in 1e-26 USD. */
const priceDecimals = 20;
const costPerNano = 10n ** BigInt(priceDecimals + 6 - 9);

/** 1e-26 USD to 1e-9 USD, a half rounded up. */
export function nanosOfCost(cost: bigint): bigint {
  return (2n * cost + costPerNano) / (2n * costPerNano);
}

/** @throws Error when the text has more decimals than are held */
function scaledPrice(decimal: string): bigint {
  const [whole = '', fraction = ''] = decimal.split('.');
  if (fraction.length > priceDecimals) {
    throw new Error(`Unit price ${decimal} has more than ${priceDecimals} decimals; raise priceDecimals.`);
  }
  return BigInt(whole + fraction.padEnd(priceDecimals, '0'));
}

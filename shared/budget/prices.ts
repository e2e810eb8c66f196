/**
 * Exact prices of model usage (B2): integers throughout, one rounding at the end. What has no price is refused by
 * name and never priced at zero.
 */

import * as z from 'zod';
import { billedUnits, priceKeyOf, type UnitCounts } from './billed-units.ts';
import { tokenUsage } from './contract.ts';
import { findPriceList, isKnownProvider, libraryVersion, type PriceList } from './price-catalog.ts';
import { countsOfTokens, tokensOfCounts } from './price-usage.ts';

/** Input tokens include cached and cache-write tokens; output tokens include reasoning tokens. */
export type TokenUsage = import('./contract.ts').TokenUsage;

export type PricedUsage = {
  kind: 'priced';
  /** 1e-9 USD, a half rounded up. */
  costNanos: bigint;
  /** Version of the price library, provider, model and, where prices change with time, their validity. */
  priceVersion: string;
  /**
   * Decimal texts of the prices in force: USD per million tokens by kind (input, cachedInput, cacheWrite, output,
   * reasoning); others under the library's own key. A kind that is missing is billed as input or output.
   */
  unitPrices: Record<string, string>;
};

export type PriceRefusal = { kind: 'unknown_model' | 'impossible_usage'; message: string };

export type PriceQuery = { provider?: string | undefined; model: string; at: Date };

/** Prices the tokens of one event at the prices in force at the event's time. */
export function priceUsage(input: PriceQuery & { usage: TokenUsage }): PricedUsage | PriceRefusal {
  const list = priceListOf(input);
  return 'kind' in list ? list : priceCounts(list, countsOfTokens(input.usage));
}

/** The price list in force, or a refusal naming the model or provider that has none. */
export function priceListOf({ provider, model, at }: PriceQuery): PriceList | PriceRefusal {
  const list = findPriceList(provider, model, at);
  if (list !== null) return list;
  const ofProvider = provider === undefined ? '' : ` of provider "${provider}"`;
  const unknown =
    provider !== undefined && !isKnownProvider(provider)
      ? `Provider "${provider}" of model "${model}"`
      : `Model "${model}"${ofProvider}`;
  return {
    kind: 'unknown_model',
    message: `${unknown} is unknown to genai-prices ${libraryVersion}; report costUSD instead.`,
  };
}

/** Prices counts by the library's names, which know more kinds than ours, such as audio tokens and web searches. */
export function priceCounts(list: PriceList, counts: UnitCounts): PricedUsage | PriceRefusal {
  const refusal = implausible(counts) ?? unpriced(list, counts);
  if (refusal !== undefined) return refusal;
  const unitPrices: Record<string, string> = {};
  let cost = 0n;
  for (const [key, units] of billedUnits(Object.keys(list.prices), counts)) {
    const price = list.prices[key];
    if (price === undefined) continue;
    if (units < 0) {
      return impossibleUsage(
        `The parts of ${key.replace(/_mtok$/, ' tokens')} add up to more than their whole.`,
      );
    }
    const decimal = decimalText(
      typeof price === 'number' ? price : tierPrice(price, counts.input_tokens ?? 0),
    );
    unitPrices[kindOfPriceKey[key] ?? key] = decimal;
    cost += scaledPrice(decimal) * BigInt(units) * (key.endsWith('_kcount') ? 1000n : 1n);
  }
  return {
    kind: 'priced',
    costNanos: (2n * cost + costPerNano) / (2n * costPerNano),
    priceVersion: list.version,
    unitPrices,
  };
}

const kindOfPriceKey: Readonly<Record<string, string>> = {
  input_mtok: 'input',
  cache_read_mtok: 'cachedInput',
  cache_write_mtok: 'cacheWrite',
  output_mtok: 'output',
  output_reasoning_mtok: 'reasoning',
};

/** Beyond it no single report is believable, and below it the cost fits a 64-bit column. */
const unitsMax = 1_000_000_000_000;
const plausibleCounts = z.record(z.string(), z.int().min(0).max(unitsMax));

function implausible(counts: UnitCounts): PriceRefusal | undefined {
  const tokens = tokenUsage.safeParse(tokensOfCounts(counts));
  const checked = tokens.success ? plausibleCounts.safeParse(counts) : tokens;
  if (checked.success) return undefined;
  const issues = checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return impossibleUsage(issues.join('; '));
}

function impossibleUsage(message: string): PriceRefusal {
  return { kind: 'impossible_usage', message };
}

/**
 * The library bills at nothing what has no price; here it is a refusal. Kinds of tokens without a price of their own
 * are billed as input or output, so that only those two and calls can lack one.
 */
function unpriced({ prices, provider, model }: PriceList, counts: UnitCounts): PriceRefusal | undefined {
  const missing = Object.keys(counts).filter((name) => {
    const needsPrice = !name.endsWith('_tokens') || name === 'input_tokens' || name === 'output_tokens';
    return needsPrice && (counts[name] ?? 0) > 0 && prices[priceKeyOf(name)] === undefined;
  });
  if (missing.length === 0) return undefined;
  const kinds = missing.map((name) => name.replaceAll('_', ' ')).join(' and ');
  return {
    kind: 'unknown_model',
    message:
      `Model "${model.id}" of provider "${provider.id}" has no price for ${kinds} ` +
      `in genai-prices ${libraryVersion}; report costUSD instead.`,
  };
}

type Tiers = { readonly base: number; readonly tiers: readonly { start: number; price: number }[] };

/** One tier applies to the whole call: the highest whose start lies below the input tokens. */
function tierPrice({ base, tiers }: Tiers, inputTokens: number): number {
  const reached = tiers.filter(({ start }) => inputTokens > start).sort((a, b) => b.start - a.start);
  return reached[0]?.price ?? base;
}

/** Prices are held in 1e-20 USD per million units, costs in 1e-26 USD. */
const priceDecimals = 20;
const costPerNano = 10n ** BigInt(priceDecimals + 6 - 9);

/** The shortest decimal text of a price, which is what the price list says, without an exponent. */
function decimalText(price_usd: number): string {
  const [digits = '', exponent] = String(price_usd).split('e-');
  if (exponent === undefined) return digits;
  const [whole = '', fraction = ''] = digits.split('.');
  return `0.${(whole + fraction).padStart(Number(exponent) + fraction.length, '0')}`;
}

/** @throws Error when the text has more decimals than are held */
function scaledPrice(decimal: string): bigint {
  const [whole = '', fraction = ''] = decimal.split('.');
  if (fraction.length > priceDecimals) {
    throw new Error(`Unit price ${decimal} has more than ${priceDecimals} decimals; raise priceDecimals.`);
  }
  return BigInt(whole + fraction.padEnd(priceDecimals, '0'));
}

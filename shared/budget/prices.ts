/**
 * Exact prices of model usage (B2): integers throughout, one rounding at the end. What has no price is refused by
 * name and never priced at zero.
 */

import * as z from 'zod';
import { amountMax_nanos, amountMax_usd, nanosToDecimal } from '../platform/money.ts';
import { billedUnits, priceKeyOf, type UnitCounts } from './billed-units.ts';
import { tokenUsage } from './contract.ts';
import { findOperatorPrice, operatorPriceList, type PriceTable } from './operator-prices.ts';
import { findPriceList, isKnownProvider, librarySource, type PriceList } from './price-catalog.ts';
import { countsOfTokens, tokensOfCounts } from './price-usage.ts';
import { nanosOfCost, ratesOf } from './rates.ts';

/** Input tokens include cached and cache-write tokens; output tokens include reasoning tokens. */
export type TokenUsage = import('./contract.ts').TokenUsage;

export type PricedUsage = {
  kind: 'priced';
  /** 1e-9 USD, a half rounded up. */
  costNanos: bigint;
  /** Price library or operator's table with its version, provider, model and, where prices change, their validity. */
  priceVersion: string;
  /**
   * Decimal texts of the prices in force: USD per million tokens by kind (input, cachedInput, cacheWrite, output,
   * reasoning); others under the library's own key. A kind that is missing is billed as input or output.
   */
  unitPrices: Readonly<Record<string, string>>;
};

export type PriceRefusal = { kind: 'unknown_model' | 'impossible_usage'; message: string };

export type PriceQuery = { provider?: string | undefined; model: string; at: Date };

/** The operator's prices, which go before the library's, for one tenant. */
export type OperatorPrices = { readonly table: PriceTable; readonly tenantId: string };

/** Prices the tokens of one event at the prices in force at the event's time. */
export function priceUsage(
  input: PriceQuery & { usage: TokenUsage; operator?: OperatorPrices },
): PricedUsage | PriceRefusal {
  const list = priceListOf(input, input.operator);
  return 'kind' in list ? list : priceCounts(list, countsOfTokens(input.usage));
}

/** The price list in force, or a refusal naming the model or provider that has none. */
export function priceListOf(query: PriceQuery, operator?: OperatorPrices): PriceList | PriceRefusal {
  const { provider, model, at } = query;
  const library = findPriceList(provider, model, at);
  if (operator !== undefined) {
    const resolved = library === null ? [] : [{ provider: library.provider.id, model: library.model.id }];
    const price = findOperatorPrice(
      operator.table,
      operator.tenantId,
      [{ provider, model }, ...resolved],
      at,
    );
    if (price !== null) return operatorPriceList(operator.table.version, price);
  }
  return library ?? unknownModel(query, operator);
}

/** Names what has no price, and where it was looked for. */
export function unknownModel({ provider, model }: PriceQuery, operator?: OperatorPrices): PriceRefusal {
  const ofProvider = provider === undefined ? '' : ` of provider "${provider}"`;
  const unknown =
    provider !== undefined && !isKnownProvider(provider)
      ? `Provider "${provider}" of model "${model}"`
      : `Model "${model}"${ofProvider}`;
  const [where, remedy] =
    operator === undefined
      ? [librarySource, 'report costUSD instead']
      : [
          `${librarySource} and to the operator's price table`,
          'report costUSD instead, or ask the operator for a price',
        ];
  return { kind: 'unknown_model', message: `${unknown} is unknown to ${where}; ${remedy}.` };
}

/** Prices counts by the library's names, which know more kinds than ours, such as audio tokens and web searches. */
export function priceCounts(list: PriceList, counts: UnitCounts): PricedUsage | PriceRefusal {
  const refusal = implausible(counts) ?? unpriced(list, counts);
  if (refusal !== undefined) return refusal;
  const { billing, perUnit, unitPrices } = ratesOf(list.prices, counts.input_tokens ?? 0);
  let cost = 0n;
  for (const [place, units] of billedUnits(billing, counts).entries()) {
    const rate = perUnit[place] ?? null;
    if (rate === null || units === 0) continue;
    if (units < 0) {
      const whole = billing[place]?.key.replace(/_mtok$/, ' tokens');
      return impossibleUsage(`The parts of ${whole} add up to more than their whole.`);
    }
    cost += rate * BigInt(units);
  }
  const costNanos = nanosOfCost(cost);
  if (costNanos > amountMax_nanos) {
    return impossibleUsage(
      `It would cost ${nanosToDecimal(costNanos)} USD; one event may cost at most ${amountMax_usd} USD.`,
    );
  }
  return {
    kind: 'priced',
    costNanos,
    priceVersion: list.version,
    unitPrices,
  };
}

/** Beyond it no single report is believable, and below it the cost fits a 64-bit column. */
const unitsMax = 1_000_000_000_000;
const plausibleCounts = z.record(z.string(), z.int().min(0).max(unitsMax));

function implausible(counts: UnitCounts): PriceRefusal | undefined {
  if (isPlausible(counts)) return undefined;
  const tokens = tokenUsage.safeParse(tokensOfCounts(counts));
  const checked = tokens.success ? plausibleCounts.safeParse(counts) : tokens;
  if (checked.success) return undefined;
  const issues = checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return impossibleUsage(issues.join('; '));
}

/** Whether it passes for certain; what does not is judged by the schemas, which have the words for it. */
function isPlausible(counts: UnitCounts): boolean {
  for (const name in counts) {
    const count = counts[name];
    if (!Number.isInteger(count) || count === undefined || count < 0 || count > unitsMax) return false;
  }
  const {
    inputTokens,
    cachedInputTokens = 0,
    cacheWriteTokens = 0,
    outputTokens,
    reasoningTokens = 0,
  } = tokensOfCounts(counts);
  return cachedInputTokens + cacheWriteTokens <= inputTokens && reasoningTokens <= outputTokens;
}

function impossibleUsage(message: string): PriceRefusal {
  return { kind: 'impossible_usage', message };
}

/**
 * The library bills at nothing what has no price; here it is a refusal. Kinds of tokens without a price of their own
 * are billed as input or output, so that only those two and calls can lack one.
 */
function unpriced(
  { prices, provider, model, source }: PriceList,
  counts: UnitCounts,
): PriceRefusal | undefined {
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
      `in ${source}; report costUSD instead.`,
  };
}

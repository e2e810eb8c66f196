/**
 * What the price library knows: which price list is in force for a model at an instant. The arithmetic of money is
 * not taken from it, since it uses doubles.
 *
 * The library's data is bundled with it and nothing is fetched. Loading takes about 50 ms, so a caller that seldom
 * needs prices does well to import `prices.ts` on first use.
 */

import {
  type ConditionalPrice,
  calcPrice,
  findProvider,
  type ModelInfo,
  type ModelPrice,
  type Provider,
} from '@pydantic/genai-prices';

/** Of the library, which offers no way to ask for it; a test compares it with the installed package. */
export const libraryVersion = '0.1.8';

/** The price list in force for one model at one instant. */
export type PriceList = {
  readonly provider: Provider;
  readonly model: ModelInfo;
  /** USD by price key: `_mtok` is per million tokens, `_kcount` per thousand calls. */
  readonly prices: ModelPrice;
  /** Names library version, provider, model and, where prices change by date or hour, which of them applies. */
  readonly version: string;
};

/** Lists that hold at any time, by provider and model as asked for: a look-up takes about 50 us, one here under 1. */
const timeless = new Map<string, PriceList>();
const timelessMax = 1000;

/**
 * Looks up the price list of a model at an instant. Without a provider the model's name decides, also in the form
 * `provider/model`.
 *
 * @returns null when provider or model is unknown
 */
export function findPriceList(provider: string | undefined, model: string, at: Date): PriceList | null {
  const key = JSON.stringify([provider, model]);
  const known = timeless.get(key);
  if (known !== undefined) return known;
  const list = lookUp(provider, model, at);
  if (list !== null && !Array.isArray(list.model.prices)) {
    if (timeless.size >= timelessMax) timeless.clear();
    timeless.set(key, list);
  }
  return list;
}

function lookUp(provider: string | undefined, model: string, at: Date): PriceList | null {
  // Under the name "litellm" the library reads `provider/model` and else goes by the model's name.
  const match = calcPrice({}, model, { providerId: provider ?? 'litellm', timestamp: at });
  if (match === null) return null;
  const source = `genai-prices@${libraryVersion}:${match.provider.id}/${match.model.id}`;
  return {
    provider: match.provider,
    model: match.model,
    prices: match.model_price,
    version: source + validity(match.model, match.model_price),
  };
}

export function isKnownProvider(provider: string): boolean {
  return findProvider({ providerId: provider }) !== undefined;
}

function validity({ prices }: ModelInfo, inForce: ModelPrice): string {
  const conditional: ConditionalPrice[] = Array.isArray(prices) ? prices : [];
  const constraint = conditional.find((candidate) => candidate.prices === inForce)?.constraint;
  if (constraint === undefined) return '';
  return constraint.type === 'start_date'
    ? `;from=${constraint.start_date}`
    : `;from=${constraint.start_time};to=${constraint.end_time}`;
}

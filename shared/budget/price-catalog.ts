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

/** One price of a list, in USD; texts are decimals. One tier applies to a whole call. */
export type ListPrice =
  | number
  | string
  | {
      readonly base: number | string;
      readonly tiers: readonly { readonly start: number; readonly price: number | string }[];
    };

/** The price list in force for one model at one instant. */
export type PriceList = {
  /** Whose list it is, for people. */
  readonly source: string;
  readonly provider: { readonly id: string };
  readonly model: { readonly id: string };
  /** By price key: `_mtok` is per million tokens, `_kcount` per thousand calls, `_each` per call. */
  readonly prices: Readonly<Record<string, ListPrice | undefined>>;
  /** Names the source and its version, provider, model and, where prices change by date or hour, which applies. */
  readonly version: string;
};

/** A list of the library, with what it knows of the provider beyond prices. */
export type LibraryPriceList = PriceList & { readonly provider: Provider };

/** The library's name and version, for people. */
export const librarySource = `genai-prices ${libraryVersion}`;

/** Lists that hold at any time, by provider and model as asked for: a look-up takes about 50 us, one here under 1. */
const timeless = new Map<string, LibraryPriceList>();
const timelessMax = 1000;

/**
 * Looks up the price list of a model at an instant. Without a provider the model's name decides, also in the form
 * `provider/model`.
 *
 * @returns null when provider or model is unknown
 */
export function findPriceList(
  provider: string | undefined,
  model: string,
  at: Date,
): LibraryPriceList | null {
  const key = JSON.stringify([provider, model]);
  const known = timeless.get(key);
  if (known !== undefined) return known;
  const list = lookUp(provider, model, at);
  if (list === null) return null;
  if (list.timeless) {
    if (timeless.size >= timelessMax) timeless.clear();
    timeless.set(key, list);
  }
  return list;
}

function lookUp(
  provider: string | undefined,
  model: string,
  at: Date,
): (LibraryPriceList & { readonly timeless: boolean }) | null {
  // Under the name "litellm" the library reads `provider/model` and else goes by the model's name.
  const match = calcPrice({}, model, { providerId: provider ?? 'litellm', timestamp: at });
  if (match === null) return null;
  const named = `genai-prices@${libraryVersion}:${match.provider.id}/${match.model.id}`;
  return {
    source: librarySource,
    provider: match.provider,
    model: match.model,
    prices: match.model_price,
    version: named + validity(match.model, match.model_price),
    timeless: !Array.isArray(match.model.prices),
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

/**
 * Which price each token is billed at. Counts overlap (input tokens include cached ones, these include cached audio
 * tokens), and a token is billed once: at the most specific price that the list has for it. Pure.
 */

/** Counts by the price library's names: token counts end in `_tokens`, others are calls such as `web_searches`. */
export type UnitCounts = Readonly<Record<string, number | undefined>>;

/** How a list's prices share out the units: the most specific ones first. */
export type Billing = readonly {
  readonly key: string;
  /** The count that it is about; null: of the call itself. */
  readonly count: string | null;
  /** Places, before this one, of the prices whose units are part of this one's count. */
  readonly parts: readonly number[];
}[];

/** @param priceKeys the prices that the list has, such as `input_mtok` and `cache_read_mtok` */
export function billingOf(priceKeys: readonly string[]): Billing {
  const kinds = priceKeys.map((key) => ({ key, traits: traitsOf(key) }));
  kinds.sort((a, b) => b.traits.size - a.traits.size);
  return kinds.map(({ key, traits }, place) => ({
    key,
    count: countOf(key),
    parts: kinds.flatMap((part, index) => (index < place && includesAll(part.traits, traits) ? [index] : [])),
  }));
}

/** Units billed at each price of `billing`, in its order; negative where parts exceed their whole, which no real usage does. */
export function billedUnits(billing: Billing, counts: UnitCounts): readonly number[] {
  const billed: number[] = [];
  for (const { count, parts } of billing) {
    // An event is one request; nobody counts those.
    let units = count === null ? 1 : (counts[count] ?? 0);
    for (const part of parts) units -= billed[part] ?? 0;
    billed.push(units);
  }
  return billed;
}

/** The price key that a count is billed at if the list has it. */
export function priceKeyOf(count: string): string {
  return count.endsWith('_tokens') ? count.replace(/_tokens$/, '_mtok') : `${count}_kcount`;
}

function countOf(priceKey: string): string | null {
  if (priceKey.startsWith('requests_')) return null;
  return priceKey.replace(/_mtok$/, '_tokens').replace(/_kcount$/, '');
}

/** `cache_audio_read_mtok` is about input tokens that are audio and read from the cache. */
function traitsOf(priceKey: string): Set<string> {
  const traits = new Set(priceKey.split('_'));
  if (traits.has('cache')) traits.add('input');
  return traits;
}

function includesAll(whole: ReadonlySet<string>, part: ReadonlySet<string>): boolean {
  return [...part].every((trait) => whole.has(trait));
}

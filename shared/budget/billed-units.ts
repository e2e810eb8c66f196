/**
 * Which price each token is billed at. Counts overlap (input tokens include cached ones, these include cached audio
 * tokens), and a token is billed once: at the most specific price that the list has for it. Pure.
 */

/** Counts by the price library's names: token counts end in `_tokens`, others are calls such as `web_searches`. */
export type UnitCounts = Readonly<Record<string, number | undefined>>;

/**
 * Units billed at each price.
 *
 * @param priceKeys the prices that the list has, such as `input_mtok` and `cache_read_mtok`
 * @returns by price key; negative where parts exceed their whole, which no real usage does
 */
export function billedUnits(priceKeys: readonly string[], counts: UnitCounts): ReadonlyMap<string, number> {
  const billed = new Map<string, number>();
  const kinds = priceKeys.map((key) => ({ key, traits: traitsOf(key) }));
  kinds.sort((a, b) => b.traits.size - a.traits.size);
  for (const { key, traits } of kinds) {
    let units = countOf(key, counts);
    for (const part of kinds) {
      if (part.key !== key && includesAll(part.traits, traits)) units -= billed.get(part.key) ?? 0;
    }
    billed.set(key, units);
  }
  return billed;
}

/** The price key that a count is billed at if the list has it. */
export function priceKeyOf(count: string): string {
  return count.endsWith('_tokens') ? count.replace(/_tokens$/, '_mtok') : `${count}_kcount`;
}

function countOf(priceKey: string, counts: UnitCounts): number {
  // An event is one request; nobody counts those.
  if (priceKey.startsWith('requests_')) return 1;
  return counts[priceKey.replace(/_mtok$/, '_tokens').replace(/_kcount$/, '')] ?? 0;
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

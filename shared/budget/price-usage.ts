/** Usage in its three forms: our token counts, the price library's counts, and a provider's own usage body. */

import { extractUsage, type Provider } from '@pydantic/genai-prices';
import type { UnitCounts } from './billed-units.ts';
import type { TokenUsage } from './contract.ts';

export function countsOfTokens(usage: TokenUsage): UnitCounts {
  return {
    input_tokens: usage.inputTokens,
    cache_read_tokens: usage.cachedInputTokens ?? 0,
    cache_write_tokens: usage.cacheWriteTokens ?? 0,
    output_tokens: usage.outputTokens,
    output_reasoning_tokens: usage.reasoningTokens ?? 0,
  };
}

/** The part of the library's counts that we have a name for; a missing total counts as zero. */
export function tokensOfCounts(counts: UnitCounts): TokenUsage {
  return {
    inputTokens: counts.input_tokens ?? 0,
    cachedInputTokens: counts.cache_read_tokens,
    cacheWriteTokens: counts.cache_write_tokens,
    outputTokens: counts.output_tokens ?? 0,
    reasoningTokens: counts.output_reasoning_tokens,
  };
}

/** The library's names of counts. A provider's body may share some of them, but has others beside them. */
const libraryName =
  /^(?:(?:input|output)(?:_text|_audio|_image|_video)?(?:_tool|_reasoning|_citation)?_tokens|cache(?:_text|_audio|_image|_video)?_(?:read|write|write_5m|write_1h)_tokens|web_searches)$/;

/** Whether an object holds counts by the library's names and nothing else; an empty one counts nothing. */
export function isUnitCounts(usage: Readonly<Record<string, unknown>>): usage is UnitCounts {
  return Object.entries(usage).every(([name, count]) => libraryName.test(name) && typeof count === 'number');
}

/**
 * Reads a provider's own usage body, such as OpenAI's `{prompt_tokens, completion_tokens, ...}`, by the first of the
 * library's rules for this provider that fits.
 *
 * @returns null when none fits
 */
export function countsOfBody(
  provider: Provider,
  usage: Readonly<Record<string, unknown>>,
): UnitCounts | null {
  for (const { api_flavor, root } of provider.extractors ?? []) {
    const steps = [root].flat().filter((step) => typeof step === 'string');
    const body = steps.reduceRight<unknown>((inner, step) => ({ [step]: inner }), usage);
    const counts = extracted(provider, body, api_flavor);
    if (counts !== null) return counts;
  }
  return null;
}

function extracted(provider: Provider, body: unknown, apiFlavor: string): UnitCounts | null {
  try {
    return extractUsage(provider, body, apiFlavor).usage;
  } catch {
    // By throwing, the library says that the rule does not fit the body.
    return null;
  }
}

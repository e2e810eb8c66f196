import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { calcPrice, waitForUpdate } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { type OperatorPrice, priceTableOf } from '../../shared/budget/operator-prices.ts';
import { libraryVersion } from '../../shared/budget/price-catalog.ts';
import { priceUsage, type TokenUsage } from '../../shared/budget/prices.ts';

const noon = '2026-06-01T12:00:00.000Z';

function priceOf(model: string, usage: TokenUsage, at = noon, provider?: string) {
  const price = priceUsage({ provider, model, at: new Date(at), usage });
  if (price.kind !== 'priced') throw new Error(price.message);
  return price;
}

// Costs are worked out by hand from the published prices per million tokens.
describe('each kind of token has its price', () => {
  test.each<[string, string, TokenUsage, bigint]>([
    [
      'input and output',
      'gpt-5.2', // 1.75 and 14
      { inputTokens: 10_765, outputTokens: 590 },
      27_098_750n,
    ],
    [
      'cached tokens are part of the input and cost less',
      'gpt-5.2', // cached 0.175: 500 x 1.75 + 500 x 0.175 + 10 x 14
      { inputTokens: 1000, cachedInputTokens: 500, outputTokens: 10 },
      1_102_500n,
    ],
    [
      'cache writes cost more than input',
      'claude-sonnet-4-5', // 3, cached 0.3, write 3.75, output 15
      { inputTokens: 1110, cachedInputTokens: 1000, cacheWriteTokens: 10, outputTokens: 5 },
      712_500n,
    ],
    [
      'reasoning is part of the output',
      'gpt-5.2',
      { inputTokens: 0, outputTokens: 100, reasoningTokens: 90 },
      1_400_000n,
    ],
    [
      'reasoning with a price of its own',
      'openrouter/perplexity/sonar-deep-research', // output 8, reasoning 3
      { inputTokens: 0, outputTokens: 100, reasoningTokens: 90 },
      350_000n,
    ],
    [
      'cached tokens of a model without a price for them are input',
      'openrouter/perplexity/sonar-deep-research', // input 2
      { inputTokens: 100, cachedInputTokens: 40, outputTokens: 0 },
      200_000n,
    ],
    ['nothing used costs nothing', 'gpt-5.2', { inputTokens: 0, outputTokens: 0 }, 0n],
  ])('%s', (_story, model, usage, expected) => {
    expect(priceOf(model, usage).costNanos).toBe(expected);
  });

  test('a price per request is added once', () => {
    // 12 USD per thousand requests, 1 USD per million tokens
    expect(priceOf('sonar', { inputTokens: 1, outputTokens: 0 }, noon, 'perplexity').costNanos).toBe(
      12_001_000n,
    );
  });
});

describe('tiers go by the input of the whole call', () => {
  test.each<[string, TokenUsage, bigint]>([
    [
      'at the start of the tier the lower price holds',
      { inputTokens: 200_000, outputTokens: 1 },
      250_010_000n,
    ],
    ['one token above it everything costs more', { inputTokens: 200_001, outputTokens: 1 }, 500_017_500n],
    [
      'cached tokens count towards the tier',
      { inputTokens: 200_001, cachedInputTokens: 200_000, outputTokens: 0 },
      50_002_500n,
    ],
  ])('gemini-2.5-pro: %s', (_story, usage, expected) => {
    expect(priceOf('gemini-2.5-pro', usage).costNanos).toBe(expected);
  });
});

describe('the instant of the event decides', () => {
  const million: TokenUsage = { inputTokens: 1_000_000, outputTokens: 0 };

  test.each([
    ['o3', 'a millisecond before its price fell', '2025-06-09T23:59:59.999Z', 10_000_000_000n],
    ['o3', 'from the day its price fell', '2025-06-10T00:00:00.000Z', 2_000_000_000n],
    ['deepseek-chat', 'a millisecond before the day rate', '2026-06-01T00:29:59.999Z', 135_000_000n],
    ['deepseek-chat', 'at the day rate', '2026-06-01T00:30:00.000Z', 270_000_000n],
    ['deepseek-chat', 'after the day rate', '2026-06-01T16:30:00.000Z', 135_000_000n],
  ])('%s %s', (model, _story, at, expected) => {
    expect(priceOf(model, million, at).costNanos).toBe(expected);
  });

  test('the version tells prices of different times apart', () => {
    const versions = ['2025-06-09T00:00:00Z', '2025-06-10T00:00:00Z'].map(
      (at) => priceOf('o3', million, at).priceVersion,
    );
    expect(versions).toEqual([
      `genai-prices@${libraryVersion}:openai/o3`,
      `genai-prices@${libraryVersion}:openai/o3;from=2025-06-10`,
    ]);
  });
});

describe('money is exact', () => {
  test.each([
    [1, 19n], // 18.75
    [2, 38n], // 37.5
    [6, 113n], // 112.5
  ])('%d cached tokens at 0.01875: a half goes up', (tokens, expected) => {
    const usage = { inputTokens: tokens, cachedInputTokens: tokens, outputTokens: 0 };
    expect(priceOf('gemini-1.5-flash', usage).costNanos).toBe(expected);
  });

  test('kinds are added up before the rounding', () => {
    // 1 x 18.75 + 1 x 75 = 93.75
    const usage = { inputTokens: 2, cachedInputTokens: 1, outputTokens: 0 };
    expect(priceOf('gemini-1.5-flash', usage).costNanos).toBe(94n);
  });

  test('every decimal of a unit price counts', () => {
    // 1e12 tokens at 0.08333333333333334 per million: 83333.33333333334 USD
    const usage = { inputTokens: 1e12, cacheWriteTokens: 1e12, outputTokens: 0 };
    const price = priceOf('google/gemini-3.5-flash', usage, noon, 'openrouter');
    expect(price.costNanos).toBe(83_333_333_333_333n);
    expect(price.unitPrices.cacheWrite).toBe('0.08333333333333334');
  });

  test('unit prices are kept as decimals by kind, of the tier that holds', () => {
    const price = priceOf('claude-sonnet-4-5', { inputTokens: 200_001, outputTokens: 1 });
    expect(price.unitPrices).toMatchObject({
      input: '6',
      cachedInput: '0.6',
      cacheWrite: '7.5',
      output: '22.5',
    });
  });
});

describe('what cannot be priced is refused by name', () => {
  const some: TokenUsage = { inputTokens: 10, outputTokens: 10 };

  test.each<[string, { provider?: string; model: string; usage: TokenUsage }, string, string[]]>([
    ['an unknown model', { model: 'imaginary', usage: some }, 'unknown_model', ['"imaginary"']],
    [
      'a model that its provider does not have',
      { provider: 'anthropic', model: 'gpt-5.2', usage: some },
      'unknown_model',
      ['"gpt-5.2"', '"anthropic"'],
    ],
    [
      'an unknown provider of a known model',
      { provider: 'nowhere', model: 'gpt-5.2', usage: some },
      'unknown_model',
      ['Provider "nowhere"', '"gpt-5.2"'],
    ],
    [
      'output of a model without a price for it',
      { model: 'text-embedding-3-small', provider: 'openai', usage: some },
      'unknown_model',
      ['"text-embedding-3-small"', 'no price for output tokens'],
    ],
    [
      'a model listed without prices',
      { provider: 'openrouter', model: 'deepseek/deepseek-r1:free', usage: some },
      'unknown_model',
      ['no price for input tokens and output tokens'],
    ],
    [
      'cached tokens above the input',
      { model: 'gpt-5.2', usage: { ...some, cachedInputTokens: 6, cacheWriteTokens: 5 } },
      'impossible_usage',
      ['cachedInputTokens', 'inputTokens'],
    ],
    [
      'cached tokens above the input of a model that does not price them',
      { model: 'openrouter/perplexity/sonar-deep-research', usage: { ...some, cachedInputTokens: 11 } },
      'impossible_usage',
      ['cachedInputTokens'],
    ],
    [
      'reasoning above the output',
      { model: 'gpt-5.2', usage: { ...some, reasoningTokens: 11 } },
      'impossible_usage',
      ['reasoningTokens'],
    ],
    [
      'negative counts',
      { model: 'gpt-5.2', usage: { inputTokens: -1, outputTokens: 1 } },
      'impossible_usage',
      ['inputTokens'],
    ],
    [
      'parts of tokens',
      { model: 'gpt-5.2', usage: { inputTokens: 1, outputTokens: 0.5 } },
      'impossible_usage',
      ['outputTokens'],
    ],
    [
      'more than a trillion tokens',
      { model: 'gpt-5.2', usage: { inputTokens: 1e12 + 1, outputTokens: 0 } },
      'impossible_usage',
      ['input_tokens'],
    ],
  ])('%s', (_story, { provider, model, usage }, kind, words) => {
    const refusal = priceUsage({ provider, model, at: new Date(noon), usage });
    expect(refusal).toMatchObject({ kind });
    for (const word of words) expect(refusal).toHaveProperty('message', expect.stringContaining(word));
  });
});

describe('the price library', () => {
  test('is the version that prices are stored under', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(libraryVersion).toBe(manifest.dependencies['@pydantic/genai-prices']);
  });

  test('agrees to 1e-9 USD on every model that it has prices for', async () => {
    const at = new Date(noon);
    const usage: TokenUsage = {
      inputTokens: 300_123,
      cachedInputTokens: 1234,
      cacheWriteTokens: 567,
      outputTokens: 8901,
      reasoningTokens: 765,
    };
    const counts = {
      input_tokens: 300_123,
      cache_read_tokens: 1234,
      cache_write_tokens: 567,
      output_tokens: 8901,
      output_reasoning_tokens: 765,
    };
    const apart: string[] = [];
    let compared = 0;
    for (const provider of (await waitForUpdate()) ?? []) {
      for (const { id } of provider.models) {
        const price = priceUsage({ provider: provider.id, model: id, at, usage });
        if (price.kind !== 'priced') continue;
        const theirs = calcPrice(counts, id, { providerId: provider.id, timestamp: at });
        const gap_usd = Math.abs(Number(price.costNanos) / 1e9 - (theirs?.total_price ?? Number.NaN));
        if (!(gap_usd < 1e-9)) apart.push(`${price.priceVersion}: ${gap_usd}`);
        compared += 1;
      }
    }
    expect(apart).toEqual([]);
    expect(compared).toBeGreaterThan(1000);
  });
});

test("the library's prices as the operator's table cost what they cost in the library, whatever the usage", async () => {
  // claude-sonnet-4-5: 3, 0.3, 3.75, 15, and above 200,000 input tokens 6, 0.6, 7.5, 22.5
  const copy: OperatorPrice = {
    tenantId: null,
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    from: null,
    to: null,
    unitPrices: { input: '3', cachedInput: '0.3', cacheWrite: '3.75', output: '15' },
    tiers: [
      {
        aboveInputTokens: 200_000,
        unitPrices: { input: '6', cachedInput: '0.6', cacheWrite: '7.5', output: '22.5' },
      },
    ],
  };
  const operator = { table: priceTableOf(7, [copy]), tenantId: 'anyone' };
  const tokens = fc.integer({ min: 0, max: 150_000 });
  await fc.assert(
    fc.property(tokens, tokens, tokens, tokens, (plain, cached, written, outputTokens) => {
      const usage = {
        inputTokens: plain + cached + written,
        cachedInputTokens: cached,
        cacheWriteTokens: written,
        outputTokens,
      };
      const asked = { model: 'claude-sonnet-4-5', at: new Date(noon), usage };
      const [theirs, ours] = [priceUsage(asked), priceUsage({ ...asked, operator })];
      if (theirs.kind !== 'priced') throw new Error(theirs.message);
      expect(ours).toMatchObject({
        costNanos: theirs.costNanos,
        priceVersion: 'operator@7:anthropic/claude-sonnet-4-5',
      });
    }),
  );
});

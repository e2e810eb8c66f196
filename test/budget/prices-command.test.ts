import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readLines } from '../../commands/lines.ts';
import { priceLine } from '../../commands/price.ts';

const at = '2026-06-01T12:00:00.000Z';

function costOf(line: Record<string, unknown>): unknown {
  const answer = priceLine(JSON.stringify({ id: 'a', at, ...line }));
  return 'costUSD' in answer ? answer.costUSD : answer.error;
}

describe('a line of npm run price', () => {
  test('answers id, cost and price version', () => {
    const line = { id: 'a', model: 'gpt-5.2', at, usage: { inputTokens: 10_765, outputTokens: 590 } };
    const answer = priceLine(JSON.stringify({ ...line, note: 'ignored' }));
    expect(answer).toEqual({
      id: 'a',
      costUSD: 0.02709875,
      priceVersion: expect.stringContaining('gpt-5.2'),
    });
  });

  test.each<[string, Record<string, unknown>, number]>([
    [
      'counts by the library',
      { model: 'gpt-5.2', usage: { input_tokens: 1000, cache_read_tokens: 500, output_tokens: 10 } },
      0.0011025,
    ],
    [
      'audio at the audio price (gemini-2.5-flash: audio 1, other input 0.3)',
      { model: 'gemini-2.5-flash', usage: { input_tokens: 214, input_audio_tokens: 144, output_tokens: 0 } },
      0.000165,
    ],
    [
      'web searches at 10 USD per thousand',
      { model: 'gpt-5.2', usage: { input_tokens: 0, output_tokens: 0, web_searches: 3 } },
      0.03,
    ],
    [
      "OpenAI's chat body",
      {
        provider: 'openai',
        model: 'gpt-5.2',
        usage: {
          prompt_tokens: 1000,
          completion_tokens: 10,
          total_tokens: 1010,
          prompt_tokens_details: { cached_tokens: 500 },
        },
      },
      0.0011025,
    ],
    [
      "OpenAI's responses body",
      {
        model: 'openai/gpt-5.2',
        usage: {
          input_tokens: 1000,
          input_tokens_details: { cached_tokens: 500 },
          output_tokens: 10,
          total_tokens: 1010,
        },
      },
      0.0011025,
    ],
    [
      "Anthropic's body, whose input_tokens leave out the cached ones",
      {
        provider: 'anthropic',
        model: 'claude-sonnet-4-5',
        usage: {
          input_tokens: 100,
          cache_read_input_tokens: 1000,
          cache_creation_input_tokens: 10,
          output_tokens: 5,
        },
      },
      0.0007125,
    ],
    [
      "Google's body, whose thoughts come on top of the candidates",
      {
        model: 'gemini-2.5-pro',
        usage: { promptTokenCount: 1000, candidatesTokenCount: 10, thoughtsTokenCount: 5 },
      },
      0.0014,
    ],
  ])('reads %s', (_form, line, expected) => {
    expect(costOf(line)).toBe(expected);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['an unknown model', { model: 'nope', usage: { inputTokens: 1, outputTokens: 1 } }, /"nope"/],
    ['a usage of no known form', { model: 'gpt-5.2', usage: { spoons: 3 } }, /spoons.*openai/],
    [
      'an unknown field',
      { model: 'gpt-5.2', usage: { inputTokens: 1, outputTokens: 1, spoons: 3 } },
      /spoons/,
    ],
    ['negative counts', { model: 'gpt-5.2', usage: { inputTokens: -1, outputTokens: 1 } }, /inputTokens/],
    [
      'cached above input by the library names',
      { model: 'gpt-5.2', usage: { input_tokens: 1, cache_read_tokens: 2, output_tokens: 1 } },
      /cachedInputTokens/,
    ],
    [
      'audio above input',
      { model: 'gemini-2.5-flash', usage: { input_tokens: 1, input_audio_tokens: 2, output_tokens: 1 } },
      /input tokens add up/,
    ],
    [
      'searches of a model without a price for them',
      { model: 'gemini-1.5-flash', usage: { input_tokens: 1, output_tokens: 1, web_searches: 1 } },
      /no price for web searches/,
    ],
    ['no model', { usage: { inputTokens: 1, outputTokens: 1 } }, /model/],
    ['no instant', { model: 'gpt-5.2', at: 'yesterday', usage: {} }, /at/],
  ])('answers %s with an error', (_story, line, message) => {
    expect(costOf(line)).toEqual(expect.stringMatching(message));
  });

  test.each([
    ['not JSON', /JSON/],
    ['{"model": "gpt-5.2"}', /id/],
  ])('stops at %s', (line, message) => {
    expect(() => priceLine(line)).toThrow(message);
  });
});

// Real usages with known costs; each file stands beside the project where its data is at hand.
describe('real usages', () => {
  const folder = join('..', 'shared', 'data', 'prices');

  async function costs(file: string, read: (line: Record<string, unknown>) => [unknown, unknown]) {
    const pairs: [unknown, unknown][] = [];
    for await (const line of readLines(join(folder, file))) pairs.push(read(JSON.parse(line)));
    return { found: pairs.map(([found]) => found), expected: pairs.map(([, expected]) => expected) };
  }

  function testWith(file: string) {
    const there = existsSync(join(folder, file));
    return (title: string, run: () => Promise<void>) =>
      there ? test(title, run) : test.skip(`${title} (skipped: ${join(folder, file)} is not there)`, run);
  }

  /** Sums of decimals such as "0.00005625" to nine decimals. */
  const rounded = (...amounts_usd: unknown[]) =>
    Number(amounts_usd.reduce<number>((sum, amount) => sum + Number(amount), 0).toFixed(9));

  testWith('genai-prices-usages.jsonl.gz')('cost what their source says, by its own counts', async () => {
    const { found, expected } = await costs('genai-prices-usages.jsonl.gz', (line) => [
      costOf(line),
      rounded(line.input_usd, line.output_usd),
    ]);
    expect(found).toEqual(expected);
    expect(found).toHaveLength(507);
  });

  testWith('aider-cost-events.jsonl.gz')('cost what the client booked', async () => {
    const { found, expected } = await costs('aider-cost-events.jsonl.gz', (line) => [
      costOf({
        model: line.model,
        at: new Date(Number(line.t) * 1000).toISOString(),
        usage: { inputTokens: line.prompt_tokens, outputTokens: line.completion_tokens },
      }),
      rounded(line.cost_usd),
    ]);
    expect(found).toEqual(expected);
    expect(found).toHaveLength(55);
  });
});

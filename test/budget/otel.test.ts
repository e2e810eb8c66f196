/** B2: usage in the names of OpenTelemetry's GenAI conventions. */

import { describe, expect, test } from '@jest/globals';
import { priceLine } from '../../commands/price.ts';
import { fromOpenTelemetry } from '../../shared/budget/otel-usage.ts';
import { withDatabase } from '../setup/database.ts';
import { worldOf } from './world.ts';

const inOurs = (event: Record<string, unknown>) => {
  const translated = fromOpenTelemetry(event);
  return 'event' in translated ? translated.event : translated.message;
};

const span = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'anthropic',
  'gen_ai.request.model': 'claude-sonnet-4-5',
  'gen_ai.response.model': 'claude-sonnet-4-5-20250929',
  'gen_ai.usage.input_tokens': 1110,
  'gen_ai.usage.cache_read.input_tokens': 1000,
  'gen_ai.usage.cache_creation.input_tokens': 10,
  'gen_ai.usage.output_tokens': 5,
  'gen_ai.usage.reasoning.output_tokens': 3,
  'server.port': 443,
};
const usage = {
  inputTokens: 1110,
  cachedInputTokens: 1000,
  cacheWriteTokens: 10,
  outputTokens: 5,
  reasoningTokens: 3,
};

describe('attributes of a span', () => {
  test('say provider, model and usage; what else the span has is left aside', () => {
    expect(inOurs({ eventId: 'e', attributes: span })).toEqual({
      eventId: 'e',
      provider: 'anthropic',
      model: 'claude-sonnet-4-5-20250929',
      usage,
    });
  });

  test.each<[string, object, object]>([
    [
      'older names of the counts',
      { 'gen_ai.usage.prompt_tokens': 7, 'gen_ai.usage.completion_tokens': 2 },
      { usage: { inputTokens: 7, outputTokens: 2 } },
    ],
    [
      'the newer name of cache writes',
      { 'gen_ai.usage.cache_write.input_tokens': 4 },
      { usage: { cacheWriteTokens: 4 } },
    ],
    ['the model asked for, when none answered', { 'gen_ai.request.model': 'o3' }, { model: 'o3' }],
    ['the older name of the provider', { 'gen_ai.system': 'openai' }, { provider: 'openai' }],
    [
      'the newer name of the provider, beside the older',
      { 'gen_ai.system': 'az.ai.openai', 'gen_ai.provider.name': 'azure.ai.openai' },
      { provider: 'azure' },
    ],
    [
      'a provider by the name that the price library has for it',
      { 'gen_ai.provider.name': 'gcp.gen_ai' },
      { provider: 'google' },
    ],
    ['a sum of tokens, which follows from the others', { 'gen_ai.usage.total_tokens': 9 }, {}],
  ])('may be %s', (_story, attributes, expected) => {
    expect(inOurs({ attributes })).toEqual(expected);
  });

  test('may stand flat in usage', () => {
    const flat = { 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.output_tokens': 2 };
    expect(inOurs({ model: 'o3', usage: flat })).toEqual({
      model: 'o3',
      usage: { inputTokens: 7, outputTokens: 2 },
    });
  });

  test('an event without any is left as it is', () => {
    const event = { eventId: 'e', usage, model: 'o3' };
    expect(inOurs(event)).toBe(event);
  });
});

describe('what is said twice', () => {
  test.each<[string, Record<string, unknown>]>([
    ['the same counts', { usage, attributes: span }],
    ['the model asked for', { model: 'claude-sonnet-4-5', attributes: span }],
    ['the model that answered', { model: 'claude-sonnet-4-5-20250929', attributes: span }],
    [
      'the same provider by another name',
      { provider: 'x-ai', attributes: { 'gen_ai.provider.name': 'x_ai' } },
    ],
  ])('and agrees is accepted: %s', (_story, event) => {
    expect(typeof inOurs(event)).toBe('object');
  });

  test.each<[string, Record<string, unknown>, string, string]>([
    [
      'counts',
      { usage: { ...usage, inputTokens: 9 }, attributes: span },
      'usage.inputTokens is 9',
      '["gen_ai.usage.input_tokens"] is 1110',
    ],
    ['models', { model: 'o3', attributes: span }, 'model is "o3"', 'attributes["gen_ai.response.model"]'],
    [
      'providers',
      { provider: 'openai', attributes: span },
      'provider is "openai"',
      'attributes["gen_ai.provider.name"]',
    ],
    [
      'names of one count',
      { attributes: { 'gen_ai.usage.input_tokens': 1, 'gen_ai.usage.prompt_tokens': 2 } },
      'attributes["gen_ai.usage.input_tokens"] is 1',
      'attributes["gen_ai.usage.prompt_tokens"] is 2',
    ],
    [
      'usage and attributes',
      { usage: { 'gen_ai.usage.output_tokens': 1 }, attributes: { 'gen_ai.usage.output_tokens': 2 } },
      'usage["gen_ai.usage.output_tokens"] is 1',
      'attributes["gen_ai.usage.output_tokens"] is 2',
    ],
  ])('and does not agree is refused naming both: %s', (_story, event, first, second) => {
    const message = inOurs(event);
    expect(message).toEqual(expect.stringContaining(first));
    expect(message).toEqual(expect.stringContaining(second));
  });

  test.each<[string, Record<string, unknown>, string]>([
    [
      'a count that nobody knows',
      { attributes: { 'gen_ai.usage.audio.input_tokens': 1 } },
      'gen_ai.usage.audio.input_tokens',
    ],
    [
      'ours mixed in among flat ones',
      { usage: { 'gen_ai.usage.input_tokens': 1, outputTokens: 2 } },
      'outputTokens',
    ],
    ['no object', { attributes: 'gen_ai' }, 'attributes'],
    ['usage that is none', { usage: 5, attributes: span }, 'usage'],
  ])('%s is refused by name', (_story, event, name) => {
    expect(inOurs(event)).toEqual(expect.stringContaining(name));
  });
});

describe('over the API', () => {
  const database = withDatabase();
  const world = worldOf(database);

  test('is priced and kept as our own counts; bad values are refused by their field', async () => {
    await world.setQuotas('otel', {});
    await world.start('otel', 'run', 100);
    const { body } = await world.report(
      'otel',
      'run',
      { eventId: 'span', attributes: span },
      {
        eventId: 'flat',
        model: 'gpt-5.2',
        usage: { 'gen_ai.usage.input_tokens': 1000, 'gen_ai.usage.output_tokens': 10 },
      },
      { eventId: 'torn', attributes: { ...span, 'gen_ai.usage.input_tokens': 5 } },
      { eventId: 'text', attributes: { ...span, 'gen_ai.usage.output_tokens': '5' } },
      { eventId: 'both', model: 'o3', attributes: span },
      { eventId: 'none', attributes: { 'gen_ai.operation.name': 'chat' } },
    );
    expect(body).toMatchObject({
      accepted: 2,
      rejected: [
        { eventId: 'torn', code: 'bad_event', message: expect.stringContaining('cachedInputTokens') },
        { eventId: 'text', code: 'bad_event', message: expect.stringContaining('usage.outputTokens') },
        { eventId: 'both', code: 'bad_event', message: expect.stringContaining('gen_ai.response.model') },
        {
          eventId: 'none',
          code: 'bad_event',
          message: expect.stringContaining('give costUSD, or model with usage'),
        },
      ],
    });
    // 100 x 3 + 1000 x 0.3 + 10 x 3.75 + 5 x 15, and 1000 x 1.75 + 10 x 14, per million
    const rows = await database.app.query(
      `select event_id, cost_usd_nanos as nanos, usage from cost_events where tenant_id = 'otel' order by event_id`,
    );
    expect(rows).toEqual([
      { event_id: 'flat', nanos: 1_890_000n, usage: { inputTokens: 1000, outputTokens: 10 } },
      { event_id: 'span', nanos: 712_500n, usage },
    ]);
  });
});

test('npm run price takes them as usage', () => {
  const counts = {
    'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.cache_read.input_tokens': 500,
    'gen_ai.usage.output_tokens': 10,
  };
  const line = { id: 'a', model: 'gpt-5.2', at: '2026-06-01T12:00:00Z' };
  expect(priceLine(JSON.stringify({ ...line, usage: counts }))).toMatchObject({ costUSD: 0.0011025 });
  const strange = priceLine(JSON.stringify({ ...line, usage: { ...counts, 'gen_ai.usage.spoons': 1 } }));
  expect(strange).toMatchObject({ error: expect.stringContaining('gen_ai.usage.spoons') });
});

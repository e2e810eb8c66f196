import { describe, expect, test } from '@jest/globals';
import type * as z from 'zod';
import {
  checkpointRequest,
  claimsRequest,
  poolRequest,
  quotas,
  runRequest,
} from '../../shared/admission/contract.ts';
import { costEvent, costReport } from '../../shared/budget/contract.ts';
import { deliberationRequest } from '../../shared/deliberation/contract.ts';
import { fieldErrors } from '../../shared/platform/http-input.ts';

const run = { phase: 'build', budget: { maxCostUSD: 10 } };
const usage = { inputTokens: 100, outputTokens: 10 };
const checkpoint = { epoch: 1, sequence: 1, data: {} };

type Case = readonly [name: string, schema: z.ZodType, input: unknown, wrong: readonly string[]];

const cases: readonly Case[] = [
  ['a run with the least', runRequest, run, []],
  ['money of nine decimals', runRequest, { ...run, budget: { maxCostUSD: 0.000000001 } }, []],
  ['money of ten decimals', runRequest, { ...run, budget: { maxCostUSD: 1e-10 } }, ['budget.maxCostUSD']],
  ['no money', runRequest, { ...run, budget: { maxCostUSD: 0 } }, ['budget.maxCostUSD']],
  [
    'more than ten million',
    runRequest,
    { ...run, budget: { maxCostUSD: 10_000_000.01 } },
    ['budget.maxCostUSD'],
  ],
  ['money as text', runRequest, { ...run, budget: { maxCostUSD: '10' } }, ['budget.maxCostUSD']],
  [
    'a run of less than a second',
    runRequest,
    { ...run, budget: { maxCostUSD: 1, maxDurationMs: 999 } },
    ['budget.maxDurationMs'],
  ],
  [
    'cpu of four decimals',
    runRequest,
    { ...run, resources: { cpu: 0.0001, memoryGb: 1 } },
    ['resources.cpu'],
  ],
  ['cpu of three decimals', runRequest, { ...run, resources: { cpu: 0.001, memoryGb: 0 } }, []],
  ['cpu below zero', runRequest, { ...run, resources: { cpu: -1, memoryGb: 1 } }, ['resources.cpu']],
  ['cpu without memory', runRequest, { ...run, resources: { cpu: 1 } }, ['resources.memoryGb']],
  ['a phase with a space', runRequest, { ...run, phase: 'story loop' }, ['phase']],
  ['an override without a reason', runRequest, { ...run, priority: { class: 'P0' } }, ['priority.reason']],
  ['an override of nothing', runRequest, { ...run, priority: { reason: 'x' } }, ['priority.class']],
  ['a lease of 9 s', runRequest, { ...run, leaseSeconds: 9 }, ['leaseSeconds']],
  ['a lease of 24 h', runRequest, { ...run, leaseSeconds: 86_400 }, []],
  [
    '33 labels',
    runRequest,
    { ...run, labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, ''])) },
    ['labels'],
  ],
  ['a goal above 16 KB of UTF-8', runRequest, { ...run, goal: 'é'.repeat(8193) }, ['goal']],
  ['a goal of 16 KB of UTF-8', runRequest, { ...run, goal: 'é'.repeat(8192) }, []],
  ['an unknown field', runRequest, { ...run, urgent: true }, ['urgent']],

  ['a checkpoint with neither data nor location', checkpointRequest, { epoch: 1, sequence: 1 }, ['data']],
  ['a checkpoint with both', checkpointRequest, { ...checkpoint, location: 's3://b/k' }, ['data']],
  ['a checkpoint whose data is null', checkpointRequest, { ...checkpoint, data: null }, []],
  ['256 KB of data as JSON', checkpointRequest, { ...checkpoint, data: 'x'.repeat(256 * 1024 - 2) }, []],
  ['one byte more', checkpointRequest, { ...checkpoint, data: 'x'.repeat(256 * 1024 - 1) }, ['data']],
  ['epoch zero', checkpointRequest, { ...checkpoint, epoch: 0 }, ['epoch']],
  ['a hash that is none', checkpointRequest, { ...checkpoint, sha256: 'abc' }, ['sha256']],

  ['a cost', costEvent, { eventId: 'e1', costUSD: 0.1234567891234 }, []],
  ['tokens of a model', costEvent, { eventId: 'e1', model: 'm', usage }, []],
  ['a negative cost', costEvent, { eventId: 'e1', costUSD: -1 }, ['costUSD']],
  ['a negative correction', costEvent, { eventId: 'e1', costUSD: -1, kind: 'correction' }, []],
  ['neither cost nor tokens', costEvent, { eventId: 'e1', model: 'm' }, ['costUSD']],
  [
    'more cached than input tokens',
    costEvent,
    { eventId: 'e1', model: 'm', usage: { ...usage, cachedInputTokens: 101 } },
    ['usage.cachedInputTokens'],
  ],
  [
    'more reasoning than output tokens',
    costEvent,
    { eventId: 'e1', model: 'm', usage: { ...usage, reasoningTokens: 11 } },
    ['usage.reasoningTokens'],
  ],
  [
    'negative tokens',
    costEvent,
    { eventId: 'e1', model: 'm', usage: { ...usage, inputTokens: -1 } },
    ['usage.inputTokens'],
  ],
  [
    'a time without a zone',
    costEvent,
    { eventId: 'e1', costUSD: 1, occurredAt: '2026-01-01T00:00:00' },
    ['occurredAt'],
  ],
  [
    'a report in which one event is bad',
    costReport,
    {
      events: [
        { eventId: 'e1', costUSD: 'x' },
        { eventId: 'e2', costUSD: 1 },
      ],
    },
    [],
  ],
  [
    'a report with an event that cannot be named',
    costReport,
    { events: [{ eventId: 'e1' }, { costUSD: 1 }] },
    ['events[1].eventId'],
  ],
  ['an empty report', costReport, { events: [] }, ['events']],
  [
    '501 events',
    costReport,
    { events: Array.from({ length: 501 }, (_, i) => ({ eventId: `e${i}` })) },
    ['events'],
  ],

  ['reasoning of 256 KB', deliberationRequest, { text: 'x'.repeat(256 * 1024) }, []],
  ['reasoning of one byte more', deliberationRequest, { text: 'x'.repeat(256 * 1024 + 1) }, ['text']],
  ['empty reasoning', deliberationRequest, { text: '' }, ['text']],

  [
    'quotas of every kind',
    quotas,
    {
      cpu: { limit: 10, burstShare: 0.5 },
      memory: { limit: null },
      cost: { limitUSD: 100 },
      concurrentRuns: { limit: 0 },
      weight: 0.001,
      thresholds: { warn: 50, throttle: 80, pause: 95 },
      qualityGate: 'enforce',
    },
    [],
  ],
  ['thresholds that do not rise', quotas, { thresholds: { warn: 80, throttle: 80 } }, ['thresholds']],
  ['thresholds that fall across a gap', quotas, { thresholds: { warn: 90, pause: 80 } }, ['thresholds']],
  ['half a concurrent run', quotas, { concurrentRuns: { limit: 1.5 } }, ['concurrentRuns.limit']],
  ['no weight', quotas, { weight: 0 }, ['weight']],
  ['a pool without bounds', poolRequest, { cpu: null, memoryGb: null }, []],
  ['a pool of which half is not said', poolRequest, { cpu: 1 }, ['memoryGb']],
  ['claims of any class', claimsRequest, {}, []],
  ['claims of a class that is none', claimsRequest, { classes: ['P4'] }, ['classes[0]']],
];

describe('requests', () => {
  test.each(cases)('%s', (_name, schema, input, wrong) => {
    const parsed = schema.safeParse(input);
    const paths = parsed.success ? [] : fieldErrors(parsed.error, input).map((error) => error.path);
    expect(paths).toEqual(wrong);
  });
});

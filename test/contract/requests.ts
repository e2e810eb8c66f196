/**
 * For every route: a request that is right, and what makes it wrong. The compiler asks for every route, so that a new
 * one cannot go untested.
 */

import type { RouteKey } from '../../shared/platform/routes.ts';

/** Replaced by a number that JSON can write and no double can hold. */
export const hugeNumber = '__1e999__';

export type RequestSample = {
  /** A body that is right; without one the route takes none. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Fields that must be there. */
  readonly required?: readonly string[];
  /** Wrong values by field. A key with an arrow names another field in the answer: `data -> $`. */
  readonly wrong?: Readonly<Record<string, readonly unknown[]>>;
  /** Wrong values by query parameter; an empty object for a route that takes none. */
  readonly wrongQuery: Readonly<Record<string, readonly string[]>>;
  /** Bytes of body that are too many. */
  readonly tooMany_bytes?: number;
};

const badId = ['', 'a b', 'ä', 'x'.repeat(129), 7, null, ['a'], { id: 'a' }, true];
const badIdText = ['', 'a b', 'x'.repeat(129)];
const badEpoch = [0, -1, 1.5, '1', null, hugeNumber, 'NaN', 2 ** 53];
const badReason = ['', 'x'.repeat(1025), 'é'.repeat(513), 7, null, 'NUL \0', '\ud800'];
const badUsd = [0, -1, '1', null, hugeNumber, 'NaN', 1e-10, 10_000_000.01, true, []];
const badInstant = ['', 'yesterday', '2026-01-01', '2026-13-01T00:00:00Z', 7, null];
const badUnitPrice = [
  -1,
  '-1',
  '',
  '1e3',
  ' 1',
  '1,5',
  null,
  true,
  [],
  hugeNumber,
  1e-13,
  1_000_001,
  '1000000.000001',
];
const price = (model: string) => ({ model, unitPrices: { input: 1, output: 1 } });
const badAmount = [-1, 0.0001, 100_001, '4', null, hugeNumber, 'NaN'];
const badLease = [9, 86_401, 60.5, '60', null, hugeNumber];
const badPage = {
  limit: ['0', '101', '-1', '1.5', 'many', ''],
  cursor: ['', 'not-a-cursor', 'x'.repeat(1025)],
};
const tenant = { tenantId: badIdText };
const kilobytes = 1024;
const default_bytes = 64 * kilobytes + 1;

const task = {
  taskId: badId,
  tenantId: badId,
  phase: badId,
  goal: ['', 'x'.repeat(16 * kilobytes + 1), 7, null],
  resources: ['4', null, [], 4],
  'resources.cpu': badAmount,
  'resources.memoryGb': badAmount,
  'resources.disk': [1],
  priority: ['P0', null, []],
  start: ['later', null, 1],
  onQuota: ['hope', null, true],
  leaseSeconds: badLease,
  labels: [['a'], 'a', Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, '']))],
  'labels.a': [1, null, 'x'.repeat(1025)],
  dryRun: ['true', 1, null],
  urgent: [true],
} as const;
const taskBody = { phase: 'build', resources: { cpu: 1, memoryGb: 1 }, labels: { a: 'b' } };

export const requests: { readonly [K in RouteKey]: RequestSample } = {
  'POST /v1/runs': {
    body: { ...taskBody, runId: 'new-run', budget: { maxCostUSD: 1 } },
    required: ['phase', 'budget', 'budget.maxCostUSD', 'resources.cpu', 'resources.memoryGb'],
    wrong: {
      ...task,
      runId: badId,
      budget: [10, null, [], '10'],
      'budget.maxCostUSD': badUsd,
      'budget.maxDurationMs': [999, 0, 1000.5, '1000', null, hugeNumber],
      'budget.currency': ['USD'],
    },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'POST /v1/runs/{runId}/tasks': {
    body: taskBody,
    required: ['phase'],
    wrong: { ...task, budget: [{ maxCostUSD: 1 }], runId: ['other'] },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'GET /v1/runs': {
    wrongQuery: { ...badPage, ...tenant, state: ['', 'asleep', 'Running'], phase: badIdText },
  },
  'GET /v1/runs/{runId}': { wrongQuery: tenant },
  'PUT /v1/runs/{runId}/labels': {
    body: { labels: { a: 'b' } },
    required: ['labels'],
    wrong: {
      labels: [...task.labels, null],
      'labels.a': task['labels.a'],
      reason: ['x'],
    },
    wrongQuery: tenant,
    tooMany_bytes: default_bytes,
  },
  'GET /v1/runs/{runId}/events': { wrongQuery: { ...badPage, ...tenant } },
  'PUT /v1/runs/{runId}/budget': {
    body: { maxCostUSD: 20, reason: 'more to do' },
    required: ['maxCostUSD', 'reason'],
    wrong: { maxCostUSD: badUsd, reason: badReason, maxDurationMs: [60_000] },
    wrongQuery: tenant,
    tooMany_bytes: default_bytes,
  },
  'POST /v1/runs/{runId}/costs': {
    body: { events: [{ eventId: 'e', costUSD: 1 }] },
    required: ['events', 'events[0].eventId'],
    wrong: {
      events: ['e', null, {}, [], Array.from({ length: 501 }, (_, i) => ({ eventId: `e${i}`, costUSD: 1 }))],
      'events[0]': ['e', null, 1, []],
      'events[0].eventId': [7, null, {}],
      'events[0].costUSD': [hugeNumber],
      currency: ['USD'],
    },
    wrongQuery: tenant,
    tooMany_bytes: 512 * kilobytes + 1,
  },
  'GET /v1/prices': { wrongQuery: { version: ['', '0', '-1', '1.5', 'newest'] } },
  'PUT /v1/prices': {
    body: {
      prices: [
        {
          model: 'acme-70b',
          from: '2026-01-01T00:00:00Z',
          unitPrices: { input: '0.5', output: 1.5 },
          tiers: [{ aboveInputTokens: 200_000, unitPrices: { input: '1' } }],
        },
      ],
      reason: 'contract',
    },
    required: [
      'prices',
      'reason',
      'prices[0].model',
      'prices[0].unitPrices',
      'prices[0].unitPrices.input',
      'prices[0].unitPrices.output',
      'prices[0].tiers[0].aboveInputTokens',
      'prices[0].tiers[0].unitPrices',
    ],
    wrong: {
      prices: [null, {}, 'acme', Array.from({ length: 1001 }, (_, i) => price(`m${i}`))],
      'prices -> prices[1].from': [[price('m'), price('m')]],
      'prices[0].tenantId': badId.filter((value) => value !== null),
      'prices[0].provider': ['', 'x'.repeat(129), 7],
      'prices[0].model': ['', 'x'.repeat(257), 7, null],
      'prices[0].from': badInstant.filter((value) => value !== null),
      'prices[0].to': ['', 'tomorrow', 7, '2026-01-01T00:00:00Z'],
      'prices[0].unitPrices': [1, null, []],
      'prices[0].unitPrices.input': badUnitPrice,
      'prices[0].unitPrices.reasoning': badUnitPrice,
      'prices[0].unitPrices.audio': ['1'],
      'prices[0].tiers': [null, {}, 1],
      'prices[0].tiers[0].aboveInputTokens': [0, -1, 1.5, '1', null],
      'prices[0].tiers[0].unitPrices.cachedInput': ['1'],
      'prices[0].currency': ['USD'],
      madeFromVersion: [-1, 1.5, '1', null],
      reason: badReason,
    },
    wrongQuery: {},
    tooMany_bytes: 512 * kilobytes + 1,
  },
  'POST /v1/prices/repricings': {
    body: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', reason: 'new contract' },
    required: ['from', 'to', 'reason'],
    wrong: {
      from: badInstant,
      to: [...badInstant, '2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z'],
      tenantId: badId,
      model: ['', 'x'.repeat(257), 7, null],
      reason: badReason,
      dryRun: ['true', 1, null],
      cursor: ['', 'not-a-cursor', 'x'.repeat(2049), 7, null],
      runId: ['run'],
    },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'POST /v1/runs/{runId}/deliberations': {
    body: { text: 'First we look. Then we act.' },
    required: ['text'],
    wrong: {
      taskId: badId,
      phase: badId,
      goal: ['', 'x'.repeat(16 * kilobytes + 1), 7, null],
      // More than 256 KB of it are 413 (test/deliberation/adversaries).
      text: ['', 7, null, ['a'], 'NUL \0'],
      modelUsed: ['', 'x'.repeat(257), 7, null],
      thinkingTokens: [-1, 1.5, '10', null, hugeNumber],
      thoughts: ['x'],
    },
    wrongQuery: tenant,
    tooMany_bytes: 2 * kilobytes * kilobytes + 1,
  },
  'GET /v1/tasks/{taskId}': { wrongQuery: tenant },
  'POST /v1/tasks/{taskId}/claim': {
    body: {},
    wrong: { leaseSeconds: badLease, epoch: [1] },
    wrongQuery: tenant,
    tooMany_bytes: default_bytes,
  },
  'POST /v1/claims': {
    body: { classes: ['P0'] },
    wrong: {
      classes: [[], 'P0', null, ['P0', 'P1', 'P2', 'P3', 'P0']],
      'classes[0]': ['P4', 'p0', 0, null],
      max: [0, 101, 1.5, '1', null, hugeNumber],
      leaseSeconds: badLease,
      tenantId: badId,
      queue: ['tasks-p0'],
    },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'POST /v1/tasks/{taskId}/heartbeat': {
    body: { epoch: 1 },
    required: ['epoch'],
    wrong: { epoch: badEpoch, state: ['running'] },
    wrongQuery: tenant,
    tooMany_bytes: default_bytes,
  },
  'POST /v1/tasks/{taskId}/checkpoints': {
    body: { epoch: 1, sequence: 2, data: { step: 2 } },
    required: ['epoch', 'sequence', 'data'],
    wrong: {
      epoch: badEpoch,
      sequence: badEpoch,
      data: ['x'.repeat(256 * kilobytes)],
      'location -> data': ['s3://bucket/both-given'],
      sizeBytes: [-1, 1.5, '1', null, hugeNumber, 999],
      sha256: ['', 'abc', 'G'.repeat(64), 'A'.repeat(64), 7, null, 'a'.repeat(64)],
      final: [true],
    },
    wrongQuery: tenant,
    tooMany_bytes: 400 * kilobytes + 1,
  },
  'POST /v1/tasks/{taskId}/complete': {
    body: { epoch: 1, outcome: 'completed' },
    required: ['epoch', 'outcome'],
    wrong: {
      epoch: badEpoch,
      outcome: ['done', 'cancelled', null, true, 1],
      error: ['', 'x'.repeat(16_385), 7, null],
      costUSD: [1],
    },
    wrongQuery: tenant,
    tooMany_bytes: default_bytes,
  },
  'POST /v1/tasks/{taskId}/cancel': {
    wrong: { reason: ['x'] },
    wrongQuery: tenant,
    tooMany_bytes: default_bytes,
  },
  'POST /v1/tasks/{taskId}/preempt': {
    body: { reason: 'drain' },
    required: ['reason'],
    wrong: { reason: badReason, deadline: ['now'] },
    wrongQuery: tenant,
    tooMany_bytes: default_bytes,
  },
  'POST /v1/tasks/{taskId}/resume': {
    wrong: { epoch: [1] },
    wrongQuery: tenant,
    tooMany_bytes: default_bytes,
  },
  'GET /v1/queue': { wrongQuery: { ...badPage, ...tenant, class: ['', 'P4', '0', 'p1'] } },
  'GET /v1/tenants/{tenantId}/quotas': { wrongQuery: {} },
  'PUT /v1/tenants/{tenantId}/quotas': {
    body: {
      cpu: { limit: 1 },
      memory: { limit: 1 },
      cost: { limitUSD: 1 },
      concurrentRuns: { limit: 1 },
      thresholds: { warn: 10, throttle: 20, pause: 30, alerts: [100] },
      policy: { lapsesMax: 0, graceSeconds: null },
    },
    required: ['cpu.limit', 'memory.limit', 'cost.limitUSD', 'concurrentRuns.limit'],
    wrong: {
      cpu: [1, null, [], '1'],
      'cpu.limit': badAmount.filter((value) => value !== null),
      'cpu.burstShare': [-0.1, 10.1, '0.5', null, hugeNumber],
      'cpu.hard': [true],
      'memory.limit': badAmount.filter((value) => value !== null),
      'memory.burstShare': [-0.1, '0.5'],
      'cost.limitUSD': [-1, '1', hugeNumber, 1e-10, 10_000_000.01],
      'cost.period': ['year', null, '', 1],
      'cost.timeZone': ['Mars/Olympus', '+02:00', '', 1],
      'cost.anchor': ['2026-01-01', '2026-01-01T00:00:00Z'],
      'cost.everyDays': [1],
      orgId: ['', 'no-such-org', 1, 'a b'],
      'concurrentRuns.limit': [-1, 1.5, '1', 1_000_001, hugeNumber],
      'concurrentRuns.burstShare': [0.5],
      weight: [0, -1, 1001, 0.0001, '1', null, hugeNumber],
      thresholds: [50, null, { warn: 80, throttle: 50 }, { warn: 50, pause: 50 }, { warn: 96 }],
      'thresholds.warn': [0, -1, 101, 5.0001, '50', null],
      'thresholds.alerts': [
        50,
        null,
        [50, 50],
        Array.from({ length: 11 }, (_, index) => index + 1),
        { at: 50 },
      ],
      'thresholds.alerts[0]': [0, -1, 1000, 0.0001, '50', null, hugeNumber],
      'thresholds.shout': [99],
      qualityGate: ['on', true, null],
      policy: [5, null, [], '{}'],
      'policy.violationsMax': [0, 1001, 1.5, '5', true, hugeNumber],
      'policy.violationWindowSeconds': [0, 86_401, 0.5, '60', hugeNumber],
      'policy.throttleSeconds': [0, 86_401, 0.5, '300', hugeNumber],
      'policy.retrySeconds': [0, 86_401, 0.5, '10', hugeNumber],
      'policy.claimSeconds': [0, 86_401, 0.5, '60', hugeNumber],
      'policy.leaseSeconds': badLease.filter((value) => value !== null),
      'policy.lapsesMax': [-1, 1001, 0.5, '3', hugeNumber],
      'policy.graceSeconds': [0, 3601, 0.5, '30', hugeNumber],
      ...Object.fromEntries(
        [
          ...['passOverall', 'passDepth', 'passCoherence', 'passRelevance'],
          ...['rejectOverall', 'rejectDepth', 'rejectCoherence', 'rejectRelevance'],
        ].map((name) => [`policy.${name}`, [-0.01, 1.01, '0.5', true, hugeNumber]]),
      ),
      'policy.rejectDepth': [0.61],
      'policy.passCoherence': [0.19],
      'policy.thinkingTokensMax': [-1, 0.5, 100_000_001, '2000', hugeNumber],
      // The stage's alone: they compare tenants with each other.
      'policy.minRunSeconds': [30],
      'policy.agingStepSeconds': [300],
      'policy.burstShare': [0.5],
      'policy.violations_max': [5],
      'policy.version': ['mine'],
      disk: [{ limit: 1 }],
    },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'GET /v1/orgs/{orgId}/budget': { wrongQuery: {} },
  'PUT /v1/orgs/{orgId}/budget': {
    body: {
      limitUSD: 10,
      period: 'anchored',
      anchor: '2026-01-31T12:00:00Z',
      timeZone: 'Europe/Berlin',
      reason: 'contract',
    },
    required: ['limitUSD', 'reason'],
    wrong: {
      limitUSD: [-1, '1', hugeNumber, 1e-10, 10_000_000.01],
      period: ['year', null, '', 1],
      timeZone: ['Mars/Olympus', '+02:00', '', 1],
      anchor: ['2026-01-01', 1, null],
      everyDays: [0, 1.5, '1', 3661],
      everyMonths: [0, 121],
      thresholds: [50, null, { warn: 80, throttle: 50 }, { warn: 96 }],
      reason: badReason,
      tenantId: ['x'],
    },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'GET /v1/tenants/{tenantId}/usage': { wrongQuery: {} },
  'GET /v1/tenants/{tenantId}/violations': { wrongQuery: badPage },
  'GET /v1/pool': { wrongQuery: {} },
  'PUT /v1/pool': {
    body: { cpu: 100, memoryGb: 400 },
    required: ['cpu', 'memoryGb'],
    wrong: {
      cpu: badAmount.filter((value) => value !== null),
      memoryGb: badAmount.filter((value) => value !== null),
      gpu: [1],
    },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'POST /v1/tenants/{tenantId}/keys': {
    body: { scope: 'runner' },
    required: ['scope'],
    wrong: {
      scope: ['operator', 'admin', '', null, 1],
      label: ['', 'x'.repeat(129), 7, null],
      expiresAt: ['tomorrow', '2026-13-01T00:00:00Z', '2020-01-01T00:00:00Z', '2099-01-01', 7, null],
      secret: ['mine'],
    },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'GET /v1/tenants/{tenantId}/keys': { wrongQuery: badPage },
  'DELETE /v1/tenants/{tenantId}/keys/{keyId}': { wrongQuery: {} },
  'GET /v1/decisions/{decisionId}': { wrongQuery: {} },
  'POST /v1/sweep': {
    wrong: { now: ['2026-01-01T00:00:00Z'] },
    wrongQuery: {},
    tooMany_bytes: default_bytes,
  },
  'GET /v1/health': { wrongQuery: {} },
  'GET /v1/openapi.json': { wrongQuery: {} },
  'GET /console': { wrongQuery: {} },
};

import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import * as z from 'zod';
import {
  type ApiDependencies,
  type Call,
  httpApi,
  type RouteHandler,
  route,
} from '../../shared/platform/http.ts';
import { conflict, Problem } from '../../shared/platform/problem.ts';
import type { RouteKey } from '../../shared/platform/routes.ts';
import { StoreUnavailable } from '../../shared/platform/store-unavailable.ts';
import { type EventParts, operator, recordingDatabase, runner, send } from './http-events.ts';

const quiet = pino({ level: 'silent' });
const makeKey = 'POST /v1/tenants/{tenantId}/keys';
const listKeys = 'GET /v1/tenants/{tenantId}/keys';
const revokeKey = 'DELETE /v1/tenants/{tenantId}/keys/{keyId}';
const anyCall: RouteHandler = route({ handle: async (call) => ({ status: 200, body: { now: call.now } }) });

function accessApi(
  handlers: Partial<Record<RouteKey<'access'>, RouteHandler>>,
  dependencies: Partial<ApiDependencies> = {},
) {
  return httpApi<'access'>(
    { [makeKey]: anyCall, [listKeys]: anyCall, [revokeKey]: anyCall, ...handlers },
    { database: async () => recordingDatabase(), log: quiet, ...dependencies },
  );
}

const budgetBody = z.strictObject({
  budget: z.strictObject({ maxCostUSD: z.number().positive() }),
  name: z.string().optional(),
});

const params = { tenantId: 'tenant-a' };

describe('a request that is not valid gets 400 naming each wrong field', () => {
  const api = accessApi({
    [makeKey]: route({ body: budgetBody, handle: async () => ({ status: 200, body: {} }) }),
  });
  const cases: Record<string, { parts: Partial<EventParts>; paths: string[] }> = {
    'text that is not JSON': { parts: { body: '{"a":' }, paths: ['$'] },
    'an array': { parts: { body: [1] }, paths: ['$'] },
    'a bare string': { parts: { body: '"x"' }, paths: ['$'] },
    null: { parts: { body: 'null' }, paths: ['$'] },
    'no body where fields are required': { parts: {}, paths: ['budget'] },
    'a missing nested field': { parts: { body: { budget: {} } }, paths: ['budget.maxCostUSD'] },
    'an unknown field': { parts: { body: { budget: { maxCostUSD: 1 }, colour: 'red' } }, paths: ['colour'] },
    'an unknown nested field': { parts: { body: { budget: { maxCostUSD: 1, x: 1 } } }, paths: ['budget.x'] },
    'two wrong fields at once': {
      parts: { body: { budget: { maxCostUSD: -1 }, name: 7 } },
      paths: ['budget.maxCostUSD', 'name'],
    },
    'a number beyond double range': {
      parts: { body: '{"budget":{"maxCostUSD":1e999}}' },
      paths: ['budget.maxCostUSD'],
    },
    'a NUL character, which the store cannot hold': {
      parts: { body: { budget: { maxCostUSD: 1 }, name: 'a\0b' } },
      paths: ['name'],
    },
    'half a surrogate pair': { parts: { body: '{"name":"\\ud800"}' }, paths: ['name'] },
    'a member named __proto__': { parts: { body: '{"__proto__":{}}' }, paths: ['$'] },
    'JSON nested without end': { parts: { body: `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}` }, paths: [] },
    'an unknown query parameter': {
      parts: { body: { budget: { maxCostUSD: 1 } }, query: { verbose: '1' } },
      paths: ['verbose'],
    },
    'a path parameter with a space': {
      parts: { body: { budget: { maxCostUSD: 1 } }, params: { tenantId: 'a b' } },
      paths: ['tenantId'],
    },
    'a path parameter of 129 characters': {
      parts: { body: { budget: { maxCostUSD: 1 } }, params: { tenantId: 'x'.repeat(129) } },
      paths: ['tenantId'],
    },
    'an empty idempotency key': {
      parts: { body: { budget: { maxCostUSD: 1 } }, headers: { 'idempotency-key': '' } },
      paths: ['Idempotency-Key'],
    },
    'an idempotency key of 256 characters': {
      parts: { body: { budget: { maxCostUSD: 1 } }, headers: { 'idempotency-key': 'k'.repeat(256) } },
      paths: ['Idempotency-Key'],
    },
  };
  test.each(Object.entries(cases))('%s', async (_name, { parts, paths }) => {
    const answered = await send(api, { route: makeKey, as: operator, params, ...parts });
    expect(answered.status).toBe(400);
    expect(answered.headers['content-type']).toBe('application/problem+json');
    expect(answered.body).toMatchObject({
      code: 'bad_request',
      status: 400,
      retryable: false,
      instance: 'request-1',
    });
    const errors = answered.body.errors as { path: string; message: string }[];
    if (paths.length > 0) expect(errors.map((error) => error.path)).toEqual(paths);
    expect(errors.every((error) => error.message.length > 0)).toBe(true);
  });

  test('a missing field is said to be required', async () => {
    const answered = await send(api, { route: makeKey, as: operator, params, body: {} });
    expect(answered.body.errors).toEqual([{ path: 'budget', message: 'is required' }]);
  });
});

describe('size', () => {
  const body = z.strictObject({ text: z.string() });
  const handle = async () => ({ status: 200, body: {} });
  const ofBytes = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });

  test.each([
    ['65536 bytes are accepted', 65_536, undefined, 200],
    ['65537 bytes are too large', 65_537, undefined, 413],
    ['a route may allow more', 65_537, 70_000, 200],
  ])('%s', async (_name, bytes, maxBodyBytes, status) => {
    const limit = maxBodyBytes === undefined ? {} : { maxBodyBytes };
    const api = accessApi({ [makeKey]: route({ body, ...limit, handle }) });
    expect((await send(api, { route: makeKey, as: operator, params, body: ofBytes(bytes) })).status).toBe(
      status,
    );
  });

  test('bytes count, not characters', async () => {
    const api = accessApi({ [makeKey]: route({ body, handle }) });
    const answered = await send(api, {
      route: makeKey,
      as: operator,
      params,
      body: { text: 'é'.repeat(40_000) },
    });
    expect(answered.status).toBe(413);
    expect(answered.body.code).toBe('too_large');
  });
});

describe('who may call', () => {
  test.each([
    ['a runner key on an operator route', makeKey, runner, 403, 'forbidden'],
    ['no authorizer context', makeKey, undefined, 401, 'unauthorized'],
    ['a context that is not ours', makeKey, { scope: 'admin' }, 401, 'unauthorized'],
    [
      'a runner without a tenant',
      makeKey,
      { scope: 'runner', keyId: 'k', tenantId: '' },
      401,
      'unauthorized',
    ],
    [
      'an unchecked key while nothing can check it',
      makeKey,
      { scope: 'unavailable' },
      503,
      'store_unavailable',
    ],
    ['a route of another function', 'GET /v1/pool', operator, 404, 'not_found'],
  ])('%s', async (_name, routeKey, as, status, code) => {
    let handled = false;
    const spy = route({
      handle: async () => {
        handled = true;
        return { status: 200, body: {} };
      },
    });
    const answered = await send(accessApi({ [makeKey]: spy }), { route: routeKey, as, params });
    expect(answered.status).toBe(status);
    expect(answered.body.code).toBe(code);
    expect(handled).toBe(false);
  });

  test.each([
    ['valid', { scope: 'operator', keyId: 'ops1', tenantId: null } as const, 200],
    ['not valid', null, 401],
  ])('a key that the authorizer could not check is checked again: %s', async (_name, caller, status) => {
    const api = accessApi({}, { authenticate: async () => caller });
    const answered = await send(api, { route: makeKey, as: { scope: 'unavailable' }, params });
    expect(answered.status).toBe(status);
  });
});

describe('errors of handlers', () => {
  const failing = (error: Error) =>
    accessApi({
      [makeKey]: route({
        handle: async () => {
          throw error;
        },
      }),
    });

  test('a problem is shown as it is', async () => {
    const problem = new Problem({
      status: 429,
      code: 'quota_exceeded',
      detail: 'No cpu left.',
      headers: { 'retry-after': '7' },
      extra: { decision: 'refused', reasons: [{ code: 'quota_exceeded', resource: 'cpu' }] },
    });
    const answered = await send(failing(problem), { route: makeKey, as: operator, params });
    expect(answered.status).toBe(429);
    expect(answered.headers['retry-after']).toBe('7');
    expect(answered.body).toEqual({
      type: 'https://mothership.dev/problems/quota_exceeded',
      title: 'Quota exceeded',
      status: 429,
      detail: 'No cpu left.',
      instance: 'request-1',
      code: 'quota_exceeded',
      retryable: true,
      decision: 'refused',
      reasons: [{ code: 'quota_exceeded', resource: 'cpu' }],
    });
  });

  test('the store being away is a 503 with Retry-After', async () => {
    const answered = await send(failing(new StoreUnavailable(new Error('ECONNREFUSED 10.0.0.1'))), {
      route: makeKey,
      as: operator,
      params,
    });
    expect(answered.status).toBe(503);
    expect(answered.headers['retry-after']).toBe('5');
    expect(answered.body).toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(JSON.stringify(answered.body)).not.toContain('10.0.0.1');
  });

  test('anything else is a 500 that tells nothing', async () => {
    const answered = await send(failing(new Error('secret detail')), {
      route: makeKey,
      as: operator,
      params,
    });
    expect(answered.status).toBe(500);
    expect(answered.body).toMatchObject({ code: 'internal', retryable: false });
    expect(JSON.stringify(answered.body)).not.toContain('secret detail');
  });

  test('a bigint in an answer is a fault of ours, never a rounded number', async () => {
    const api = accessApi({
      [makeKey]: route({ handle: async () => ({ status: 200, body: { spent: 1n } }) }),
    });
    expect((await send(api, { route: makeKey, as: operator, params })).status).toBe(500);
  });
});

describe('Mothership-Now', () => {
  const before = process.env.VIRTUAL_TIME;
  afterEach(() => {
    if (before === undefined) delete process.env.VIRTUAL_TIME;
    else process.env.VIRTUAL_TIME = before;
  });
  const clock = () => new Date('2026-11-22T12:00:00.000Z');
  const sendAt = (now: string, as: Readonly<Record<string, string>>) =>
    send(accessApi({}, { clock }), { route: makeKey, as, params, headers: { 'mothership-now': now } });

  test('sets the time of an operator call where the stage allows it', async () => {
    process.env.VIRTUAL_TIME = 'allowed';
    const answered = await sendAt('2026-01-31T23:59:59.999Z', operator);
    expect(answered.body).toEqual({ now: '2026-01-31T23:59:59.999Z' });
  });

  test.each([
    ['refused on a stage that does not allow it', undefined, '2026-01-31T00:00:00.000Z'],
    ['refused when the variable says anything else', 'true', '2026-01-31T00:00:00.000Z'],
    ['refused when it is not a time', 'allowed', 'yesterday'],
    ['refused without a zone', 'allowed', '2026-01-31T00:00:00'],
    ['refused for a day that does not exist', 'allowed', '2026-02-30T00:00:00Z'],
  ])('%s', async (_name, variable, now) => {
    if (variable === undefined) delete process.env.VIRTUAL_TIME;
    else process.env.VIRTUAL_TIME = variable;
    const answered = await sendAt(now, operator);
    expect(answered.status).toBe(400);
    expect(answered.body.errors).toEqual([{ path: 'Mothership-Now', message: expect.any(String) }]);
  });
});

describe('after the commit', () => {
  const dependencies = (calls: Call[], fails = false) => ({
    afterCommit: async (call: Call) => {
      calls.push(call);
      if (fails) throw new Error('bus is away');
    },
  });
  const refusing = route({
    handle: async () => {
      throw conflict('not_granted', 'The task is not granted.');
    },
  });

  test.each([
    ['runs after a write', makeKey, anyCall, 1],
    ['runs after a refusal, which may have written events', makeKey, refusing, 1],
    ['does not run after a read', listKeys, anyCall, 0],
  ])('%s', async (_name, routeKey, handler, times) => {
    const calls: Call[] = [];
    await send(accessApi({ [makeKey]: handler }, dependencies(calls)), {
      route: routeKey,
      as: operator,
      params,
    });
    expect(calls).toHaveLength(times);
  });

  test('a failure there does not change the answer', async () => {
    const answered = await send(accessApi({}, dependencies([], true)), {
      route: makeKey,
      as: operator,
      params,
    });
    expect(answered.status).toBe(200);
  });
});

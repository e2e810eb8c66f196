/** R3: with the store away every route answers 503 with Retry-After, and nothing is granted. */

import { afterAll, expect, test } from '@jest/globals';
import { openDatabase } from '../../shared/platform/db.ts';
import { type Route, type RouteKey, routes } from '../../shared/platform/routes.ts';
import { testApi } from '../setup/api.ts';
import { requests } from './requests.ts';
import { pathOf } from './world.ts';

/** Nothing listens on port 1. */
const unreachable = openDatabase({ connectionString: 'postgres://nobody@127.0.0.1:1/nowhere', max: 4 });
afterAll(() => unreachable.close());

const api = testApi(() => unreachable);
const ids = {
  tenantId: 'tenant',
  runId: 'run',
  taskId: 'task',
  keyId: 'key',
  decisionId: 'decision',
  orgId: 'org',
};

/** Documents that are the same for everybody and need no store. */
const withoutStore: readonly string[] = ['GET /v1/openapi.json', 'GET /console'] satisfies RouteKey[];

const keyOf = (route: Route) => `${route.method} ${route.path}`;
const call = (route: Route, headers: Record<string, string> = {}) =>
  api.call(
    route.scope === 'operator' ? 'operator' : { tenantId: 'tenant' },
    route.method,
    pathOf(route.path, ids),
    requests[keyOf(route) as RouteKey].body,
    headers,
  );
const unavailable = {
  status: 503,
  body: { status: 503, code: 'store_unavailable', retryable: true },
  headers: {
    'content-type': 'application/problem+json',
    'retry-after': expect.stringMatching(/^[1-9]\d*$/),
  },
};

const needingStore = routes
  .filter((route) => !withoutStore.includes(keyOf(route)))
  .map((route): [string, Route] => [keyOf(route), route]);

test.each(needingStore)('%s', async (_, route) => {
  expect(await call(route)).toMatchObject(unavailable);
});

test.each(needingStore.filter(([, { method }]) => method === 'POST'))(
  '%s with an Idempotency-Key',
  async (_, route) => {
    expect(await call(route, { 'idempotency-key': 'again' })).toMatchObject(unavailable);
  },
);

test('the OpenAPI document is answered all the same', async () => {
  expect(await api.call('operator', 'GET', '/v1/openapi.json')).toMatchObject({ status: 200 });
});

test('the cause stays inside: no host, port or role is told', async () => {
  const answer = await call(routes[0]);
  expect(JSON.stringify(answer)).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|nobody|nowhere/);
});

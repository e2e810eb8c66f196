/** R2: the key decides the tenant; another tenant's ids answer 404, on every route. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Route, type RouteKey, routes } from '../../shared/platform/routes.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { requests } from './requests.ts';
import { digestOf, furnish, type Ids, pathOf } from './world.ts';

const database = withDatabase();
const api = testApi(() => database.app);
const intruder = { tenantId: 'intruder' };
let theirs: Ids;
let own: Ids;

beforeAll(async () => {
  theirs = await furnish(api, 'victim');
  own = await furnish(api, 'intruder');
});

/** Routes that name no tenant's things: there is nothing to try. */
const withoutTenant: readonly string[] = [
  'GET /v1/pool',
  'GET /v1/health',
  'GET /v1/openapi.json',
  'GET /console',
] satisfies RouteKey[];

type Attempt = { readonly name: string; readonly path: string; readonly body?: object | undefined };

/** Every way in which a call can name another tenant's things. */
function attemptsOn(route: Route): Attempt[] {
  const { body, wrong, wrongQuery } = requests[`${route.method} ${route.path}` as RouteKey];
  const attempts: Attempt[] = [];
  if (route.path.includes('{')) {
    attempts.push({ name: 'ids in the path', path: pathOf(route.path, theirs), body });
    attempts.push({
      name: 'ids in the path, own tenant in the query',
      path: `${pathOf(route.path, theirs)}${'tenantId' in wrongQuery ? '?tenantId=intruder' : ''}`,
      body,
    });
  }
  if ('tenantId' in wrongQuery) {
    for (const ids of [theirs, own]) {
      attempts.push({
        name: 'tenant in the query',
        path: `${pathOf(route.path, ids)}?tenantId=victim`,
        body,
      });
    }
  }
  if (wrong !== undefined && 'tenantId' in wrong) {
    for (const ids of [theirs, own]) {
      attempts.push({
        name: 'tenant in the body',
        path: pathOf(route.path, ids),
        body: { ...body, tenantId: 'victim' },
      });
    }
  }
  return attempts;
}

describe.each(
  routes
    .filter((route) => !withoutTenant.includes(`${route.method} ${route.path}`))
    .map((route) => [`${route.method} ${route.path}`, route] as const),
)('%s', (_, route) => {
  if (route.scope === 'operator') {
    test('is closed to runners, of their own things too', async () => {
      const before = await digestOf(database);
      for (const ids of [theirs, own]) {
        const { body } = requests[`${route.method} ${route.path}` as RouteKey];
        const answer = await api.call(intruder, route.method, pathOf(route.path, ids), body);
        expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      }
      expect(await digestOf(database)).toBe(before);
    });
    return;
  }
  test("answers 404 to another tenant's runner, and writes nothing", async () => {
    const attempts = attemptsOn(route);
    expect(attempts).not.toEqual([]);
    const before = await digestOf(database);
    for (const { name, path, body } of attempts) {
      const answer = await api.call(intruder, route.method, path, body);
      expect({ name, status: answer.status, code: answer.body.code }).toEqual({
        name,
        status: 404,
        code: 'not_found',
      });
      // The answer tells no more of what exists than of what does not.
      const nowhere = path.replaceAll('victim', 'nobody');
      const ofNobody = await api.call(intruder, route.method, nowhere, {
        ...body,
        ...(body !== undefined && 'tenantId' in body ? { tenantId: 'nobody' } : {}),
      });
      expect(JSON.stringify(ofNobody.body)).toBe(JSON.stringify(answer.body).replaceAll('victim', 'nobody'));
    }
    expect(await digestOf(database)).toBe(before);
  });
});

describe('without naming anybody', () => {
  const victim = { tenantId: 'victim' };
  const ask = (runId: string, cpu: number, more: object) =>
    api.call(victim, 'POST', '/v1/runs', {
      runId,
      phase: 'build',
      budget: { maxCostUSD: 1 },
      resources: { cpu, memoryGb: 1 },
      ...more,
    });

  beforeAll(async () => {
    expect(await ask('granted', 1, { start: 'queue' })).toMatchObject({ status: 201 });
    expect(await ask('waiting', 64, { onQuota: 'wait' })).toMatchObject({ status: 202 });
  });

  test.each(['/v1/runs', '/v1/queue'])('GET %s shows own things only', async (path) => {
    const { body } = await api.call(intruder, 'GET', path);
    expect(body.items.filter((item: { tenantId: string }) => item.tenantId !== 'intruder')).toEqual([]);
    const { body: victims } = await api.call(victim, 'GET', path);
    expect(victims.items).not.toEqual([]);
  });

  test('POST /v1/claims takes own tasks only', async () => {
    expect((await api.call(intruder, 'POST', '/v1/claims', { max: 100 })).body.tasks).toEqual([]);
    expect((await api.call(victim, 'POST', '/v1/claims', { max: 100 })).body.tasks).toMatchObject([
      { taskId: 'granted' },
    ]);
  });

  test('the same run id is free in every tenant, and each sees its own', async () => {
    const run = { runId: 'shared-name', phase: 'plan', budget: { maxCostUSD: 1 } };
    expect((await api.call(victim, 'POST', '/v1/runs', run)).status).toBe(201);
    expect((await api.call(intruder, 'POST', '/v1/runs', { ...run, phase: 'design' })).status).toBe(201);
    expect((await api.call(victim, 'GET', '/v1/runs/shared-name')).body.phase).toBe('plan');
    expect((await api.call(intruder, 'GET', '/v1/runs/shared-name')).body.phase).toBe('design');
  });

  test('an operator who does not name the tenant of an ambiguous id is asked to', async () => {
    const ambiguous = await api.call('operator', 'GET', '/v1/runs/shared-name');
    expect(ambiguous).toMatchObject({ status: 400, body: { errors: [{ path: 'tenantId' }] } });
    const named = await api.call('operator', 'GET', '/v1/runs/shared-name?tenantId=victim');
    expect(named).toMatchObject({ status: 200, body: { tenantId: 'victim' } });
  });
});

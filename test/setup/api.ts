/** Calls the API's handlers in process: the same code as behind API Gateway, without a socket. */

import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { accessApi } from '../../functions/access/api.ts';
import { admissionApi } from '../../functions/admission/api.ts';
import { budgetApi } from '../../functions/budget/api.ts';
import { coordinationApi } from '../../functions/coordination/api.ts';
import { deliberationApi } from '../../functions/deliberation/api.ts';
import type { WithJudge } from '../../functions/deliberation/judge.ts';
import type { Publisher } from '../../shared/coordination/queues.ts';
import { localScorer } from '../../shared/deliberation/local-scorer.ts';
import type { Database } from '../../shared/platform/db.ts';
import type { ApiDependencies, HttpEvent, HttpHandler } from '../../shared/platform/http.ts';
import { type ApiFunction, type Route, routes } from '../../shared/platform/routes.ts';

export type Answer = {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
  readonly headers: Readonly<Record<string, unknown>>;
};

/** A tenant's runner, or the operator. */
export type As = { readonly tenantId: string } | 'operator';

export type Api = {
  /** `path` with query, such as `/v1/runs?limit=2`. */
  call(
    as: As,
    method: Route['method'],
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** The time of the next calls (R4). */
  at(now: Date): void;
  advance(seconds: number): void;
  now(): Date;
};

/** Time at which tests begin: a Wednesday noon, mid-month. */
export const testStart = new Date('2026-03-11T12:00:00.000Z');

/** With `judge`, that one stands behind the built-in scorer. */
export function testApi(
  database: () => Database,
  publisher?: () => Publisher,
  judge: (() => Promise<WithJudge>) | null = null,
): Api {
  let now = testStart;
  const dependencies: ApiDependencies = { database: async () => database(), clock: () => now };
  const unreachable = (): Publisher => ({
    publishEvents: async (events) => events.map(() => true),
    ringDoorbells: async (_class, doorbells) => doorbells.map(() => true),
  });
  const handlers: Record<ApiFunction, HttpHandler> = {
    access: accessApi(dependencies),
    admission: admissionApi(dependencies),
    budget: budgetApi(dependencies),
    coordination: coordinationApi({ ...dependencies, publisher: publisher ?? unreachable }),
    deliberation: deliberationApi({ ...dependencies, scorer: localScorer, judge }),
  };
  return {
    async call(as, method, path, body, headers = {}) {
      const { route, params, url } = match(method, path);
      const event = httpEvent(as, route, params, url, body, headers);
      const result = await handlers[route.function](event, {
        getRemainingTimeInMillis: () => 15_000,
      } as Context);
      return answerOf(result);
    },
    at(time) {
      now = time;
    },
    advance(seconds) {
      now = new Date(now.getTime() + seconds * 1000);
    },
    now: () => now,
  };
}

function match(method: string, path: string) {
  const url = new URL(path, 'http://api.test');
  for (const route of routes) {
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '');
    const pattern = new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '([^/]*)')}$`);
    const found = route.method === method ? pattern.exec(url.pathname) : null;
    if (found !== null) {
      const params = Object.fromEntries(
        names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? '')]),
      );
      return { route, params, url };
    }
  }
  throw new Error(`no route for ${method} ${path}`);
}

function httpEvent(
  as: As,
  route: Route,
  params: Record<string, string>,
  url: URL,
  body: unknown,
  headers: Record<string, string>,
): HttpEvent {
  const caller =
    as === 'operator'
      ? { keyId: 'operator', scope: 'operator', tenantId: '' }
      : { keyId: `key-${as.tenantId}`, scope: 'runner', tenantId: as.tenantId };
  const query = Object.fromEntries(url.searchParams);
  const routeKey = `${route.method} ${route.path}`;
  return {
    version: '2.0',
    routeKey,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: { 'content-type': 'application/json', ...headers },
    ...(Object.keys(query).length === 0 ? {} : { queryStringParameters: query }),
    ...(Object.keys(params).length === 0 ? {} : { pathParameters: params }),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    isBase64Encoded: false,
    requestContext: {
      accountId: '000000000000',
      apiId: 'test',
      domainName: 'api.test',
      domainPrefix: 'api',
      http: {
        method: route.method,
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'test',
      },
      requestId: 'test-request',
      routeKey,
      stage: '$default',
      time: '11/Mar/2026:12:00:00 +0000',
      timeEpoch: 0,
      ...(route.scope === 'public' ? {} : { authorizer: { lambda: caller } }),
    },
  } as HttpEvent;
}

function answerOf(result: APIGatewayProxyStructuredResultV2): Answer {
  return {
    status: result.statusCode ?? 200,
    body: result.body === undefined ? null : JSON.parse(result.body),
    headers: (result.headers ?? {}) as Record<string, unknown>,
  };
}

/** Builders for the HTTP tests: payload 2.0 events, callers, and a database that remembers what it was asked. */

import type { Context } from 'aws-lambda';
import type { Database } from '../../shared/platform/db.ts';
import type { HttpEvent, HttpHandler } from '../../shared/platform/http.ts';

export const runner = { scope: 'runner', keyId: 'k1', tenantId: 'tenant-a' };
export const operator = { scope: 'operator', keyId: 'ops1', tenantId: '' };

export type EventParts = {
  readonly route: string;
  readonly as?: Readonly<Record<string, string>> | undefined;
  readonly params?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON, text as it is. */
  readonly body?: unknown;
};

export function httpEvent(parts: EventParts): HttpEvent {
  const [method = 'GET', path = '/'] = parts.route.split(' ');
  const body =
    parts.body === undefined || typeof parts.body === 'string' ? parts.body : JSON.stringify(parts.body);
  return {
    version: '2.0',
    routeKey: parts.route,
    rawPath: path,
    rawQueryString: '',
    headers: parts.headers ?? {},
    isBase64Encoded: false,
    ...(body === undefined ? {} : { body }),
    ...(parts.params === undefined ? {} : { pathParameters: parts.params }),
    ...(parts.query === undefined ? {} : { queryStringParameters: parts.query }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'request-1',
      routeKey: parts.route,
      stage: '$default',
      time: '22/Nov/2026:12:00:00 +0000',
      timeEpoch: 1_795_348_800_000,
      ...(parts.as === undefined ? {} : { authorizer: { lambda: parts.as } }),
    },
  };
}

export type Answered = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Record<string, unknown>;
};

export async function send(handler: HttpHandler, parts: EventParts): Promise<Answered> {
  const response = await handler(httpEvent(parts), {} as Context);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers ?? {},
    body: JSON.parse(response.body ?? 'null') as Record<string, unknown>,
  };
}

export type RecordingDatabase = Database & { readonly statements: string[] };

/** Answers each statement with the next of `answers`, or no rows; an Error among them is thrown. */
export function recordingDatabase(answers: (readonly unknown[] | Error)[] = []): RecordingDatabase {
  const statements: string[] = [];
  const database: RecordingDatabase = {
    statements,
    query: <R>(text: string): Promise<R[]> => {
      statements.push(text);
      const next = answers.shift() ?? [];
      return next instanceof Error ? Promise.reject(next) : Promise.resolve([...next] as R[]);
    },
    transaction: (work) => work(database),
    close: () => Promise.resolve(),
  };
  return database;
}

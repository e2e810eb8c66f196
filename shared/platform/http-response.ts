/** From replies and errors to API Gateway responses, and the one log line of a request. */

import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { authorizerContextOf, type HttpEvent } from './http-event.ts';
import type { Log } from './log.ts';
import { internalError, Problem, problemContentType, problemDocument, storeUnavailable } from './problem.ts';
import type { Reply } from './route-handler.ts';
import { StoreUnavailable } from './store-unavailable.ts';

type HttpMiddleware = MiddlewareObj<HttpEvent, APIGatewayProxyStructuredResultV2>;

/**
 * Everything is JSON, but for a text that says by its content-type that it is not.
 *
 * @throws TypeError when the body holds a bigint: money must have been converted before
 */
export function toResponse(reply: Reply): APIGatewayProxyStructuredResultV2 {
  const contentType = reply.status >= 400 ? problemContentType : 'application/json';
  return {
    statusCode: reply.status,
    headers: { 'content-type': contentType, 'cache-control': 'no-store', ...reply.headers },
    body: isPage(reply) ? String(reply.body) : JSON.stringify(reply.body ?? null),
  };
}

function isPage({ headers }: Reply): boolean {
  return headers?.['content-type']?.startsWith('text/html') ?? false;
}

export function problemReply(problem: Problem, requestId: string): Reply {
  return {
    status: problem.status,
    body: problemDocument(problem, requestId),
    headers: problem.headers,
  };
}

/** What a caller may hear of an error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return error instanceof StoreUnavailable ? storeUnavailable(error) : internalError(error);
}

/** Errors become problem+json; faults of ours are logged with their cause and told without it. */
export function problemDetails(log: Log): HttpMiddleware {
  return {
    onError: (request) => {
      const problem = problemOf(request.error);
      const { requestId } = request.event.requestContext;
      if (problem.status >= 500) log.error({ requestId, err: request.error }, 'request failed');
      request.response = toResponse(problemReply(problem, requestId));
    },
  };
}

/** One line per request: method, route, status, milliseconds, tenant, request id. Attach first: it ends last. */
export function requestLine(log: Log): HttpMiddleware {
  const startedAt_ms = new WeakMap<object, number>();
  const write: NonNullable<HttpMiddleware['after']> = ({ event, response }) => {
    const context = authorizerContextOf(event);
    const started = startedAt_ms.get(event) ?? performance.now();
    log.info({
      method: event.requestContext.http.method,
      route: event.routeKey,
      status: response?.statusCode,
      ms: Math.round(performance.now() - started),
      tenantId: context !== undefined && 'tenantId' in context ? context.tenantId : null,
      requestId: event.requestContext.requestId,
    });
  };
  return {
    before: ({ event }) => {
      startedAt_ms.set(event, performance.now());
    },
    after: write,
    onError: write,
  };
}

/**
 * A Lambda that answers routes of the HTTP API.
 *
 * Order: route, key, scope, syntax of everything, idempotency, handler, outbox. Nothing is written before the
 * whole request has been judged (R1).
 */

import middy from '@middy/core';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { Database } from './db.ts';
import { hashOf } from './hash.ts';
import { authorizerContextOf, type HttpEvent, type RequestInput, readInput } from './http-event.ts';
import { problemDetails, problemReply, requestLine, toResponse } from './http-response.ts';
import { type Answer, answerOnce, type KeyedRequest } from './idempotency.ts';
import { type Log, log as processLog } from './log.ts';
import { forbidden, notFound, Problem, unauthorized } from './problem.ts';
import { virtualTimeAllowed } from './process-env.ts';
import type { Call, Caller, RouteHandler } from './route-handler.ts';
import { type ApiFunction, type Route, type RouteKey, routes } from './routes.ts';
import { StoreUnavailable } from './store-unavailable.ts';

export type { HttpEvent } from './http-event.ts';
export {
  actingTenant,
  type Call,
  type Caller,
  type Reply,
  type RouteHandler,
  route,
} from './route-handler.ts';

export type HttpHandler = (event: HttpEvent, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

export type ApiDependencies = {
  readonly database: () => Promise<Database>;
  /** Awaited after every handler that may have written; a failure is logged and never changes the answer. */
  readonly afterCommit?: (call: Call) => Promise<unknown>;
  /**
   * Checks a key when the authorizer could not reach the store: the caller, or null for a bad key. Without it
   * such calls are answered 503.
   */
  readonly authenticate?: (authorization: string, database: Database, now: Date) => Promise<Caller | null>;
  /** Real time; tests set it. */
  readonly clock?: () => Date;
  readonly log?: Log;
};

/** Milliseconds before the function's time-out at which a caller is told, instead of getting a bare 503. */
const timeoutMargin_ms = 500;

/** Serves exactly the routes that `shared/platform/routes.ts` gives to function `F`; the compiler checks it. */
export function httpApi<F extends ApiFunction>(
  handlers: { readonly [K in RouteKey<F>]: RouteHandler },
  dependencies: ApiDependencies,
): HttpHandler {
  const log = dependencies.log ?? processLog;
  const served = new Map<string, RouteHandler>(Object.entries(handlers));
  return middy<HttpEvent, APIGatewayProxyStructuredResultV2>({
    timeoutEarlyInMillis: timeoutMargin_ms,
    timeoutEarlyResponse: () => {
      throw timedOut();
    },
  })
    .use(requestLine(log))
    .use(problemDetails(log))
    .handler((event: HttpEvent) => serve(event, served, dependencies, log));
}

async function serve(
  event: HttpEvent,
  handlers: ReadonlyMap<string, RouteHandler>,
  dependencies: ApiDependencies,
  log: Log,
): Promise<APIGatewayProxyStructuredResultV2> {
  const handler = handlers.get(event.routeKey);
  const definition = routesByKey.get(event.routeKey);
  if (handler === undefined || definition === undefined) throw notFound(`Route ${event.routeKey}`);
  const clock = dependencies.clock ?? (() => new Date());
  const database = await dependencies.database();
  const caller = await callerOf(event, definition, dependencies, database, clock());
  const input = readInput(event, handler, caller, { clock, virtualAllowed: virtualTimeAllowed() });
  const { requestId } = event.requestContext;
  const call: Call = {
    ...input,
    caller,
    requestId,
    database,
    log: log.child({ requestId, tenantId: caller.tenantId }),
  };
  const work = () => answer(handler, call, definition, dependencies);
  const reply =
    input.idempotencyKey === null || handler.idempotent === 'self'
      ? (await work()).reply
      : await answerOnce(
          database,
          keyedRequest(event.routeKey, caller, input, input.idempotencyKey),
          clock(),
          log,
          work,
        );
  return toResponse(reply);
}

const routesByKey = new Map<string, Route>(routes.map((route) => [`${route.method} ${route.path}`, route]));

/** @throws Problem 401 or 403; StoreUnavailable when the key cannot be checked */
async function callerOf(
  event: HttpEvent,
  definition: Route,
  dependencies: ApiDependencies,
  database: Database,
  now: Date,
): Promise<Caller> {
  if (definition.scope === 'public') return { scope: 'public', keyId: null, tenantId: null };
  const context = authorizerContextOf(event);
  if (context === undefined) throw unauthorized();
  const caller =
    context.scope === 'unavailable' ? await checkKeyAgain(event, dependencies, database, now) : context;
  if (definition.scope === 'operator' && caller.scope !== 'operator') {
    throw forbidden(`${event.routeKey} needs an operator key.`);
  }
  return caller;
}

async function checkKeyAgain(
  event: HttpEvent,
  { authenticate }: ApiDependencies,
  database: Database,
  now: Date,
): Promise<Caller> {
  if (authenticate === undefined) throw new StoreUnavailable('the authorizer could not check the key');
  const caller = await authenticate(event.headers.authorization ?? '', database, now);
  if (caller === null) throw unauthorized();
  return caller;
}

/** Problems are answers here: what a handler wrote before refusing must reach the outbox and the key's record. */
async function answer(
  handler: RouteHandler,
  call: Call,
  definition: Route,
  { afterCommit }: ApiDependencies,
): Promise<Answer> {
  const given = await handled(handler, call);
  if (definition.method !== 'GET' && afterCommit !== undefined) {
    try {
      await afterCommit(call);
    } catch (error) {
      call.log.error({ err: error }, 'after commit failed; the sweep makes up for it');
    }
  }
  return given;
}

async function handled(handler: RouteHandler, call: Call): Promise<Answer> {
  try {
    return { reply: await handler.handle(call), final: true };
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
    return { reply: problemReply(error, call.requestId), final: !error.retryable };
  }
}

function keyedRequest(route: string, caller: Caller, input: RequestInput, key: string): KeyedRequest {
  const owner = caller.scope === 'runner' ? `tenant:${caller.tenantId}` : `operator:${caller.keyId ?? ''}`;
  return { owner, key, route, requestHash: hashOf(input.asSent) };
}

function timedOut(): Problem {
  return new Problem({
    status: 503,
    code: 'timeout',
    detail: 'The call took too long; whether it took effect is unknown. Repeat it: repeats are harmless.',
    headers: { 'retry-after': '5' },
  });
}

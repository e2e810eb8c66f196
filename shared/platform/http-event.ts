/** From an API Gateway event (HTTP API, payload 2.0) to a call, or to the problem that it has. */

import type { APIGatewayEventRequestContextV2, APIGatewayProxyEventV2WithRequestContext } from 'aws-lambda';
import * as z from 'zod';
import {
  bodyText,
  checkMemberSizes,
  idempotencyKeyErrors,
  parseJsonObject,
  parseWith,
  pathErrors,
} from './http-input.ts';
import { badRequest } from './problem.ts';
import type { Caller, RouteHandler } from './route-handler.ts';
import { timeOfCall, virtualTimeHeader } from './virtual-time.ts';

export type HttpEvent = APIGatewayProxyEventV2WithRequestContext<
  APIGatewayEventRequestContextV2 & { readonly authorizer?: { readonly lambda?: unknown } }
>;

const defaultMaxBodyBytes = 64 * 1024;
const emptyObject = z.strictObject({});

/**
 * What the authorizer says of the caller. `unavailable`: it could not reach the store, so the key is yet
 * unchecked and must be checked before anything is done.
 */
const authorizerContext = z.discriminatedUnion('scope', [
  z.object({ scope: z.literal('runner'), keyId: z.string().min(1), tenantId: z.string().min(1) }),
  z
    .object({ scope: z.literal('operator'), keyId: z.string().min(1) })
    .transform(({ scope, keyId }) => ({ scope, keyId, tenantId: null })),
  z.object({ scope: z.literal('unavailable') }),
]);
export type AuthorizerContext = z.output<typeof authorizerContext>;

/** Undefined when no authorizer ran, or its context is not ours. */
export function authorizerContextOf(event: HttpEvent): AuthorizerContext | undefined {
  return authorizerContext.safeParse(event.requestContext.authorizer?.lambda).data;
}

export type RequestInput = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
  readonly rawBody: string;
  readonly now: Date;
  readonly idempotencyKey: string | null;
  /** The request as sent, for telling a repeat from another request. */
  readonly asSent: Readonly<Record<string, unknown>>;
};

/** @throws Problem 400 naming every wrong parameter, header and field; 413 */
export function readInput(
  event: HttpEvent,
  handler: RouteHandler,
  caller: Caller,
  time: { readonly clock: () => Date; readonly virtualAllowed: boolean },
): RequestInput {
  const { method } = event.requestContext.http;
  const rawBody = bodyText(event.body, event.isBase64Encoded, handler.maxBodyBytes ?? defaultMaxBodyBytes);
  const sent = { params: event.pathParameters ?? {}, query: event.queryStringParameters ?? {} };
  const sentBody = method === 'GET' || method === 'DELETE' ? {} : parseJsonObject(rawBody);
  checkMemberSizes(sentBody, handler.maxMemberBytes ?? {});
  const key = method === 'POST' ? event.headers['idempotency-key'] : undefined;
  const timed = timeOfCall(
    event.headers[virtualTimeHeader.toLowerCase()],
    caller,
    time.virtualAllowed,
    time.clock,
  );
  const query = parseWith(handler.query ?? emptyObject, sent.query);
  const body = parseWith(handler.body ?? emptyObject, sentBody);
  const errors = [
    ...pathErrors(sent.params),
    ...timed.errors,
    ...idempotencyKeyErrors(key),
    ...query.errors,
    ...body.errors,
  ];
  if (errors.length > 0) throw badRequest(errors);
  return {
    params: sent.params as Readonly<Record<string, string>>,
    query: query.value,
    body: body.value,
    rawBody,
    now: timed.now,
    idempotencyKey: key ?? null,
    asSent: { ...sent, body: sentBody },
  };
}

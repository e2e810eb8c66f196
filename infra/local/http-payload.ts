/** API Gateway's payload format 2.0: the event made of a request, and the response made of a result. */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { accountId, apiId } from './identities.ts';

/** A request as it arrived, before any route has been chosen. */
export type ApiRequest = {
  method: string;
  /** Path as sent, without the query. */
  rawPath: string;
  rawQueryString: string;
  /** Names in lower case, several values joined by commas. */
  headers: Record<string, string>;
  cookies: string[];
  sourceIp: string;
  requestId: string;
  receivedAtMs: number;
};

export type ApiResponse = {
  statusCode: number;
  headers: Record<string, string>;
  cookies: string[];
  body: Buffer;
};

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const textualType = /^(text\/|application\/(.+\+)?(json|xml|javascript)\b)/;

export function readRequest(request: IncomingMessage): ApiRequest {
  const [rawPath = '/', ...query] = (request.url ?? '/').split('?');
  const headers = Object.entries(request.headersDistinct).flatMap(([name, values]) =>
    name === 'cookie' || values === undefined ? [] : [[name, values.join(',')] as const],
  );
  return {
    method: request.method ?? 'GET',
    rawPath,
    rawQueryString: query.join('?'),
    headers: Object.fromEntries(headers),
    cookies: request.headers.cookie?.split('; ') ?? [],
    sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
    requestId: randomUUID(),
    receivedAtMs: Date.now(),
  };
}

/** What events for authorizers and for integrations have in common. */
export function baseEvent(
  request: ApiRequest,
  routeKey: string,
  pathParameters: Record<string, string>,
): Record<string, unknown> {
  const query = queryParameters(request.rawQueryString);
  return {
    version: '2.0',
    routeKey,
    rawPath: request.rawPath,
    rawQueryString: request.rawQueryString,
    ...(request.cookies.length > 0 && { cookies: request.cookies }),
    headers: request.headers,
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    requestContext: requestContext(request, routeKey),
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
  };
}

/** Event for an integration; `authorizer` is the context that the route's authorizer answered. */
export function integrationEvent(
  request: ApiRequest,
  routeKey: string,
  pathParameters: Record<string, string>,
  body: Buffer,
  authorizer: unknown,
): Record<string, unknown> {
  const event = baseEvent(request, routeKey, pathParameters);
  const context = requestContext(request, routeKey);
  // A body of a type that is not text travels as base64.
  const isBase64Encoded =
    body.length > 0 && !textualType.test(request.headers['content-type'] ?? 'text/plain');
  return {
    ...event,
    requestContext: authorizer === undefined ? context : { ...context, authorizer: { lambda: authorizer } },
    ...(body.length > 0 && { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded,
  };
}

/**
 * Response of a handler's result: an object with `statusCode` is a response, anything else is the body of a 200.
 * Undefined when the result cannot be a response, which API Gateway answers with 500.
 */
export function toResponse(result: unknown): ApiResponse | undefined {
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    const body = typeof result === 'string' ? result : JSON.stringify(result);
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      cookies: [],
      body: Buffer.from(body),
    };
  }
  const {
    statusCode,
    headers = {},
    cookies = [],
    body = '',
    isBase64Encoded = false,
  } = result as Record<string, unknown>;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) return undefined;
  if (!isScalarRecord(headers) || !Array.isArray(cookies) || typeof (body ?? '') !== 'string')
    return undefined;
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return {
    statusCode: status,
    headers: { 'content-type': 'text/plain;charset=UTF-8', ...Object.fromEntries(named) },
    cookies: cookies.map(String),
    body: Buffer.from(String(body ?? ''), isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** API Gateway's own answers, such as `{"message":"Not Found"}`. */
export function messageResponse(statusCode: number, message: string): ApiResponse {
  const body = Buffer.from(JSON.stringify({ message }));
  return { statusCode, headers: { 'content-type': 'application/json' }, cookies: [], body };
}

function requestContext(request: ApiRequest, routeKey: string): Record<string, unknown> {
  const host = request.headers.host ?? 'localhost';
  return {
    accountId,
    apiId,
    domainName: host.split(':')[0],
    domainPrefix: host.split(/[.:]/)[0],
    http: {
      method: request.method,
      path: request.rawPath,
      protocol: 'HTTP/1.1',
      sourceIp: request.sourceIp,
      userAgent: request.headers['user-agent'] ?? '',
    },
    requestId: request.requestId,
    routeKey,
    stage: '$default',
    time: commonLogTime(new Date(request.receivedAtMs)),
    timeEpoch: request.receivedAtMs,
  };
}

function queryParameters(rawQueryString: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    parameters[name] = Object.hasOwn(parameters, name) ? `${parameters[name]},${value}` : value;
  }
  return parameters;
}

/** Such as `12/Mar/2026:19:03:58 +0000`. */
function commonLogTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(time.getUTCDate())}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
  return `${day}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
}

function isScalarRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item) => ['string', 'number', 'boolean'].includes(typeof item))
  );
}

/** Cross-origin answers of an HTTP API, which replace those of the integrations. */

import type { ApiRequest, ApiResponse } from './http-payload.ts';
import type { PropertiesOf } from './resource-types.ts';

export type CorsConfiguration = NonNullable<PropertiesOf<'AWS::ApiGatewayV2::Api'>['CorsConfiguration']>;

/** The answer to a preflight request, or undefined when the request is none. */
export function answerPreflight(cors: CorsConfiguration, request: ApiRequest): ApiResponse | undefined {
  const { headers } = request;
  if (request.method !== 'OPTIONS' || !headers.origin || !headers['access-control-request-method'])
    return undefined;
  const origin = originHeaders(cors, request);
  return {
    statusCode: 204,
    headers: {
      ...origin,
      ...(Object.keys(origin).length > 0 && {
        'access-control-allow-methods': cors.AllowMethods.join(','),
        'access-control-allow-headers': cors.AllowHeaders.join(','),
        ...(cors.MaxAge !== undefined && { 'access-control-max-age': String(cors.MaxAge) }),
      }),
    },
    cookies: [],
    body: Buffer.alloc(0),
  };
}

/** Puts the API's own cross-origin headers in the place of the integration's. */
export function withCors(cors: CorsConfiguration, request: ApiRequest, response: ApiResponse): ApiResponse {
  const others = Object.entries(response.headers).filter(([name]) => !name.startsWith('access-control-'));
  const own = originHeaders(cors, request);
  return { ...response, headers: { ...Object.fromEntries(others), ...own } };
}

function originHeaders(cors: CorsConfiguration, { headers }: ApiRequest): Record<string, string> {
  const origin = headers.origin;
  const allowed = cors.AllowOrigins.find((one) => one === '*' || one === origin);
  if (origin === undefined || allowed === undefined) return {};
  return {
    'access-control-allow-origin': allowed,
    ...(allowed !== '*' && { vary: 'origin' }),
    ...(cors.AllowCredentials && { 'access-control-allow-credentials': 'true' }),
    ...(cors.ExposeHeaders.length > 0 && { 'access-control-expose-headers': cors.ExposeHeaders.join(',') }),
  };
}

/** The stack's HTTP API: from a request through route, authorizer and integration to a response. */

import { type Authorize, createAuthorizer, functionArnOfUri } from './http-authorizer.ts';
import { answerPreflight, withCors } from './http-cors.ts';
import {
  type ApiRequest,
  type ApiResponse,
  integrationEvent,
  messageResponse,
  readRequest,
  toResponse,
} from './http-payload.ts';
import { type CompiledRoute, compileRoute, findRoute, type RouteMatch } from './http-routes.ts';
import { type LambdaFunction, payloadLimitBytes } from './lambda-function.ts';
import type { LambdaFunctions } from './lambda-functions.ts';
import { type RequestHandler, readBody } from './loopback-server.ts';
import type { Stack } from './stack.ts';

const requestLimitBytes = 10 * 1024 * 1024;

const refusals = {
  unauthorized: messageResponse(401, 'Unauthorized'),
  forbidden: messageResponse(403, 'Forbidden'),
  failed: messageResponse(500, 'Internal Server Error'),
};

type Route = {
  routeKey: string;
  lambda: LambdaFunction;
  timeoutMs: number;
  authorize: Authorize | undefined;
};

/** Throws on a route without a known integration or authorizer, naming its logical id. */
export function createHttpApi(
  stack: Stack,
  functions: LambdaFunctions,
  log: (line: string) => void,
): RequestHandler {
  const [api, ...otherApis] = stack.resources('AWS::ApiGatewayV2::Api');
  if (otherApis.length > 0) throw new Error('the local stage serves one HTTP API; the stack has more');
  const cors = api?.properties.CorsConfiguration;
  const routes = compileRoutes(stack, functions, log);

  async function respond(request: ApiRequest, body: Buffer | undefined): Promise<ApiResponse> {
    if (body === undefined) return messageResponse(413, 'Request Entity Too Large');
    const match = match404(routes, request);
    if ('statusCode' in match) return match;
    const { value: route, pathParameters } = match;
    const verdict = await route.authorize?.(request, route.routeKey, pathParameters);
    if (verdict !== undefined && verdict.outcome !== 'allowed') return refusals[verdict.outcome];
    const event = integrationEvent(request, route.routeKey, pathParameters, body, verdict?.context);
    if (Buffer.byteLength(JSON.stringify(event)) > payloadLimitBytes) {
      return messageResponse(413, 'Request Entity Too Large');
    }
    return integrate(route, event);
  }

  async function integrate(route: Route, event: unknown): Promise<ApiResponse> {
    const invocation = await withDeadline(route.lambda.invoke(event), route.timeoutMs);
    // The function goes on: API Gateway only stops waiting for it.
    if (invocation === undefined) return messageResponse(503, 'Service Unavailable');
    if (!invocation.ok) {
      log(`${route.routeKey}: ${invocation.error.errorType}: ${invocation.error.errorMessage}`);
      return messageResponse(500, 'Internal Server Error');
    }
    const response = toResponse(invocation.payload);
    if (response !== undefined) return response;
    log(`${route.routeKey}: the function's result is not a response: ${JSON.stringify(invocation.payload)}`);
    return messageResponse(500, 'Internal Server Error');
  }

  return async (incoming, outgoing) => {
    const request = readRequest(incoming);
    const body = await readBody(incoming, requestLimitBytes);
    const preflight = cors && answerPreflight(cors, request);
    const answered = preflight ?? (await respond(request, body));
    const response = cors && !preflight ? withCors(cors, request, answered) : answered;
    outgoing.writeHead(response.statusCode, {
      ...response.headers,
      ...(response.cookies.length > 0 && { 'set-cookie': response.cookies }),
      'apigw-requestid': request.requestId,
      'content-length': response.body.length,
    });
    outgoing.end(request.method === 'HEAD' ? undefined : response.body);
  };
}

function match404(
  routes: readonly CompiledRoute<Route>[],
  request: ApiRequest,
): RouteMatch<Route> | ApiResponse {
  try {
    return findRoute(routes, request.method, request.rawPath) ?? messageResponse(404, 'Not Found');
  } catch (error) {
    if (error instanceof URIError) return messageResponse(400, 'Bad Request');
    throw error;
  }
}

function compileRoutes(
  stack: Stack,
  functions: LambdaFunctions,
  log: (line: string) => void,
): CompiledRoute<Route>[] {
  const integrations = new Map(
    stack.resources('AWS::ApiGatewayV2::Integration').map((one) => [one.identity.ref, one]),
  );
  const authorizers = new Map(
    stack
      .resources('AWS::ApiGatewayV2::Authorizer')
      .map((one) => [one.identity.ref, createAuthorizer(stack, functions, one, log)]),
  );
  return stack.resources('AWS::ApiGatewayV2::Route').map(({ logicalId, properties }) => {
    const integration = integrations.get(properties.Target.replace(/^integrations\//, ''));
    if (integration === undefined) throw new Error(`${logicalId}: ${properties.Target} is not in the stack`);
    const authorize = authorizers.get(properties.AuthorizerId ?? '');
    if (properties.AuthorizationType === 'CUSTOM' && authorize === undefined) {
      throw new Error(`${logicalId}: the authorizer ${properties.AuthorizerId} is not in the stack`);
    }
    const route: Route = {
      routeKey: properties.RouteKey,
      lambda: functions.byArn(functionArnOfUri(integration.properties.IntegrationUri, integration.logicalId)),
      timeoutMs: integration.properties.TimeoutInMillis,
      authorize: properties.AuthorizationType === 'CUSTOM' ? authorize : undefined,
    };
    return compileRoute(properties.RouteKey, route);
  });
}

function withDeadline<T>(value: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    value.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

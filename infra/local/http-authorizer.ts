/** REQUEST authorizers of an HTTP API with simple responses, and the cache of their answers. */

import * as z from 'zod';
import { type ApiRequest, baseEvent } from './http-payload.ts';
import { accountId, apiId } from './identities.ts';
import type { LambdaFunctions } from './lambda-functions.ts';
import type { Resource, Stack } from './stack.ts';

/** `unauthorized`: an identity source is missing, the function was not asked; `failed`: it gave no valid answer. */
export type Verdict =
  | { outcome: 'allowed'; context: Record<string, unknown> }
  | { outcome: 'forbidden' | 'unauthorized' | 'failed' };

export type Authorize = (
  request: ApiRequest,
  routeKey: string,
  pathParameters: Record<string, string>,
) => Promise<Verdict>;

const simpleResponse = z.object({
  isAuthorized: z.boolean(),
  context: z.record(z.string(), z.unknown()).default({}),
});

const maxCachedVerdicts = 10_000;

/** Throws on an identity source or a function that is not understood, naming the authorizer's logical id. */
export function createAuthorizer(
  stack: Stack,
  functions: LambdaFunctions,
  { logicalId, properties }: Resource<'AWS::ApiGatewayV2::Authorizer'>,
  log: (line: string) => void,
): Authorize {
  const lambda = functions.byArn(functionArnOfUri(properties.AuthorizerUri, logicalId));
  const sources = properties.IdentitySource.map((source) => compileIdentitySource(source, logicalId));
  const lifetimeMs = properties.AuthorizerResultTtlInSeconds * 1000;
  const cache = new Map<string, { verdict: Promise<Verdict>; expiresAtMs: number }>();

  async function ask(
    request: ApiRequest,
    routeKey: string,
    pathParameters: Record<string, string>,
    identity: readonly string[],
  ): Promise<Verdict> {
    const path = `${apiId}/$default/${request.method}${request.rawPath}`;
    const invocation = await lambda.invoke({
      ...baseEvent(request, routeKey, pathParameters),
      type: 'REQUEST',
      routeArn: `arn:aws:execute-api:${stack.place.region}:${accountId}:${path}`,
      identitySource: identity,
    });
    if (!invocation.ok) {
      log(`${logicalId}: the authorizer failed: ${invocation.error.errorMessage}`);
      return { outcome: 'failed' };
    }
    const answer = simpleResponse.safeParse(invocation.payload);
    if (!answer.success) {
      log(`${logicalId}: the authorizer's answer is malformed: ${z.prettifyError(answer.error)}`);
      return { outcome: 'failed' };
    }
    return answer.data.isAuthorized
      ? { outcome: 'allowed', context: answer.data.context }
      : { outcome: 'forbidden' };
  }

  return async (request, routeKey, pathParameters) => {
    const identity = sources.map((read) => read(request));
    const present = identity.filter((value) => value !== undefined && value !== '');
    if (present.length < sources.length) return { outcome: 'unauthorized' };
    const given = present.map(String);
    if (lifetimeMs === 0 || sources.length === 0) return ask(request, routeKey, pathParameters, given);
    const key = JSON.stringify(given);
    const now = Date.now();
    const cached = cache.get(key);
    if (cached !== undefined && cached.expiresAtMs > now) return cached.verdict;
    const verdict = ask(request, routeKey, pathParameters, given);
    if (cache.size >= maxCachedVerdicts) cache.clear();
    cache.set(key, { verdict, expiresAtMs: now + lifetimeMs });
    // A failure says nothing about the caller, so the next request asks again.
    if ((await verdict).outcome === 'failed') cache.delete(key);
    return verdict;
  };
}

/** ARN of the function in `arn:aws:apigateway:…:lambda:path/2015-03-31/functions/<arn>/invocations`, or as it is. */
export function functionArnOfUri(uri: string, where: string): string {
  const arn = /arn:aws:lambda:[^/]+/.exec(uri)?.[0];
  if (arn === undefined) throw new Error(`${where}: ${uri} names no function`);
  return arn;
}

function compileIdentitySource(source: string, where: string): (request: ApiRequest) => string | undefined {
  const [, kind, name = ''] = /^\$request\.(header|querystring)\.([\w-]+)$/.exec(source) ?? [];
  if (kind === 'header') return (request) => request.headers[name.toLowerCase()];
  if (kind === 'querystring') {
    return (request) => new URLSearchParams(request.rawQueryString).get(name) ?? undefined;
  }
  throw new Error(`${where}: the identity source ${source} is not understood`);
}

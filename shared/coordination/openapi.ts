/** The OpenAPI 3.1 document, from the routes and the schemas that the handlers use. */

import type * as z from 'zod';
import { type Route, routes } from '../platform/routes.ts';
import { type JsonSchema, toJsonSchemas } from './json-schema.ts';
import { type ApiRouteKey, type Operation, operations, schemas } from './operations.ts';

const componentBase = '#/components/schemas/';

const description = `Control plane for fleets of agent runs.
Times are UTC in ISO 8601, money is in USD with at most 9 decimals. Clients ignore members they do not know;
unknown members of a request are refused. Ids are unique within a tenant: an operator names the tenant by tenantId.
On the local stage an operator may set the time of a call by the header Mothership-Now.`;

const problem = {
  description: 'Why the request was not done',
  content: { 'application/problem+json': { schema: { $ref: `${componentBase}Problem` } } },
};

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Repeats with the same key and body get the first answer for 24 hours.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    if (route.path === '/console') continue;
    const key: ApiRouteKey = `${route.method} ${route.path}` as ApiRouteKey;
    const operation = operationObject(route, operations[key]);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Mothership', version: '1.0.0', description },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', bearerFormat: 'msk_<keyId>_<secret>' },
      },
      schemas: toJsonSchemas(schemas, componentBase),
    },
  };
}

function operationObject(route: Route, operation: Operation): Record<string, unknown> {
  const parameters = [
    ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => pathParameter(name)),
    ...(operation.query === undefined ? [] : queryParameters(operation.query)),
    ...(route.method === 'POST' ? [idempotencyKey] : []),
  ];
  return {
    operationId: operation.id,
    summary: route.summary,
    tags: [route.function],
    'x-scope': route.scope,
    ...(route.scope === 'public' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.body === undefined
      ? {}
      : { requestBody: { required: true, content: jsonContent(operation.body) } }),
    responses: responsesOf(operation),
  };
}

function responsesOf(operation: Operation): Record<string, unknown> {
  const answers = Object.entries(operation.answers).map(([status, name]): [string, unknown] => {
    const refused = Number(status) >= 400;
    const content = refused
      ? { 'application/problem+json': { schema: { $ref: `${componentBase}${name}` } } }
      : jsonContent(name);
    return [status, { description: refused ? 'Refused' : 'Done', content }];
  });
  return { ...Object.fromEntries(answers), default: problem };
}

function jsonContent(name: string | null): Record<string, unknown> {
  return { 'application/json': { schema: name === null ? {} : { $ref: `${componentBase}${name}` } } };
}

function pathParameter(name: string): Record<string, unknown> {
  return {
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' },
  };
}

function queryParameters(query: z.ZodType): Record<string, unknown>[] {
  const schema = toJsonSchemas({ Query: query }, '').Query;
  const properties = (schema?.properties ?? {}) as Record<string, JsonSchema>;
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: 'query',
    required: false,
    schema: property,
  }));
}

/** HTTP routes of coordination: timeline, sweep, health and the OpenAPI document. */

import { authenticate } from '../../shared/access/authenticate.ts';
import { tenantOfId } from '../../shared/admission/tenant.ts';
import { timelineQuery } from '../../shared/coordination/contract.ts';
import { openApiDocument } from '../../shared/coordination/openapi.ts';
import type { Publisher } from '../../shared/coordination/queues.ts';
import { environmentPublisher, relayAfterCommit } from '../../shared/coordination/relay.ts';
import { sweep } from '../../shared/coordination/sweep.ts';
import { readTimeline } from '../../shared/coordination/timeline.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import { type ApiDependencies, type HttpHandler, httpApi, route } from '../../shared/platform/http.ts';
import { notFound } from '../../shared/platform/problem.ts';
import { getConsole } from './console.ts';

const getTimeline = route({
  query: timelineQuery,
  handle: async ({ database, caller, params, query }) => {
    const runId = params.runId ?? '';
    const tenantId = await tenantOfId(database, caller, 'run', runId, query.tenantId);
    const page = await readTimeline(database, tenantId, runId, query);
    if (page === null) throw notFound(`Run ${runId}`);
    return { status: 200, body: page };
  },
});

const getHealth = route({
  handle: async ({ database, now }) => {
    await database.query('select 1');
    return { status: 200, body: { status: 'ok', at: now.toISOString() } };
  },
});

const getOpenApi = route({ handle: async () => ({ status: 200, body: openApiDocument() }) });

export function coordinationApi(
  dependencies: ApiDependencies & { readonly publisher: () => Publisher },
): HttpHandler {
  return httpApi<'coordination'>(
    {
      'GET /v1/runs/{runId}/events': getTimeline,
      'POST /v1/sweep': route({
        handle: async ({ database, now }) => ({
          status: 200,
          body: await sweep(database, dependencies.publisher(), now),
        }),
      }),
      'GET /v1/health': getHealth,
      'GET /v1/openapi.json': getOpenApi,
      'GET /console': getConsole,
    },
    dependencies,
  );
}

export const handler = coordinationApi({
  database: databaseFromSecret,
  publisher: environmentPublisher,
  afterCommit: async (call) => {
    await relayAfterCommit(call);
  },
  authenticate,
});

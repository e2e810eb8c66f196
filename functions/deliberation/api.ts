/** HTTP route of deliberation: scoring reasoning. */

import { authenticate } from '../../shared/access/authenticate.ts';
import { tenantQuery } from '../../shared/admission/contract.ts';
import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import { tenantOfId } from '../../shared/admission/tenant.ts';
import { relayAfterCommit } from '../../shared/coordination/relay.ts';
import { deliberationRequest, reasoningBytesMax } from '../../shared/deliberation/contract.ts';
import { localScorer } from '../../shared/deliberation/local-scorer.ts';
import { scoreRun } from '../../shared/deliberation/score-run.ts';
import type { Scorer } from '../../shared/deliberation/scorer.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import { type ApiDependencies, type HttpHandler, httpApi, route } from '../../shared/platform/http.ts';
import { notFound } from '../../shared/platform/problem.ts';

export function deliberationApi(dependencies: ApiDependencies & { readonly scorer: Scorer }): HttpHandler {
  return httpApi<'deliberation'>(
    {
      'POST /v1/runs/{runId}/deliberations': route({
        body: deliberationRequest,
        query: tenantQuery,
        // Text of 256 KB can take more once escaped as JSON.
        maxBodyBytes: 2 * 1024 * 1024,
        maxMemberBytes: { text: reasoningBytesMax },
        handle: async ({ database, caller, params, query, body, now }) => {
          const runId = params.runId ?? '';
          const tenantId = await tenantOfId(database, caller, 'run', runId, query.tenantId);
          const answer = await scoreRun(
            database,
            dependencies.scorer,
            tenantId,
            runId,
            body,
            policyInForce(),
            now,
          );
          if (answer === null) {
            throw notFound(
              body.taskId === undefined ? `Run ${runId}` : `Run ${runId} with task ${body.taskId}`,
            );
          }
          return { status: 201, body: answer };
        },
      }),
    },
    dependencies,
  );
}

export const handler = deliberationApi({
  database: databaseFromSecret,
  scorer: localScorer,
  afterCommit: async (call) => {
    await relayAfterCommit(call);
  },
  authenticate,
});

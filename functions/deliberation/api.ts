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
import { judgeSwitchedOn } from '../../shared/platform/process-env.ts';
import type { WithJudge } from './judge.ts';

export type DeliberationDependencies = ApiDependencies & {
  readonly scorer: Scorer;
  /** Puts a judge behind the scorer; null where none is switched on. */
  readonly judge: (() => Promise<WithJudge>) | null;
};

export function deliberationApi(dependencies: DeliberationDependencies): HttpHandler {
  return httpApi<'deliberation'>(
    {
      'POST /v1/runs/{runId}/deliberations': route({
        body: deliberationRequest,
        query: tenantQuery,
        // Text of 256 KB can take more once escaped as JSON.
        maxBodyBytes: 2 * 1024 * 1024,
        maxMemberBytes: { text: reasoningBytesMax },
        handle: async ({ database, caller, params, query, body, now, log }) => {
          const runId = params.runId ?? '';
          const tenantId = await tenantOfId(database, caller, 'run', runId, query.tenantId);
          const payer = { database, tenantId, runId, taskId: body.taskId ?? null, now, log };
          const behind = dependencies.judge === null ? null : await dependencies.judge();
          const scorer = behind === null ? dependencies.scorer : behind(dependencies.scorer, payer);
          const answer = await scoreRun(database, scorer, tenantId, runId, body, policyInForce(), now);
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
  judge: judgeSwitchedOn() ? async () => (await import('./judge.ts')).environmentJudge : null,
  afterCommit: async (call) => {
    await relayAfterCommit(call);
  },
  authenticate,
});

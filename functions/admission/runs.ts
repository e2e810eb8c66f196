import { type AdmitInput, type AdmitResult, admit } from '../../shared/admission/admit.ts';
import { admissionAnswerOf } from '../../shared/admission/answers.ts';
import {
  labelsRequest,
  type RunRequest,
  runListQuery,
  runRequest,
  type TaskRequest,
  taskRequest,
  tenantQuery,
} from '../../shared/admission/contract.ts';
import { setLabels } from '../../shared/admission/labels.ts';
import { listRuns, readRun } from '../../shared/admission/run-reads.ts';
import { tenantOfId } from '../../shared/admission/tenant.ts';
import { actingTenant, type Call, type Reply, route } from '../../shared/platform/http.ts';
import { badRequest, notFound, unprocessable } from '../../shared/platform/problem.ts';
import { rateLimitHeaders } from './rate-limit.ts';
import { refusalProblem } from './refusal.ts';

/** POST /v1/runs */
export const admitRun = route({
  body: runRequest,
  idempotent: 'self',
  handle: async (call) => {
    checkOperatorFields(call);
    const tenantId = actingTenant(call.caller, call.body.tenantId);
    return answerAdmission(call, { tenantId, request: call.body });
  },
});

/** POST /v1/runs/{runId}/tasks */
export const admitPhase = route({
  body: taskRequest,
  idempotent: 'self',
  handle: async (call) => {
    checkOperatorFields(call);
    const runId = call.params.runId ?? '';
    const tenantId = await tenantOfId(call.database, call.caller, 'run', runId, call.body.tenantId);
    return answerAdmission(call, { tenantId, request: { ...call.body, runId } });
  },
});

/** Only an operator may override class or overridable, or act for a tenant it names (A3). */
function checkOperatorFields({ caller, body }: Call<RunRequest | TaskRequest>): void {
  if (caller.scope !== 'operator' && body.priority !== undefined) {
    throw badRequest([{ path: 'priority', message: 'may only be set with an operator key' }]);
  }
}

async function answerAdmission(
  call: Call<RunRequest | TaskRequest>,
  input: Pick<AdmitInput, 'tenantId' | 'request'>,
): Promise<Reply> {
  const result = await admit(
    call.database,
    {
      ...input,
      asSent: JSON.parse(call.rawBody),
      idempotencyKey: call.idempotencyKey,
      actor: call.caller.keyId ?? 'unknown',
    },
    call.now,
  );
  return replyOf(result, input, call.now);
}

function replyOf(
  result: AdmitResult,
  { tenantId, request }: Pick<AdmitInput, 'tenantId' | 'request'>,
  now: Date,
): Reply {
  switch (result.kind) {
    case 'tenant_not_found':
      throw notFound(`Tenant ${tenantId}`);
    case 'run_not_found':
      throw notFound(`Run ${request.runId}`);
    case 'mismatch':
      throw unprocessable(
        'idempotency_mismatch',
        'This run id, task id or Idempotency-Key was used with another request. Send the same body again, or use a new id.',
      );
    case 'answer': {
      const headers = {
        ...rateLimitHeaders(result.outcome, now),
        ...(result.replayed ? { 'idempotent-replayed': 'true' } : {}),
      };
      if (result.outcome.decision === 'refused') {
        const problem = refusalProblem(result.outcome, now);
        Object.assign(problem.headers, headers);
        if (request.dryRun) {
          return {
            status: 200,
            headers,
            body: { ...problem.extra, code: problem.code, detail: problem.detail, wouldPreempt: [] },
          };
        }
        throw problem;
      }
      const answer = admissionAnswerOf(result.outcome);
      if (request.dryRun)
        return { status: 200, headers, body: { ...answer, wouldPreempt: result.wouldPreempt ?? [] } };
      return { status: result.outcome.decision === 'admitted' ? 201 : 202, headers, body: answer };
    }
  }
}

/** GET /v1/runs/{runId} */
export const getRun = route({
  query: tenantQuery,
  handle: async ({ database, caller, params, query, now }) => {
    const runId = params.runId ?? '';
    const tenantId = await tenantOfId(database, caller, 'run', runId, query.tenantId);
    const run = await readRun(database, tenantId, runId, now);
    if (run === null) throw notFound(`Run ${runId}`);
    return { status: 200, body: run };
  },
});

/** PUT /v1/runs/{runId}/labels: replaces all of them; also after the run's end. */
export const putLabels = route({
  body: labelsRequest,
  query: tenantQuery,
  handle: async ({ database, caller, params, query, body, now }) => {
    const runId = params.runId ?? '';
    const tenantId = await tenantOfId(database, caller, 'run', runId, query.tenantId);
    await setLabels(database, tenantId, runId, body.labels);
    const run = await readRun(database, tenantId, runId, now);
    if (run === null) throw notFound(`Run ${runId}`);
    return { status: 200, body: run };
  },
});

/** GET /v1/runs */
export const getRuns = route({
  query: runListQuery,
  handle: async ({ database, caller, query }) => {
    const tenantId =
      caller.tenantId === null ? (query.tenantId ?? null) : actingTenant(caller, query.tenantId);
    return { status: 200, body: await listRuns(database, tenantId, query) };
  },
});

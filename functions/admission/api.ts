/** HTTP routes of admission: runs, tasks, claims, the line, quotas and the pool. */

import { authenticate } from '../../shared/access/authenticate.ts';
import { relayAfterCommit } from '../../shared/coordination/relay.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import { type ApiDependencies, type HttpHandler, httpApi } from '../../shared/platform/http.ts';
import {
  getDecision,
  getPool,
  getQueue,
  getQuotas,
  getUsage,
  getViolations,
  putPool,
  putQuotas,
} from './limits.ts';
import { admitPhase, admitRun, getRun, getRuns, putLabels } from './runs.ts';
import { cancel, checkpoint, claim, claims, complete, getTask, heartbeat, preempt, resume } from './tasks.ts';

export function admissionApi(dependencies: ApiDependencies): HttpHandler {
  return httpApi<'admission'>(
    {
      'POST /v1/runs': admitRun,
      'GET /v1/runs': getRuns,
      'GET /v1/runs/{runId}': getRun,
      'PUT /v1/runs/{runId}/labels': putLabels,
      'POST /v1/runs/{runId}/tasks': admitPhase,
      'GET /v1/tasks/{taskId}': getTask,
      'POST /v1/tasks/{taskId}/claim': claim,
      'POST /v1/claims': claims,
      'POST /v1/tasks/{taskId}/heartbeat': heartbeat,
      'POST /v1/tasks/{taskId}/checkpoints': checkpoint,
      'POST /v1/tasks/{taskId}/complete': complete,
      'POST /v1/tasks/{taskId}/cancel': cancel,
      'POST /v1/tasks/{taskId}/preempt': preempt,
      'POST /v1/tasks/{taskId}/resume': resume,
      'GET /v1/queue': getQueue,
      'GET /v1/tenants/{tenantId}/quotas': getQuotas,
      'PUT /v1/tenants/{tenantId}/quotas': putQuotas,
      'GET /v1/tenants/{tenantId}/usage': getUsage,
      'GET /v1/tenants/{tenantId}/violations': getViolations,
      'GET /v1/pool': getPool,
      'PUT /v1/pool': putPool,
      'GET /v1/decisions/{decisionId}': getDecision,
    },
    dependencies,
  );
}

export const handler = admissionApi({
  database: databaseFromSecret,
  afterCommit: async (call) => {
    await relayAfterCommit(call);
  },
  authenticate,
});

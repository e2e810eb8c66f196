/** Reads of stored decisions (R5). */

import type { Database } from '../platform/db.ts';

export async function readDecision(database: Database, decisionId: string) {
  const [row] = await database.query<{
    decision_id: string;
    kind: string;
    tenant_id: string;
    run_id: string | null;
    task_id: string | null;
    result: string;
    policy_version: string;
    inputs: Record<string, unknown>;
    counters: Record<string, unknown>;
    answer: Record<string, unknown>;
    at: Date;
  }>('select * from decisions where decision_id = $1', [decisionId]);
  if (row === undefined) return null;
  return {
    decisionId: row.decision_id,
    kind: row.kind,
    tenantId: row.tenant_id,
    runId: row.run_id,
    taskId: row.task_id,
    result: row.result,
    policyVersion: row.policy_version,
    inputs: row.inputs,
    counters: row.counters,
    answer: row.answer,
    at: row.at.toISOString(),
  };
}

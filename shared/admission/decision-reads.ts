/** Reads of stored decisions (R5). */

import type { Database } from '../platform/db.ts';

export type StoredDecision = {
  readonly decisionId: string;
  readonly kind: 'admit' | 'grant' | 'preempt';
  readonly tenantId: string;
  readonly runId: string | null;
  readonly taskId: string | null;
  readonly result: string;
  readonly policyVersion: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly counters: Readonly<Record<string, unknown>>;
  readonly answer: Readonly<Record<string, unknown>>;
  readonly planId: string | null;
  readonly at: Date;
};

export type DecisionRow = {
  readonly decision_id: string;
  readonly kind: StoredDecision['kind'];
  readonly tenant_id: string;
  readonly run_id: string | null;
  readonly task_id: string | null;
  readonly result: string;
  readonly policy_version: string;
  readonly inputs: Record<string, unknown>;
  readonly counters: Record<string, unknown>;
  readonly answer: Record<string, unknown>;
  readonly plan_id: string | null;
  readonly at: Date;
};

export function storedDecisionOf(row: DecisionRow): StoredDecision {
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
    planId: row.plan_id,
    at: row.at,
  };
}

/** As the API shows it; null when there is none. */
export async function readDecision(database: Database, decisionId: string) {
  const [row] = await database.query<DecisionRow>('select * from decisions where decision_id = $1', [
    decisionId,
  ]);
  if (row === undefined) return null;
  const { planId: _planId, ...shown } = storedDecisionOf(row);
  return { ...shown, at: row.at.toISOString() };
}

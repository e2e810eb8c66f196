/** Makes stored decisions again from what was stored with them, and compares (R5). */

import { isDeepStrictEqual } from 'node:util';
import type { Database } from '../platform/db.ts';
import type { AdmissionAsk, AdmissionFacts, Decided } from './admission-account.ts';
import { type DecisionRow, type StoredDecision, storedDecisionOf } from './decision-reads.ts';
import { keyOf } from './line-walk.ts';
import type { Policy } from './policy.ts';
import { type Plan, planSchedule, type Snapshot } from './schedule.ts';

type Row = DecisionRow & {
  /** Of the policy that the decision was made under; null when it was not kept. */
  readonly numbers: Policy | null;
  readonly snapshot: Snapshot | null;
  readonly decided: Decided | null;
  readonly admission_same: boolean | null;
};

/** What the decision rests on, as far as it is on record. */
export type Basis =
  | {
      readonly kind: 'admission';
      readonly facts: AdmissionFacts;
      readonly ask: AdmissionAsk;
      readonly decided: Decided;
    }
  | {
      readonly kind: 'plan';
      readonly plan: Plan;
      readonly snapshot: Snapshot;
      readonly policy: Policy;
      readonly now: Date;
    }
  | { readonly kind: 'none'; readonly why: string };

export type Explanation = {
  readonly decision: StoredDecision;
  /** The same parts of the answer as decided again; null when there is nothing to decide on, or nothing is decided. */
  readonly again: Readonly<Record<string, unknown>> | null;
  /** Whether the stored result and answer are what is decided again. */
  readonly same: boolean;
  readonly basis: Basis;
};

/**
 * Judges an admission again, or makes the plan of a grant or preemption again, under the policy that it was made under.
 * Null when there is no such decision.
 *
 * @throws StoreUnavailable
 */
export async function explainDecision(database: Database, decisionId: string): Promise<Explanation | null> {
  // Compared where the numbers are exact: what is decided again, laid over the stored answer, must change nothing.
  const [row] = await database.query<Row>(
    `select d.*, p.numbers, l.snapshot, a.decided,
       d.answer || a.decided = d.answer and d.result = a.decided->>'decision' as admission_same
     from decisions d
     left join policies p on p.version = d.policy_version
     left join plans l on l.plan_id = d.plan_id
     cross join lateral (
       select case when d.kind = 'admit' and p.numbers is not null then
         decision_of(p_judged => judge_admission(p_facts => d.counters, p_ask => d.inputs, p_policy => p.numbers, p_now => d.at),
           p_ask => d.inputs)
       end as decided
     ) a
     where d.decision_id = $1`,
    [decisionId],
  );
  if (row === undefined) return null;
  const decision = storedDecisionOf(row);
  const { numbers, snapshot, decided } = row;
  if (numbers === null) {
    const why = `The numbers of policy ${row.policy_version} are not on record, so it cannot be made again.`;
    return { decision, again: null, same: false, basis: { kind: 'none', why } };
  }
  if (decision.kind === 'admit') {
    if (decided === null) throw new Error(`${decisionId}: judging it again gave no answer`);
    const facts = row.counters as unknown as AdmissionFacts;
    const ask = row.inputs as unknown as AdmissionAsk;
    const basis = { kind: 'admission', facts, ask, decided } as const;
    return { decision, again: decided, same: row.admission_same === true, basis };
  }
  if (snapshot === null) {
    const why = 'The plan that it belongs to is not on record, so it cannot be made again.';
    return { decision, again: null, same: false, basis: { kind: 'none', why } };
  }
  const plan = planSchedule(snapshot, numbers, decision.at);
  const again = itemOf(decision, plan, snapshot);
  return {
    decision,
    again,
    same: isDeepStrictEqual(again, storedItemOf(decision)),
    basis: { kind: 'plan', plan, snapshot, policy: numbers, now: decision.at },
  };
}

/**
 * The decisions about a run, and those of others by which a task of it had to leave or to give up its quota; oldest first.
 * Ids of runs are unique within a tenant only: those of all tenants are listed.
 */
export async function decisionsOfRun(database: Database, runId: string): Promise<StoredDecision[]> {
  const rows = await database.query<Row>(
    `select d.* from tenants n join decisions d on d.tenant_id = n.tenant_id and d.run_id = $1
     union
     select d.* from tenants n
     join tasks t on t.tenant_id = n.tenant_id and t.run_id = $1
     join decisions d on d.at between t.accepted_at and coalesce(t.ended_at, 'infinity') and (
       d.kind = 'preempt'
         and d.answer->'victims' @> jsonb_build_array(jsonb_build_object('tenantId', t.tenant_id, 'taskId', t.task_id))
       or d.kind in ('grant', 'preempt') and d.tenant_id = t.tenant_id and d.answer->'displaced' ? t.task_id
     )
     order by at, decision_id`,
    [runId],
  );
  return rows.map(storedDecisionOf);
}

/** What a plan does for the decision's task, in the terms of a stored decision; null: nothing. */
function itemOf(decision: StoredDecision, plan: Plan, snapshot: Snapshot): Record<string, unknown> | null {
  const isOwn = ({ task }: { readonly task: { tenantId: string; taskId: string } }) =>
    keyOf(task) === `${decision.tenantId}/${decision.taskId}`;
  const version = Number(snapshot.version);
  if (decision.kind === 'grant') {
    const grant = plan.grants.find(isOwn);
    if (grant === undefined) return null;
    const displaced = grant.displaced.map(({ taskId }) => taskId);
    return { result: 'granted', poolVersion: version, class: grant.task.class, displaced };
  }
  const preemption = plan.preemptions.find(isOwn);
  if (preemption === undefined) return null;
  const victims = preemption.victims.map(({ tenantId, taskId, epoch }) => ({ tenantId, taskId, epoch }));
  const displaced = preemption.displaced.map(({ taskId }) => taskId);
  return { result: 'preempting', poolVersion: version, reason: preemption.reason, victims, displaced };
}

function storedItemOf({ kind, result, counters, inputs, answer }: StoredDecision): Record<string, unknown> {
  const { poolVersion } = counters;
  return kind === 'grant'
    ? { result, poolVersion, class: inputs.class, displaced: answer.displaced }
    : { result, poolVersion, reason: inputs.reason, victims: answer.victims, displaced: answer.displaced };
}

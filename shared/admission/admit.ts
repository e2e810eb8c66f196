/** One admission: from the caller's request to the decision, and what follows from it. */

import { storedPeriod } from '../budget/terms.ts';
import { type Database, json } from '../platform/db.ts';
import { hashOf } from '../platform/hash.ts';
import { newId } from '../platform/ids.ts';
import { usdToNanos } from '../platform/money.ts';
import type { RunRequest, TaskRequest } from './contract.ts';
import { policyInForce } from './policy-in-force.ts';
import { defaultsOfPhase, priorityOf } from './priority.ts';
import type { AdmissionOutcome } from './rows.ts';
import { schedule } from './scheduler.ts';

export type AdmitInput = {
  readonly tenantId: string;
  /** A new run with its budget, or a further phase of the run named. */
  readonly request: RunRequest | (TaskRequest & { readonly runId: string });
  /** The body as sent: a repeat must be equal to it (A7). */
  readonly asSent: unknown;
  readonly idempotencyKey: string | null;
  /** Who asks, kept with the priority (A3). */
  readonly actor: string;
};

export type AdmitResult =
  | { readonly kind: 'mismatch' | 'tenant_not_found' | 'run_not_found' }
  | {
      readonly kind: 'answer';
      readonly replayed: boolean;
      readonly outcome: AdmissionOutcome;
      /** Dry runs: the tasks that would be preempted for it (A8). */
      readonly wouldPreempt?: readonly string[];
    };

/**
 * Judges and reserves in one round trip (A1). A queued newcomer then gets one pass of the scheduler, which may preempt
 * for it; a dry run gets the same pass, rolled back.
 *
 * @throws StoreUnavailable
 */
export async function admit(database: Database, input: AdmitInput, now: Date): Promise<AdmitResult> {
  const request = requestDocument(input);
  const [row] = await database.query<{ result: AdmitResult | { readonly kind: 'rehearse' } }>(
    'select admit_task(p_request => $1, p_policy => $2, p_now => $3) as result',
    [json(request), json(policyInForce()), now],
  );
  if (row === undefined) throw new Error('admit_task returned no row');
  const { result } = row;
  if (result.kind === 'rehearse') return rehearsal(database, request, now);
  if (result.kind !== 'answer' || result.replayed) return result;
  if (input.request.dryRun) {
    if (result.outcome.decision !== 'queued') return { ...result, wouldPreempt: [] };
    const { wouldPreempt } = await rehearse(database, request, now);
    return { ...result, wouldPreempt };
  }
  if (result.outcome.decision === 'queued') await schedule(database, now);
  return result;
}

function requestDocument({ tenantId, request, asSent, idempotencyKey, actor }: AdmitInput) {
  const defaults = defaultsOfPhase(request.phase);
  const priority = priorityOf(request.phase, request.priority);
  const budget = 'budget' in request ? request.budget : undefined;
  const runId = request.runId ?? request.taskId ?? newId('run');
  // A run's first task has the run's id unless the caller names it.
  const taskId = request.taskId ?? (budget === undefined ? newId('task') : runId);
  const requestKeys = [...(idempotencyKey === null ? [] : [`key:${idempotencyKey}`]), `task:${taskId}`];
  return {
    tenantId,
    runId,
    taskId,
    phase: request.phase,
    class: priority.class,
    overridable: priority.overridable,
    priorityReason: priority.reason,
    priorityActor: actor,
    cpu: request.resources?.cpu ?? defaults.cpu,
    memoryGb: request.resources?.memoryGb ?? defaults.memoryGb,
    maxCostNanos: budget === undefined ? null : String(usdToNanos(budget.maxCostUSD)),
    maxDurationMs: budget?.maxDurationMs ?? null,
    period: (budget === undefined ? undefined : storedPeriod(budget)) ?? null,
    thresholds: budget?.thresholds ?? null,
    goal: request.goal ?? null,
    labels: request.labels,
    start: request.start,
    onQuota: request.onQuota,
    /** Null: the tenant's own, else the stage's. */
    leaseSeconds: request.leaseSeconds ?? null,
    dryRun: request.dryRun,
    decisionId: newId('dec'),
    violationId: newId('viol'),
    // A run and a further phase of it are different requests even when their bodies are equal.
    requestHash: hashOf({ runId: budget === undefined ? request.runId : null, body: withoutDryRun(asSent) }),
    requestKeys,
  };
}

/** A dry run is judged as the live request that it stands for, a repeat included (A8). */
function withoutDryRun(asSent: unknown): unknown {
  if (typeof asSent !== 'object' || asSent === null) return asSent;
  return Object.fromEntries(Object.entries(asSent).filter(([member]) => member !== 'dryRun'));
}

/** Thrown to undo a rehearsal. */
const undone = new Error('a rehearsal is rolled back');

/** A dry run whose live call would write before it judges: its answer, without the id of what is not kept (A8). */
async function rehearsal(
  database: Database,
  request: ReturnType<typeof requestDocument>,
  now: Date,
): Promise<AdmitResult> {
  const { result, wouldPreempt } = await rehearse(database, request, now);
  if (result.kind !== 'answer') return result;
  return { ...result, outcome: { ...result.outcome, decisionId: null }, wouldPreempt };
}

/**
 * The live call and, when the newcomer has to wait, its pass, rolled back: with the victims that would be taken. Whatever stands
 * in the line, the answer is what the live one would be; the price is the scheduler's lock for as long as a live call has it.
 */
async function rehearse(
  database: Database,
  request: ReturnType<typeof requestDocument>,
  now: Date,
): Promise<{ readonly result: AdmitResult; readonly wouldPreempt: readonly string[] }> {
  let rehearsed: { result: AdmitResult; wouldPreempt: string[] } | undefined;
  try {
    await database.transaction(async (tx) => {
      const [row] = await tx.query<{ result: AdmitResult }>(
        'select admit_task(p_request => $1, p_policy => $2, p_now => $3) as result',
        [json({ ...request, dryRun: false }), json(policyInForce()), now],
      );
      if (row === undefined) throw new Error('admit_task returned no row');
      rehearsed = { result: row.result, wouldPreempt: [] };
      if (row.result.kind === 'answer' && row.result.outcome.decision === 'queued') {
        await schedule(tx, now);
        const victims = await tx.query<{ task_id: string }>(
          `select task_id from tasks
           where state = 'preempting' and preempted_by_tenant = $1 and preempted_by = $2 order by task_id`,
          [row.result.outcome.tenantId, row.result.outcome.taskId],
        );
        rehearsed.wouldPreempt = victims.map(({ task_id }) => task_id);
      }
      throw undone;
    });
  } catch (error) {
    if (error !== undone) throw error;
  }
  if (rehearsed === undefined) throw new Error('the rehearsal was not made');
  return rehearsed;
}

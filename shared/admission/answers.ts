/** Rows to API answers. The only place that knows both. Pure. */

import { directiveOf } from '../budget/directive.ts';
import { budgetStatusOf } from '../budget/status.ts';
import { type ClosedGate, gateAdvice, gateWords, tooLow } from '../deliberation/gate.ts';
import type { AdmissionAnswer, CheckpointAnswer, HeartbeatAnswer, RefusalReason, Task } from './contract.ts';
import { startEstimate } from './estimate.ts';
import { className } from './priority.ts';
import type { AdmissionOutcome, CheckpointRow, QueuePlace, ReasonRow, TaskAnswer, TaskRow } from './rows.ts';

/** A task answer that is not `not_found`. */
export type KnownTask<Kind extends string = string> = Exclude<TaskAnswer<Kind>, { kind: 'not_found' }>;

export function admissionAnswerOf(outcome: AdmissionOutcome): AdmissionAnswer {
  if (outcome.state === null || outcome.budget === null || outcome.decision === 'refused') {
    throw new Error('a refusal has no admission answer');
  }
  return {
    runId: outcome.runId,
    taskId: outcome.taskId,
    tenantId: outcome.tenantId,
    phase: outcome.phase,
    decision: outcome.decision,
    state: outcome.state,
    priority: {
      class: className(outcome.class),
      reason: outcome.priorityReason,
      overridable: outcome.overridable,
    },
    resources: {
      cpu: outcome.cpu,
      memoryGb: outcome.memoryGb,
      burstCpu: outcome.burstCpu,
      burstMemoryGb: outcome.burstMemoryGb,
    },
    lease:
      outcome.leaseExpiresAt === null ? null : { epoch: outcome.epoch, expiresAt: outcome.leaseExpiresAt },
    queue: outcome.queue === null ? null : placeOf(outcome.queue, outcome.class, new Date(outcome.at)),
    budget: budgetStatusOf(outcome.budget),
    violations: [],
    recommendations: adviceOf(outcome),
    decisionId: outcome.decisionId ?? '',
  };
}

/** Every number of a reason is there, null where it has no meaning (A2). */
export function refusalReasonOf(reason: ReasonRow): RefusalReason {
  return {
    code: reason.code,
    level: reason.level,
    ...(reason.resource === undefined ? {} : { resource: reason.resource }),
    limit: reason.limit ?? null,
    burst: reason.burst ?? null,
    used: reason.used ?? null,
    held: reason.held ?? null,
    asked: reason.asked ?? null,
    ...(reason.retryAt ? { retryAt: reason.retryAt } : {}),
    ...(reason.score === undefined ? {} : { score: gateScoreOf(reason.score) }),
  };
}

/** The score that closed the gate, and which of its numbers were too low. */
function gateScoreOf(gate: ClosedGate) {
  const { scoreId, phase, overall, depth, coherence, relevance, scorerVersion, lastVerdict, at } = gate;
  const low = tooLow(gate);
  return {
    scoreId,
    phase,
    overall,
    depth,
    coherence,
    relevance,
    tooLow: low,
    scorerVersion,
    lastVerdict,
    at,
  };
}

/** What an answer advises although nothing is refused for it (D5, qualityGate advise). */
function adviceOf({ advice }: AdmissionOutcome): string[] {
  return advice === undefined ? [] : [gateWords(advice), ...gateAdvice(advice)];
}

const recommendations: Readonly<Record<ReasonRow['code'], string>> = {
  throttled: 'Wait until the throttle ends; requests before then are not judged and do not extend it.',
  never_fits: 'Ask for less, or have the limit raised; waiting cannot help.',
  quality_gate: 'Revise the rejected reasoning and have it scored again.',
  quota_exceeded: 'Ask again when work has ended, or send onQuota "wait" to queue for the quota.',
  budget_exhausted: 'Have the budget raised, or wait for the next period where there is one.',
};

/** What the caller can do: a line for each kind of reason, for the gate what its score advised as well. */
export function refusalRecommendations(outcome: AdmissionOutcome): string[] {
  const lines = outcome.reasons.flatMap(({ code, score }) =>
    score === undefined ? [recommendations[code]] : gateAdvice(score),
  );
  return [...new Set([...lines, ...adviceOf(outcome)])];
}

function placeOf({ position, aheadInTenant, waitingFor, pace }: QueuePlace, taskClass: number, now: Date) {
  return {
    position,
    aheadInTenant,
    waitingFor,
    startEstimate: startEstimate(position, taskClass, pace, now),
  };
}

/** @param place where it stands in the line, and when that was read; null when it is not in the line */
export function taskOf(
  row: TaskRow,
  place: { readonly at: QueuePlace; readonly now: Date } | null,
  checkpoint: CheckpointRow | null,
): Task {
  return {
    taskId: row.task_id,
    runId: row.run_id,
    tenantId: row.tenant_id,
    phase: row.phase,
    state: row.state,
    priority: {
      class: className(row.queue_class),
      reason: row.priority_reason,
      overridable: row.overridable,
    },
    resources: {
      cpu: row.cpu,
      memoryGb: row.memory_gb,
      burstCpu: row.burst_cpu,
      burstMemoryGb: row.burst_memory_gb,
    },
    lease:
      row.lease_expires_at === null || row.room_until === null
        ? null
        : { epoch: row.epoch, expiresAt: instantOf(row.room_until) },
    claimBy: row.state === 'granted' && row.room_until !== null ? instantOf(row.room_until) : null,
    queue: place === null ? null : placeOf(place.at, row.queue_class, place.now),
    checkpoint: checkpoint === null ? null : checkpointOf(checkpoint),
    acceptedAt: instantOf(row.accepted_at),
    preempted: row.preempted,
    preemptedAt: row.preempted_at === null ? null : instantOf(row.preempted_at),
    preemptedBy: row.preempted_by,
    preemptions: row.preemptions,
    attempts: row.lapses,
    endedAt: row.ended_at === null ? null : instantOf(row.ended_at),
    failCode: row.fail_code,
    error: row.error,
  };
}

function checkpointOf(row: CheckpointRow) {
  return {
    checkpointId: row.checkpoint_id,
    sequence: row.sequence,
    ...(row.location === null ? { data: row.data } : { location: row.location }),
    sizeBytes: row.size_bytes,
    sha256: row.sha256,
    createdAt: instantOf(row.created_at),
  };
}

export function heartbeatAnswerOf(answer: KnownTask, now: Date): HeartbeatAnswer {
  const { task } = answer;
  return {
    taskId: task.task_id,
    state: task.state,
    lease:
      task.lease_expires_at === null || task.room_until === null
        ? null
        : { epoch: task.epoch, expiresAt: instantOf(task.room_until) },
    directive: directiveOf(answer, now),
    budget: budgetStatusOf(answer.budget),
  };
}

export function checkpointAnswerOf(
  answer: KnownTask,
  checkpointId: string,
  sequence: number,
  now: Date,
): CheckpointAnswer {
  return { checkpointId, sequence, state: answer.task.state, directive: directiveOf(answer, now) };
}

export function instantOf(time: string): string {
  return new Date(time).toISOString();
}

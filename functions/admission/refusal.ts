import { refusalReasonOf, refusalRecommendations } from '../../shared/admission/answers.ts';
import type { AdmissionOutcome, ReasonRow } from '../../shared/admission/rows.ts';
import { gateWords } from '../../shared/deliberation/gate.ts';
import {
  conflict,
  type Problem,
  paymentRequired,
  tooManyRequests,
  unprocessable,
} from '../../shared/platform/problem.ts';

/**
 * A refused admission as problem+json: the leading code decides the status, and every failing dimension is named (A2).
 */
export function refusalProblem(outcome: AdmissionOutcome, now: Date): Problem {
  const [leading] = outcome.reasons;
  if (leading === undefined) throw new Error('a refusal without a reason');
  const extra = {
    decision: 'refused',
    runId: outcome.runId,
    taskId: outcome.taskId,
    tenantId: outcome.tenantId,
    decisionId: outcome.decisionId,
    reasons: outcome.reasons.map(refusalReasonOf),
    violations: violationsOf(outcome),
    recommendations: refusalRecommendations(outcome),
  };
  const detail = outcome.reasons.map(sentenceOf).join(' ');
  switch (leading.code) {
    case 'throttled':
    case 'quota_exceeded':
      return tooManyRequests(leading.code, detail, secondsUntilRetry(outcome.reasons, now), { extra });
    case 'never_fits':
      return unprocessable('never_fits', detail, { extra });
    case 'quality_gate':
      return conflict('quality_gate', detail, { extra });
    case 'budget_exhausted':
      return paymentRequired('budget_exhausted', detail, { extra });
  }
}

/** Seconds until the leading reason may have passed; one when nothing is known. */
function secondsUntilRetry(reasons: readonly ReasonRow[], now: Date): number {
  const retryAt = reasons[0]?.retryAt;
  return retryAt ? (Date.parse(retryAt) - now.getTime()) / 1000 : 1;
}

function violationsOf(outcome: AdmissionOutcome) {
  const throttled = outcome.reasons[0]?.code === 'throttled';
  const ofQuota = outcome.reasons
    .filter((reason) => !throttled && reason.level === 'tenant' && reason.resource !== undefined)
    .slice(0, 1)
    .map((reason) => ({
      type: 'quota_exceeded',
      severity: 'warning',
      resource: reason.resource,
      message: sentenceOf(reason),
      at: outcome.at,
    }));
  // Written when the score was, and not again by the refusal.
  const ofReasoning = outcome.reasons.flatMap((reason) =>
    reason.score === undefined
      ? []
      : [
          {
            type: 'low_reasoning_quality',
            severity: 'warning',
            message: sentenceOf(reason),
            at: reason.score.at,
          },
        ],
  );
  return [...ofQuota, ...ofReasoning];
}

function sentenceOf(reason: ReasonRow): string {
  switch (reason.code) {
    case 'throttled':
      return `The tenant is throttled until ${reason.retryAt ?? 'later'}.`;
    case 'never_fits':
      return `${reason.resource}: ${reason.asked} asked can never fit the ${reason.level}'s limit of ${reason.limit}${
        reason.burst ? ` and ${reason.burst} of burst` : ''
      }.`;
    case 'quality_gate':
      return reason.score === undefined
        ? 'The last reasoning scored for this run was rejected.'
        : gateWords(reason.score);
    case 'quota_exceeded':
      return `${reason.resource}: ${reason.asked} asked with ${reason.held} held of a limit of ${reason.limit}.`;
    case 'budget_exhausted':
      return reason.level === 'run'
        ? `The run's budget of ${reason.limit} USD is used up to its pause threshold.`
        : `cost: ${reason.asked} USD asked with ${reason.used} spent and ${reason.held} held of a limit of ${reason.limit}.`;
  }
}

/** Scores reasoning for a run and stores the score with its evidence (D1 to D3, D5). */

import type { Policy } from '../admission/policy.ts';
import { type Database, json } from '../platform/db.ts';
import { sha256Hex } from '../platform/hash.ts';
import { newId } from '../platform/ids.ts';
import type { DeliberationAnswer, DeliberationRequest } from './contract.ts';
import { countsForGate } from './gate.ts';
import { recommendationsFor } from './recommendations.ts';
import type { Scorer, ScoringCall } from './scorer.ts';
import { asStored, shortfalls, shortfallWords, thresholdsOf, verdictOf } from './verdict.ts';

/** Null when the tenant has no such run, or the run no such task. */
export async function scoreRun(
  database: Database,
  scorer: Scorer,
  tenantId: string,
  runId: string,
  request: DeliberationRequest,
  policy: Policy,
  now: Date,
): Promise<DeliberationAnswer | null> {
  const terms = await runTerms(database, tenantId, runId, request);
  if (terms === null) return null;
  const thresholds = thresholdsOf({ ...policy, ...terms.policy });
  const call: ScoringCall = {
    scoreId: newId('score'),
    verdictOf: (scored) => verdictOf(asStored(scored), request.thinkingTokens ?? 0, thresholds),
  };
  // The score is worked out before anything is locked: it may take tens of milliseconds, with a judge seconds.
  const score = asStored(
    await scorer.score({ text: request.text, goal: request.goal ?? terms.goal ?? '' }, call),
  );
  const recommendation = call.verdictOf(score);
  const recommendations = recommendationsFor(score, recommendation, thresholds);
  const answer = {
    scoreId: call.scoreId,
    overall: score.overall,
    depth: score.depth,
    coherence: score.coherence,
    relevance: score.relevance,
    recommendation,
    thinkingTokens: request.thinkingTokens ?? null,
    scorerVersion: score.scorerVersion ?? scorer.version,
    evidence: { ...score.evidence },
    contradictions: score.contradictions.map(({ first, second, why }) => ({ first, second, why })),
    recommendations,
    thresholds,
  };
  const tooLow = shortfalls(score, thresholds, 'reject');
  const row = {
    ...answer,
    taskId: terms.task_id,
    phase: terms.phase,
    countsForGate: countsForGate(terms.phase),
    modelUsed: request.modelUsed ?? null,
    textSha256: sha256Hex(request.text),
    violationId: newId('viol'),
    violationMessage: `The reasoning of ${terms.phase} was rejected: ${shortfallWords(tooLow)}.`,
  };
  const [stored] = await database.query<{ stored: boolean }>(
    'select record_deliberation(p_tenant_id => $1, p_run_id => $2, p_score => $3, p_now => $4) as stored',
    [tenantId, runId, json(row), now],
  );
  return stored?.stored === true ? answer : null;
}

type Terms = {
  readonly goal: string | null;
  readonly phase: string;
  readonly task_id: string;
  /** The tenant's own numbers. */
  readonly policy: Partial<Policy>;
};

/**
 * The task is the one that is named, else the run's of that phase, live before ended, newest first. The phase is the one that
 * is named, else the named task's, else the run's.
 */
async function runTerms(
  database: Database,
  tenantId: string,
  runId: string,
  { taskId, phase }: DeliberationRequest,
): Promise<Terms | null> {
  const [row] = await database.query<Terms>(
    `select r.goal, n.policy, t.task_id, coalesce($4, case when $3::text is not null then t.phase end, r.phase) as phase
     from runs r
     join tenants n using (tenant_id)
     cross join lateral (
       select t.task_id, t.phase from tasks t
       where t.tenant_id = r.tenant_id and t.run_id = r.run_id and ($3::text is null or t.task_id = $3)
       order by t.phase = coalesce($4, r.phase) desc, t.ended_at is null desc, t.accepted_at desc, t.task_id desc limit 1
     ) t
     where r.tenant_id = $1 and r.run_id = $2`,
    [tenantId, runId, taskId ?? null, phase ?? null],
  );
  return row ?? null;
}

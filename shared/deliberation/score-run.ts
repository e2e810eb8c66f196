/** Scores reasoning for a run and stores the score with its evidence (D1 to D3, D5). */

import { type Database, json } from '../platform/db.ts';
import { sha256Hex } from '../platform/hash.ts';
import { newId } from '../platform/ids.ts';
import type { DeliberationAnswer, DeliberationRequest } from './contract.ts';
import { recommendationsFor } from './recommendations.ts';
import type { Scorer, ScoringCall } from './scorer.ts';
import { verdictOf, verdictThresholds } from './verdict.ts';

/** Null when the tenant has no such run, or the run no such task. */
export async function scoreRun(
  database: Database,
  scorer: Scorer,
  tenantId: string,
  runId: string,
  request: DeliberationRequest,
  now: Date,
): Promise<DeliberationAnswer | null> {
  const terms = await runTerms(database, tenantId, runId);
  if (terms === null) return null;
  const call: ScoringCall = {
    scoreId: newId('score'),
    verdictOf: (scored) => verdictOf(scored, request.thinkingTokens ?? 0),
  };
  // The score is worked out before anything is locked: it may take tens of milliseconds, with a judge seconds.
  const score = await scorer.score({ text: request.text, goal: request.goal ?? terms.goal ?? '' }, call);
  const recommendation = call.verdictOf(score);
  const recommendations = recommendationsFor(score, recommendation);
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
  };
  const row = {
    ...answer,
    taskId: request.taskId ?? null,
    phase: request.phase ?? terms.phase,
    modelUsed: request.modelUsed ?? null,
    thresholds: verdictThresholds,
    textSha256: sha256Hex(request.text),
    violationId: newId('viol'),
  };
  const [stored] = await database.query<{ stored: boolean }>(
    'select record_deliberation(p_tenant_id => $1, p_run_id => $2, p_score => $3, p_now => $4) as stored',
    [tenantId, runId, json(row), now],
  );
  return stored?.stored === true ? answer : null;
}

async function runTerms(
  database: Database,
  tenantId: string,
  runId: string,
): Promise<{ goal: string | null; phase: string } | null> {
  const [row] = await database.query<{ goal: string | null; phase: string }>(
    'select goal, phase from runs where tenant_id = $1 and run_id = $2',
    [tenantId, runId],
  );
  return row ?? null;
}

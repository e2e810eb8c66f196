/** Scores with the numbers that the text says: what follows from a score is tested apart from how one is made. */

import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import { scoreRun } from '../../shared/deliberation/score-run.ts';
import type { Scorer } from '../../shared/deliberation/scorer.ts';
import type { Database } from '../../shared/platform/db.ts';

export type Numbers = {
  readonly depth: number;
  readonly coherence: number;
  readonly relevance: number;
  readonly overall?: number;
};

export const passing: Numbers = { depth: 0.8, coherence: 0.8, relevance: 0.8 };
export const rejected: Numbers = { depth: 0.7, coherence: 0.1, relevance: 0.6 };
export const reviewed: Numbers = { depth: 0.5, coherence: 0.5, relevance: 0.5 };

const empty = scoreLocally({ text: '', goal: '' });

export const labelledScorer: Scorer = {
  version: 'labelled-1',
  score: async ({ text }) => {
    const { depth, coherence, relevance, overall }: Numbers = JSON.parse(text);
    const mean = 0.35 * depth + 0.35 * coherence + 0.3 * relevance;
    return { ...empty, depth, coherence, relevance, overall: overall ?? mean };
  },
};

/** Stores a score of the run `run`, unless another is named; throws when there is no such run or task. */
export async function store(
  database: Database,
  tenantId: string,
  numbers: Numbers,
  now: Date,
  {
    runId = 'run',
    ...request
  }: { runId?: string; phase?: string; taskId?: string; thinkingTokens?: number } = {},
) {
  const body = { text: JSON.stringify(numbers), ...request };
  const answer = await scoreRun(database, labelledScorer, tenantId, runId, body, policyInForce(), now);
  if (answer === null) throw new Error(`${tenantId} has no run ${runId} with that task`);
  return answer;
}

/**
 * The built-in scorer with a judge behind it, which is asked about the review band alone (D7). Whatever becomes of the
 * judge, there is a score: the built-in one stands when it is late, fails, or answers anything but what it was asked.
 */

import { sentencesToTheJudge } from './addresses-judge.ts';
import type { Judge, JudgeEvidence, JudgeUsage, NoJudge } from './judge.ts';
import { questionOf, rubricVersion } from './judge-question.ts';
import { judgedScore, onlyLowers } from './judged-score.ts';
import type { Score, Scorer, ScorerInput, ScoringCall } from './scorer.ts';

/** Pays for a call out of the budget of the run that is scored. */
export type Purse = {
  /** Why a call of at most so many tokens cannot be paid; null when it can. */
  refuses(tokens_max: JudgeUsage): Promise<'over_budget' | 'no_price' | null>;
  /** Books what a call has cost, once for each id. */
  pay(costEventId: string, usage: JudgeUsage): Promise<void>;
};

export type JudgedScorerParts = {
  readonly local: Scorer;
  readonly judge: Judge;
  readonly purse: Purse;
  /** Letters and digits that nobody can guess, new at each call. */
  readonly mark: () => string;
  /** Hears of every score of the band that the judge had no part in. */
  readonly unjudged: (what: {
    readonly scoreId: string;
    readonly why: NoJudge;
    readonly detail: string | null;
  }) => void;
};

export function judgedScorer(parts: JudgedScorerParts): Scorer {
  const { local } = parts;
  return {
    version: local.version,
    score: async (input, call) => {
      const score = flagged(await local.score(input, call), input);
      if (call === undefined || call.verdictOf(score) !== 'review') return score;
      return secondOpinion(parts, score, input, call);
    },
  };
}

function flagged(score: Score, { goal, text }: ScorerInput): Score {
  const addressesJudge = sentencesToTheJudge(goal, text);
  return addressesJudge.length === 0 ? score : { ...score, evidence: { ...score.evidence, addressesJudge } };
}

async function secondOpinion(
  { local, judge, purse, mark, unjudged }: JudgedScorerParts,
  score: Score,
  input: ScorerInput,
  { scoreId }: ScoringCall,
): Promise<Score> {
  const { model } = judge;
  const withEvidence = (evidence: JudgeEvidence): Score => ({
    ...score,
    evidence: { ...score.evidence, judge: evidence },
  });
  const localStands = (why: NoJudge, detail: string | null, cost?: Cost): Score => {
    unjudged({ scoreId, why, detail });
    return withEvidence({ used: false, model, why, ...cost });
  };

  const question = questionOf(input, mark());
  if (question === null) return localStands('too_long', null);
  const refusal = await purse.refuses(question.tokens_max);
  if (refusal !== null) return localStands(refusal, null);

  const asked = await judge.ask(question);
  const cost = asked.usage === null ? undefined : costOf(scoreId, asked.usage);
  if (cost !== undefined) await purse.pay(cost.costEventId, cost.usage);
  if (asked.kind === 'failed') return localStands(asked.why, asked.detail, cost);

  const { depth, coherence, relevance, overall } = score;
  const judged = judgedScore(score, asked.opinion);
  return {
    ...judged,
    scorerVersion: `${local.version}+judge:${model}`,
    evidence: {
      ...judged.evidence,
      judge: {
        used: true,
        model,
        rubric: rubricVersion,
        opinion: asked.opinion,
        local: { depth, coherence, relevance, overall },
        onlyLowers: onlyLowers(score),
        ...costOf(scoreId, asked.usage),
      },
    },
  };
}

type Cost = { readonly usage: JudgeUsage; readonly costEventId: string };

/** A score asks the judge once, so that its id makes the cost's. */
function costOf(scoreId: string, usage: JudgeUsage): Cost {
  return { usage, costEventId: `judge:${scoreId}` };
}

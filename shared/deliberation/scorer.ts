import type { Contradiction } from './contradiction.ts';
import type { Evidence } from './evidence.ts';
import type { JudgeEvidence } from './judge.ts';
import type { Verdict } from './verdict.ts';

export type ScorerInput = {
  readonly text: string;
  /** What the reasoning is for; empty when unknown. */
  readonly goal: string;
  /** With a premise, contradiction is judged between it and the text instead of inside the text. */
  readonly premise?: string;
};

/** All numbers are 0..1; `contradiction` is worse when higher, the others are better. */
export type Score = {
  readonly depth: number;
  readonly coherence: number;
  readonly relevance: number;
  /** 0.35 depth + 0.35 coherence + 0.30 relevance. */
  readonly overall: number;
  readonly contradiction: number;
  readonly evidence: Evidence & {
    /** Sentences that speak to whoever grades the text, in it or, where a judge is switched on, in the goal; none counts. */
    readonly addressesJudge?: readonly string[];
    /** Of a judge that was asked, or was to be. */
    readonly judge?: JudgeEvidence;
  };
  readonly contradictions: readonly Pick<Contradiction, 'first' | 'second' | 'why'>[];
  /** All that had a part in it, where that is more than the scorer whose `version` is known. */
  readonly scorerVersion?: string;
};

/** The call that a text is scored for. */
export type ScoringCall = {
  readonly scoreId: string;
  /** By the thresholds in force for it. */
  verdictOf(score: Pick<Score, 'depth' | 'coherence' | 'relevance' | 'overall'>): Verdict;
};

/** One way to score reasoning (D7). The built-in one gives the same score for the same input and version. */
export interface Scorer {
  readonly version: string;
  score(input: ScorerInput, call?: ScoringCall): Promise<Score>;
}

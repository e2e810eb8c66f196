import type { Contradiction } from './contradiction.ts';
import type { Evidence } from './evidence.ts';

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
  readonly evidence: Evidence;
  readonly contradictions: readonly Pick<Contradiction, 'first' | 'second' | 'why'>[];
};

/** One way to score reasoning (D7). The built-in one gives the same score for the same input and version. */
export interface Scorer {
  readonly version: string;
  score(input: ScorerInput): Promise<Score>;
}

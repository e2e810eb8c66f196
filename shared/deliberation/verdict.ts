/** The verdict on a score, by thresholds that a stage or a tenant may have of its own (D2). Pure. */

import type { Policy } from '../admission/policy.ts';
import type { Score } from './scorer.ts';

/** What follows from a score: go on, look closer, do it again, or judge by other means. */
export type Verdict = 'pass' | 'review' | 'reject' | 'fallback';

/** Cut points of the verdict: numbers of the policy, by their names there. Kept with every score. */
export type VerdictThresholds = Pick<
  Policy,
  | 'pass_overall'
  | 'pass_depth'
  | 'pass_coherence'
  | 'pass_relevance'
  | 'reject_overall'
  | 'reject_depth'
  | 'reject_coherence'
  | 'reject_relevance'
  | 'thinking_tokens_max'
>;

export type ScoreNumbers = Pick<Score, 'overall' | 'depth' | 'coherence' | 'relevance'>;

/** The overall score and the three that it is made of, each of which has a floor. */
export const dimensions = ['overall', 'depth', 'coherence', 'relevance'] as const;
export type Dimension = (typeof dimensions)[number];

export function thresholdsOf(policy: VerdictThresholds): VerdictThresholds {
  const { pass_overall, pass_depth, pass_coherence, pass_relevance, thinking_tokens_max } = policy;
  const { reject_overall, reject_depth, reject_coherence, reject_relevance } = policy;
  return {
    ...{ pass_overall, pass_depth, pass_coherence, pass_relevance },
    ...{ reject_overall, reject_depth, reject_coherence, reject_relevance, thinking_tokens_max },
  };
}

/** Of scores that were kept before each axis had floors of its own. */
type FormerThresholds = Pick<VerdictThresholds, 'reject_overall' | 'thinking_tokens_max'> & {
  readonly pass: number;
  readonly reject_axis: number;
};
export type StoredThresholds = VerdictThresholds | FormerThresholds;

/** The thresholds that a stored score was judged by, so that it can be judged again. */
export function thresholdsOfStored(stored: StoredThresholds): VerdictThresholds {
  if (!('pass' in stored)) return thresholdsOf(stored);
  const { pass, reject_axis, reject_overall, thinking_tokens_max } = stored;
  return {
    ...{ pass_overall: pass, pass_depth: pass, pass_coherence: pass, pass_relevance: pass },
    ...{ reject_depth: reject_axis, reject_coherence: reject_axis, reject_relevance: reject_axis },
    ...{ reject_overall, thinking_tokens_max },
  };
}

/** A score below a floor. */
export type Shortfall = { readonly of: Dimension; readonly score: number; readonly floor: number };

/** The scores that lie below their floor, in the order of `dimensions`. */
export function shortfalls(
  score: ScoreNumbers,
  thresholds: VerdictThresholds,
  floor: 'pass' | 'reject',
): Shortfall[] {
  return dimensions.flatMap((of) => {
    const least = thresholds[`${floor}_${of}`];
    return score[of] < least ? [{ of, score: score[of], floor: least }] : [];
  });
}

/** Verdict of a score; the first rule that applies decides: fallback, pass, reject, review. */
export function verdictOf(
  score: ScoreNumbers,
  thinking_tokens: number,
  thresholds: VerdictThresholds,
): Verdict {
  if (thinking_tokens > thresholds.thinking_tokens_max) return 'fallback';
  if (shortfalls(score, thresholds, 'pass').length === 0) return 'pass';
  return shortfalls(score, thresholds, 'reject').length === 0 ? 'review' : 'reject';
}

/** As it is stored, six decimals: judged again from what is stored, it gets the same verdict. */
export function asStored<Given extends ScoreNumbers>(score: Given): Given {
  const { overall, depth, coherence, relevance } = score;
  const round = (value: number): number => Math.round(value * 1e6) / 1e6;
  return {
    ...score,
    ...{ overall: round(overall), depth: round(depth) },
    ...{ coherence: round(coherence), relevance: round(relevance) },
  };
}

/** `coherence 0.12 is below 0.2, overall 0.31 below 0.4`: what was too low, for people. */
export function shortfallWords(found: readonly Shortfall[]): string {
  return found
    .map(({ of, score, floor }, index) => `${of} ${score} ${index === 0 ? 'is below' : 'below'} ${floor}`)
    .join(', ');
}

import type { Score } from './scorer.ts';

/** What follows from a score: go on, look closer, do it again, or judge by other means (rule D2). */
export type Verdict = 'pass' | 'review' | 'reject' | 'fallback';

/** Cut points of the verdict; a tenant may have its own. Scores are 0..1. */
export type VerdictThresholds = {
  /** Overall and all three axes at or above it pass. */
  readonly pass: number;
  /** An overall score below it is rejected. */
  readonly reject_overall: number;
  /** Any axis below it is rejected. */
  readonly reject_axis: number;
  /** More thinking than this is not judged by the score. */
  readonly thinking_tokens_max: number;
};

/** Defaults of the policy. */
export const verdictThresholds: VerdictThresholds = {
  pass: 0.6,
  reject_overall: 0.4,
  reject_axis: 0.2,
  thinking_tokens_max: 2000,
};

/** Verdict of a score; the first rule that applies decides: fallback, pass, reject, review. */
export function verdictOf(
  score: Pick<Score, 'depth' | 'coherence' | 'relevance' | 'overall'>,
  thinking_tokens: number,
  thresholds: VerdictThresholds = verdictThresholds,
): Verdict {
  if (thinking_tokens > thresholds.thinking_tokens_max) return 'fallback';
  const weakestAxis = Math.min(score.depth, score.coherence, score.relevance);
  if (Math.min(score.overall, weakestAxis) >= thresholds.pass) return 'pass';
  if (score.overall < thresholds.reject_overall || weakestAxis < thresholds.reject_axis) return 'reject';
  return 'review';
}

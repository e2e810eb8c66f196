import { axisModels, axisScore } from './axis-models.ts';
import { evidenceOf } from './evidence.ts';
import { measure, rowOf } from './features.ts';
import type { Score, Scorer, ScorerInput } from './scorer.ts';
import { scorerVersion } from './weights.ts';

/** The built-in scorer: measures, tables and small trees; no network, no state. Never throws on any text. */
export const localScorer: Scorer = { version: scorerVersion, score: async (input) => scoreLocally(input) };

/** A conflict weaker than this moves the score and is not worth a person's time. */
const reported_strength_min = 0.3;

/** What `localScorer` answers, at once. */
export function scoreLocally(input: ScorerInput): Score {
  const models = axisModels();
  const measured = measure(input, models.steps);
  const { conflicts, features, reading } = measured;
  const row = rowOf(features);
  const axis = (name: 'depth' | 'coherence' | 'relevance') =>
    reading.steps.length === 0 ? 0 : round(axisScore(models[name], row));
  const depth = axis('depth');
  const coherence = axis('coherence');
  const relevance = axis('relevance');
  return {
    depth,
    coherence,
    relevance,
    overall: round(0.35 * depth + 0.35 * coherence + 0.3 * relevance),
    contradiction: round(features.contradiction),
    evidence: {
      ...evidenceOf(measured),
      ...(reading.toGrader.length === 0 ? {} : { addressesJudge: reading.toGrader }),
    },
    contradictions: conflicts
      .filter((conflict) => conflict.strength >= reported_strength_min)
      .map(({ first, second, why }) => ({ first, second, why })),
  };
}

/** Six decimals: thresholds compare as people write them, whatever binary fractions add up to. */
const round = (value: number): number => Math.round(value * 1e6) / 1e6;

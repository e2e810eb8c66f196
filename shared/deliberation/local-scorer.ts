import { wrongSums } from './arithmetic.ts';
import { contradictionsBetween, contradictionsWithin } from './contradiction.ts';
import { measureDepth } from './depth.ts';
import { evidenceOf } from './evidence.ts';
import { measureFluency } from './fluency.ts';
import { measureOrder } from './order.ts';
import { readReasoning } from './reading.ts';
import { measureRelevance } from './relevance.ts';
import type { Score, Scorer, ScorerInput } from './scorer.ts';
import { splitSentences } from './steps.ts';
import { type AxisWeights, axisWeights, type FeatureName, scorerVersion } from './weights.ts';
import { cleanText } from './words.ts';

/** The built-in scorer: rules over words and their order, no network, no state. Never throws on any text. */
export const localScorer: Scorer = { version: scorerVersion, score: async (input) => scoreLocally(input) };

/** A conflict weaker than this moves the score and is not worth a person's time. */
const reported_strength_min = 0.3;

/** What `localScorer` answers, at once. */
export function scoreLocally({ text, goal, premise }: ScorerInput): Score {
  const reading = readReasoning(text, goal);
  const sentences = reading.sentences.map((sentence) => sentence.text);
  const conflicts =
    premise === undefined
      ? contradictionsWithin(sentences)
      : contradictionsBetween(
          splitSentences(cleanText(premise)).map((sentence) => sentence.text),
          sentences,
        );
  const contradiction = round(conflicts[0]?.strength ?? 0);
  const relevant = measureRelevance(reading);
  const deep = measureDepth(reading);
  const order = measureOrder(reading);
  const sums = wrongSums(reading.steps);
  const features: Record<FeatureName, number> = {
    fluency: measureFluency(reading),
    contradiction,
    wrongSums: Math.min(1, sums.length),
    ...relevant.features,
    ...order,
    ...deep.features,
  };
  const axis = (weights: AxisWeights) =>
    reading.steps.length === 0 ? 0 : round(logistic(weights, features));
  const depth = axis(axisWeights.depth);
  const coherence = axis(axisWeights.coherence);
  const relevance = axis(axisWeights.relevance);
  return {
    depth,
    coherence,
    relevance,
    overall: round(0.35 * depth + 0.35 * coherence + 0.3 * relevance),
    contradiction,
    evidence: evidenceOf({ reading, relevance: relevant, depth: deep, order, sums }),
    contradictions: conflicts
      .filter((conflict) => conflict.strength >= reported_strength_min)
      .map(({ first, second, why }) => ({ first, second, why })),
  };
}

function logistic(weights: AxisWeights, features: Readonly<Record<FeatureName, number>>): number {
  const weightOf: Readonly<Record<string, number | undefined>> = weights;
  let logit = weights.bias;
  for (const [name, value] of Object.entries(features)) logit += value * (weightOf[name] ?? 0);
  return 1 / (1 + Math.exp(-logit));
}

/** Six decimals: thresholds compare as people write them, whatever binary fractions add up to. */
const round = (value: number): number => Math.round(value * 1e6) / 1e6;

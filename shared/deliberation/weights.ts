import type { Depth } from './depth.ts';
import type { OrderFeatures } from './order.ts';
import type { Relevance } from './relevance.ts';

/** Every constant of the built-in scorer. A change of any of them is a new `scorerVersion`. */
export const scorerVersion = 'local-1';

export const contradictionPolicy = {
  within_strength_min: 0.05,
  reported_max: 10,
  holders_max: 40,
  premise_sentences_max: 40,
  premise_alignment_shift: 0.35,
  number_trust: 0.8,
  /** Alignment (0..1) at which a conflict starts to count and at which it counts in full. */
  alignment: {
    denial: { from: 0.6, to: 0.9 },
    opposite: { from: 0.7, to: 0.95 },
    number: { from: 0.8, to: 0.98 },
  },
} as const;

/** Every number that the axes weigh, 0..1. */
export type FeatureName =
  | 'fluency'
  | 'contradiction'
  | keyof Relevance['features']
  | keyof OrderFeatures
  | keyof Depth['features'];

export type AxisWeights = { readonly bias: number } & { readonly [name in FeatureName]?: number };

/** What a logistic curve over the features weighs per axis. Fitted on the MIT and Apache-2.0 development sets with the sign of
 * each weight fixed by what the feature means; `diversity` has a floor so that moves count at all. The biases put a tenth
 * of sound texts below 0.5 on each axis.
 */
export const axisWeights: Readonly<Record<'depth' | 'coherence' | 'relevance', AxisWeights>> = {
  depth: {
    bias: -4.33,
    fluency: 1.6,
    filler: -3.6,
    contradiction: -1.79,
    newSteps: 4.82,
    diversity: 0.6,
    concludes: 0.4,
    metaTalk: -2.22,
    answers: 0.65,
    exactRepeat: -1.82,
    looseResults: -0.52,
    groundedConclusions: 0.05,
    unknownNumbers: -0.32,
    adjacency: 0.63,
    closes: 0.06,
    recall: 0.9,
    touching: 0.72,
    precision: 0.13,
    numbers: 0.2,
    weakestLink: 0.55,
  },
  coherence: {
    bias: -3.91,
    fluency: 3.71,
    contradiction: -3.75,
    badOpening: -0.27,
    earlyClosing: -1.99,
    lateOpening: -0.18,
    closes: 0.51,
    earlyNumbers: -1.46,
    unknownNumbers: -0.44,
    groundedConclusions: 0.15,
    nearConclusions: 0.94,
    adjacency: 2.39,
    lateIntroductions: -0.48,
    ordinalInversions: -3.6,
    startsFromGoal: 1.02,
    looseResults: -0.42,
    definiteFirst: -0.17,
    weakestLink: 0.83,
    foreign: -2.12,
    connected: 0.51,
    filler: -2.71,
    duplicates: -0.27,
    metaTalk: -1.96,
  },
  relevance: {
    bias: -2.87,
    fluency: 1.44,
    contradiction: -2.11,
    recall: 2.15,
    precision: 2.62,
    touching: 1.08,
    connected: 0.51,
    numbers: 0.41,
    weakestLink: 0.91,
    linkGap: -1.13,
    foreign: -2.02,
    filler: -3.55,
    metaTalk: -1.04,
    duplicates: -0.19,
  },
};

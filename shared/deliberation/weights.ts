import type { Depth } from './depth.ts';
import type { OrderFeatures } from './order.ts';
import type { Relevance } from './relevance.ts';

/** Every constant of the built-in scorer. A change of any of them is a new `scorerVersion`. */
export const scorerVersion = 'local-1';

export const contradictionPolicy = {
  within_strength_min: 0.05,
  reported_max: 10,
  holders_max: 40,
  /** Pairs of sentences compared in one text; a text of usual size needs a few hundred. */
  comparisons_max: 40_000,
  containment_share: 0.25,
  /** A supposition against a claim ("if it were full", "it is not full") is often sound reasoning. */
  supposed_trust: 0.4,
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
    bias: -4.07,
    fluency: 1.46,
    filler: -4.06,
    contradiction: -1.67,
    newSteps: 4.69,
    diversity: 0.6,
    concludes: 0.49,
    metaTalk: -2.16,
    answers: 0.61,
    exactRepeat: -1.77,
    looseResults: -0.56,
    groundedConclusions: 0.06,
    unknownNumbers: -0.3,
    adjacency: 0.57,
    recall: 0.84,
    touching: 0.18,
    precision: 0.68,
    connected: 0.1,
    numbers: 0.28,
    weakestLink: 0.5,
  },
  coherence: {
    bias: -4.23,
    fluency: 3.62,
    contradiction: -3.68,
    badOpening: -0.26,
    earlyClosing: -1.96,
    lateOpening: -0.14,
    closes: 0.51,
    earlyNumbers: -1.39,
    unknownNumbers: -0.45,
    groundedConclusions: 0.14,
    nearConclusions: 1.0,
    adjacency: 2.26,
    lateIntroductions: -0.49,
    ordinalInversions: -3.61,
    startsFromGoal: 1.01,
    looseResults: -0.42,
    definiteFirst: -0.2,
    weakestLink: 0.77,
    foreign: -1.99,
    connected: 0.93,
    filler: -2.5,
    metaTalk: -1.71,
  },
  relevance: {
    bias: -2.96,
    fluency: 1.31,
    contradiction: -2.0,
    recall: 2.04,
    precision: 2.79,
    touching: 1.04,
    connected: 0.69,
    numbers: 0.49,
    weakestLink: 0.97,
    linkGap: -1.02,
    foreign: -2.06,
    filler: -3.54,
    metaTalk: -0.92,
  },
};

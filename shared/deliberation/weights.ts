import type { Depth } from './depth.ts';
import type { OrderFeatures } from './order.ts';
import type { Relevance } from './relevance.ts';

/** Every constant of the built-in scorer. A change of any of them is a new `scorerVersion`. */
export const scorerVersion = 'local-2';

export const contradictionPolicy = {
  within_strength_min: 0.05,
  reported_max: 10,
  holders_max: 40,
  /** Pairs of sentences compared in one text; a text of usual size needs a few hundred. */
  comparisons_max: 15_000,
  premise_sentences_max: 40,
  /** How many words are searched for their like: inside a text, in a premise of few sentences, and in one of many. */
  effort: {
    within: { rest_max: 6, near_words_max: 0 },
    between: { rest_max: 12, near_words_max: 24 },
    many: { rest_max: 6, near_words_max: 8 },
  },
  /** Pairs of sentences of premise and text up to which they are few. */
  few_pairs_max: 200,
  /** A supposition against a claim ("if it were full", "it is not full") is often sound reasoning. */
  supposed_trust: 0.4,
  /** A word in the place of another excludes it less surely than a denial does. */
  exchange_trust: 0.5,
} as const;

/** Every number that the axes weigh, 0..1. */
export type FeatureName =
  | 'fluency'
  | 'contradiction'
  | 'wrongSums'
  | keyof Relevance['features']
  | keyof OrderFeatures
  | keyof Depth['features'];

export type AxisWeights = { readonly bias: number } & { readonly [name in FeatureName]?: number };

/**
 * What a logistic curve over the features weighs per axis. Fitted on the perturbed MIT and Apache-2.0 development sets
 * (sound against damaged texts), with the sign of each weight fixed by what its feature means. `diversity`,
 * `duplicates` and `wrongSums` have least weights, so that they count where the sets hold few cases of them. The biases
 * put a tenth of the sound texts below 0.5 on each axis.
 */
export const axisWeights: Readonly<Record<'depth' | 'coherence' | 'relevance', AxisWeights>> = {
  depth: {
    bias: -3.49,
    fluency: 1.29,
    filler: -4.32,
    contradiction: -1.27,
    newSteps: 4.8,
    diversity: 0.6,
    concludes: 0.49,
    duplicates: -1.5,
    metaTalk: -2.26,
    answers: 0.63,
    exactRepeat: -1.7,
    looseResults: -0.58,
    unknownNumbers: -0.32,
    adjacency: 0.48,
    recall: 0.84,
    precision: 0.54,
    numbers: 0.27,
    weakestLink: 0.43,
  },
  coherence: {
    bias: -4.15,
    fluency: 3.82,
    contradiction: -3.75,
    wrongSums: -1.26,
    badOpening: -0.27,
    earlyClosing: -2.07,
    lateOpening: -0.18,
    closes: 0.52,
    earlyNumbers: -1.54,
    unknownNumbers: -0.45,
    groundedConclusions: 0.17,
    nearConclusions: 1.04,
    adjacency: 2.36,
    lateIntroductions: -0.48,
    ordinalInversions: -3.68,
    startsFromGoal: 0.93,
    looseResults: -0.41,
    definiteFirst: -0.2,
    weakestLink: 0.82,
    foreign: -2.42,
    connected: 0.56,
    filler: -2.48,
    duplicates: -0.8,
    metaTalk: -1.69,
  },
  relevance: {
    bias: -2.76,
    fluency: 0.87,
    contradiction: -1.76,
    recall: 2.22,
    precision: 3.25,
    touching: 0.99,
    connected: 0.61,
    numbers: 0.49,
    weakestLink: 1.06,
    linkGap: -1.29,
    foreign: -2.27,
    filler: -3.67,
    metaTalk: -0.74,
    duplicates: -0.6,
  },
};

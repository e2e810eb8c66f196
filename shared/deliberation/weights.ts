/** Every constant of the built-in scorer. A change of any of them is a new `scorerVersion`. */
export const scorerVersion = 'local-2';

export const contradictionPolicy = {
  within_strength_min: 0.05,
  reported_max: 10,
  holders_max: 40,
  /** Pairs of sentences compared in one text; a text of usual size needs a few hundred. */
  comparisons_max: 40_000,
  premise_sentences_max: 40,
  /** A word in the place of another excludes it less surely than a denial does. */
  exchange_trust: 0.5,
} as const;

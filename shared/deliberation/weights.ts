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

import { cosine } from './meaning.ts';
import type { Reading } from './reading.ts';
import type { StepFacts } from './step-facts.ts';

/** Whether the text says the same again, 0..1; worse when higher, but for `newBigrams`. */
export type RepetitionFeatures = {
  /** Share of steps that repeat an earlier one word for word, and the length of the longest, saturating at 20 words. */
  readonly exactRepeats: number;
  readonly exactLength: number;
  /** Such a step stands right behind the one it repeats. */
  readonly exactNeighbours: number;
  /** Nearness in meaning of a step to an earlier one: the nearest, and the mean. */
  readonly nearestTwin: number;
  readonly meanTwin: number;
  /** Share of neighbouring words that were not neighbours before. */
  readonly newBigrams: number;
};

const exact_share = 0.95;
const exact_words_min = 3;
const exact_words_full = 20;

export function measureRepetition({ steps }: Reading, facts: readonly StepFacts[]): RepetitionFeatures {
  const exact = steps.filter(
    ({ echo, words }) => echo.share >= exact_share && words.length >= exact_words_min,
  );
  const twins = facts.slice(1).map((fact, at) => {
    let nearest = 0;
    for (const earlier of facts.slice(0, at + 1))
      nearest = Math.max(nearest, cosine(fact.passage, earlier.passage));
    return nearest;
  });
  const bigrams = new Set<string>();
  let pairs = 0;
  for (const { words } of steps) {
    for (let at = 1; at < words.length; at += 1) bigrams.add(`${words[at - 1]} ${words[at]}`);
    pairs += Math.max(0, words.length - 1);
  }
  const longest = Math.max(0, ...exact.map(({ words }) => words.length));
  return {
    exactRepeats: exact.length / Math.max(1, steps.length),
    exactLength: Math.min(1, longest / exact_words_full),
    exactNeighbours: exact.some(({ index, echo }) => index - echo.of === 1) ? 1 : 0,
    nearestTwin: Math.max(0, ...twins),
    meanTwin: twins.reduce((sum, twin) => sum + twin, 0) / Math.max(1, twins.length),
    newBigrams: pairs === 0 ? 1 : bigrams.size / pairs,
  };
}

import { type Conflict, conflictOf, type Weights } from './conflict.ts';
import { strengthBetween, strengthWithin } from './conflict-strength.ts';
import { type Frame, type FrameWord, frameOf } from './frames.ts';
import { contradictionPolicy as policy } from './weights.ts';

/** Two passages that cannot both hold, quoted, with the reason in words and a strength of 0..1. */
export type Contradiction = {
  readonly first: string;
  readonly second: string;
  readonly why: string;
  readonly strength: number;
};

/** Two sentences that were compared, the earlier one first. */
export type Compared = { readonly first: Frame; readonly second: Frame; readonly conflict: Conflict };

/**
 * Contradictions inside one text: a later sentence restates an earlier one denied, with an opposite word or with
 * another number. A denied sentence about something else is none. Strongest first, at most ten.
 */
export function contradictionsWithin(sentences: readonly string[]): Contradiction[] {
  const found: Contradiction[] = [];
  for (const compared of comparedWithin(sentences)) {
    const strength = strengthWithin(compared.conflict);
    if (strength >= policy.within_strength_min) found.push(contradictionOf(compared, strength));
  }
  return strongest(found);
}

/** Contradictions between a premise and a text. The premise is taken to be about the same thing as the text. */
export function contradictionsBetween(premise: readonly string[], text: readonly string[]): Contradiction[] {
  const found: Contradiction[] = [];
  for (const compared of comparedBetween(premise, text)) {
    const strength = strengthBetween(compared.conflict);
    if (strength > 0) found.push(contradictionOf(compared, strength));
  }
  return strongest(found);
}

/** Sentences of one text that share words enough for one to restate the other. */
export function* comparedWithin(sentences: readonly string[]): Generator<Compared> {
  const frames = sentences.map(frameOf);
  const weights = weightsIn(frames);
  const holders = new Map<string, number[]>();
  let comparisons = 0;
  for (const [at, second] of frames.entries()) {
    for (const earlier of candidates(second, holders, weights)) {
      const first = frames[earlier];
      if (comparisons === policy.comparisons_max) return;
      if (!first) continue;
      comparisons += 1;
      yield { first, second, conflict: conflictOf(first, second, weights, policy.effort.within) };
    }
    for (const key of second.bag.keys()) {
      const known = holders.get(key) ?? [];
      // Words of most sentences lead to no particular partner: the newest holders are enough.
      if (known.length >= policy.holders_max) known.shift();
      known.push(at);
      holders.set(key, known);
    }
  }
}

/** Every sentence of a premise with every one of a text, up to a limit on both sides. */
export function* comparedBetween(premise: readonly string[], text: readonly string[]): Generator<Compared> {
  const limit = policy.premise_sentences_max;
  const left = premise.slice(0, limit).map(frameOf);
  const right = text.slice(0, limit).map(frameOf);
  const few = left.length * right.length <= policy.few_pairs_max;
  const effort = few ? policy.effort.between : policy.effort.many;
  for (const first of left) {
    for (const second of right) {
      yield { first, second, conflict: conflictOf(first, second, plainWeights, effort) };
    }
  }
}

const contradictionOf = ({ first, second, conflict }: Compared, strength: number): Contradiction => ({
  first: quote(first.text),
  second: quote(second.text),
  why: conflict.reason?.why ?? '',
  strength,
});

function strongest(found: Contradiction[]): Contradiction[] {
  return found.sort((left, right) => right.strength - left.strength).slice(0, policy.reported_max);
}

/** Earlier sentences that share at least half of the weight of this one's words, found through the words. */
function candidates(
  { words }: Frame,
  holders: ReadonlyMap<string, readonly number[]>,
  { weigh }: Weights,
): number[] {
  const shared = new Map<number, { weight: number; words: number }>();
  let total = 0;
  for (const [key, word] of new Map(words.map((one) => [one.key, one]))) {
    const weight = weigh(word);
    total += weight;
    for (const at of holders.get(key) ?? []) {
      const known = shared.get(at);
      if (known) {
        known.weight += weight;
        known.words += 1;
      } else shared.set(at, { weight, words: 1 });
    }
  }
  return [...shared].filter(([, one]) => one.words >= 2 && one.weight * 2 >= total).map(([at]) => at);
}

/** Grammar, and words of nearly every sentence, align little. */
function weightsIn(frames: readonly Frame[]): Weights {
  const counts = new Map<string, number>();
  for (const { bag } of frames) for (const key of bag.keys()) counts.set(key, (counts.get(key) ?? 0) + 1);
  const weights = new Map<FrameWord, number>();
  const totals = new Map<Frame, number>();
  for (const frame of frames) {
    let total = 0;
    for (const word of frame.words) {
      const often = Math.max(1, (counts.get(word.key) ?? 1) / 2);
      const weight = grammarWeight(word) / (1 + Math.log(often));
      weights.set(word, weight);
      total += weight;
    }
    totals.set(frame, total);
  }
  return { weigh: (word) => weights.get(word) ?? 0, totalOf: (frame) => totals.get(frame) ?? 0 };
}

const grammarWeight = ({ grammar }: FrameWord): number => (grammar ? 0.3 : 1);

const plainWeights: Weights = {
  weigh: grammarWeight,
  totalOf: ({ words }) => words.reduce((sum, word) => sum + grammarWeight(word), 0),
};

const quote = (text: string): string => (text.length <= 400 ? text : `${text.slice(0, 399)}…`);

import { type Conflict, conflictOf } from './conflict.ts';
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
  const found = comparedWithin(sentences).map((compared) => contradictionOf(compared, strengthWithin));
  return strongest(found.filter(({ strength }) => strength >= policy.within_strength_min));
}

/** Contradictions between a premise and a text. The premise is taken to be about the same thing as the text. */
export function contradictionsBetween(premise: readonly string[], text: readonly string[]): Contradiction[] {
  const found = comparedBetween(premise, text).map((compared) => contradictionOf(compared, strengthBetween));
  return strongest(found.filter(({ strength }) => strength > 0));
}

/** Sentences of one text that share words enough for one to restate the other. */
export function comparedWithin(sentences: readonly string[]): Compared[] {
  const frames = sentences.map(frameOf);
  const weigh = weigher(frames);
  const compared: Compared[] = [];
  const holders = new Map<string, number[]>();
  frames.forEach((frame, at) => {
    for (const earlier of candidates(frame, holders, weigh)) {
      const first = frames[earlier];
      if (!first || compared.length === policy.comparisons_max) break;
      compared.push({ first, second: frame, conflict: conflictOf(first, frame, weigh, false) });
    }
    for (const key of frame.bag.keys()) {
      const known = holders.get(key) ?? [];
      // Words of most sentences lead to no particular partner: the newest holders are enough.
      if (known.length >= policy.holders_max) known.shift();
      known.push(at);
      holders.set(key, known);
    }
  });
  return compared;
}

/** Every sentence of a premise with every one of a text, up to a limit on both sides. */
export function comparedBetween(premise: readonly string[], text: readonly string[]): Compared[] {
  const limit = policy.premise_sentences_max;
  const left = premise.slice(0, limit).map(frameOf);
  const right = text.slice(0, limit).map(frameOf);
  return left.flatMap((first) =>
    right.map((second) => ({ first, second, conflict: conflictOf(first, second, grammarWeight, true) })),
  );
}

function contradictionOf(
  { first, second, conflict }: Compared,
  strengthOf: (conflict: Conflict) => number,
): Contradiction {
  return {
    first: quote(first.text),
    second: quote(second.text),
    why: conflict.reason?.why ?? '',
    strength: strengthOf(conflict),
  };
}

function strongest(found: Contradiction[]): Contradiction[] {
  return found.sort((left, right) => right.strength - left.strength).slice(0, policy.reported_max);
}

/** Earlier sentences that share at least half of the weight of this one's words, found through the words. */
function candidates(
  { words }: Frame,
  holders: ReadonlyMap<string, readonly number[]>,
  weigh: (word: FrameWord) => number,
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

/** Weight of a word in an alignment: grammar, and words of nearly every sentence, align little. */
function weigher(frames: readonly Frame[]): (word: FrameWord) => number {
  const counts = new Map<string, number>();
  for (const { bag } of frames) for (const key of bag.keys()) counts.set(key, (counts.get(key) ?? 0) + 1);
  return (word) => grammarWeight(word) / (1 + Math.log(Math.max(1, (counts.get(word.key) ?? 1) / 2)));
}

const grammarWeight = ({ grammar }: FrameWord): number => (grammar ? 0.3 : 1);

const quote = (text: string): string => (text.length <= 400 ? text : `${text.slice(0, 399)}…`);

/** Which words of two sentences stand in each other's place. */

import type { Frame, FrameWord } from './frames.ts';
import { areAntonyms, compoundOf, type Kinship, kinshipOf, strangers } from './kinship.ts';

/** Two words that stand in each other's place, and how they relate (the first to the second). */
export type WordPair = {
  readonly first: FrameWord;
  readonly second: FrameWord;
  readonly kinship: Kinship;
  /** The words of the sentences: two of each side that is a compound. */
  readonly firstParts: readonly FrameWord[];
  readonly secondParts: readonly FrameWord[];
};

/** Less than this in common, and two words stand in each other's place only by their neighbours. */
const bond_min = 0.3;

/** From here on two words count as of one meaning, or as opposites. */
export const meaning_min = 0.25;
export const opposite_min = 0.4;

/** What only one side says, in order. */
export function restOf(first: Frame, second: Frame): { first: FrameWord[]; second: FrameWord[] } {
  return { first: without(first, second.bag), second: without(second, first.bag) };
}

function without(frame: Frame, other: ReadonlyMap<string, number>): FrameWord[] {
  const left = new Map<string, number>();
  return frame.words.filter((word) => {
    const used = left.get(word.key) ?? 0;
    left.set(word.key, used + 1);
    return used >= (other.get(word.key) ?? 0);
  });
}

/** Joins the words of both rests, the surest pair first; each word once. */
export function pairUp(first: readonly FrameWord[], second: readonly FrameWord[]): WordPair[] {
  if (first.length === 0 || second.length === 0) return [];
  const possible: { pair: WordPair; weight: number }[] = [];
  const [lefts, rights] = [joined(first), joined(second)];
  const single = lefts.length === 1 && rights.length === 1;
  for (const { word: left, parts: firstParts } of lefts) {
    for (const { word: right, parts: secondParts } of rights) {
      // "first" against "last" is the one case in which a number and a word exclude each other.
      if ((left.number === null) !== (right.number === null) && !areAntonyms(left.form, right.form)) continue;
      const kinship = kinshipOfWords(left, right);
      const { same, opposite, broader, narrower, sibling, rival, likeness } = kinship;
      const bond = Math.max(same, opposite, broader, narrower, sibling, rival, likeness);
      const neighbours = (left.before === right.before ? 1 : 0) + (left.after === right.after ? 1 : 0);
      const numbers = left.number !== null && left.number === right.number;
      if (bond < bond_min && neighbours < 2 && !numbers && !single) continue;
      const pair = { first: left, second: right, kinship, firstParts, secondParts };
      possible.push({ pair, weight: bond + 0.3 * neighbours + (numbers ? 1 : 0) });
    }
  }
  possible.sort((one, other) => other.weight - one.weight);
  const taken = new Set<FrameWord>();
  return possible.flatMap(({ pair }) => {
    if (taken.has(pair.first) || taken.has(pair.second)) return [];
    taken.add(pair.first).add(pair.second);
    return [pair];
  });
}

/** Two neighbours that make a compound count as one word. */
function joined(words: readonly FrameWord[]): { word: FrameWord; parts: FrameWord[] }[] {
  const result: { word: FrameWord; parts: FrameWord[] }[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    const next = words[at + 1];
    if (!word) continue;
    const compound = next && word.after === next.key ? compoundOf(word.rank, next.rank) : -1;
    if (next && compound >= 0) {
      const whole = { ...word, form: `${word.form} ${next.form}`, rank: compound, after: next.after };
      result.push({ word: whole, parts: [word, next] });
      at += 1;
    } else result.push({ word, parts: [word] });
  }
  return result;
}

function kinshipOfWords(first: FrameWord, second: FrameWord): Kinship {
  if (first.number !== null || second.number !== null) {
    return areAntonyms(first.form, second.form) ? { ...strangers, opposite: 1 } : strangers;
  }
  const kinship = kinshipOf(first, second);
  if (first.after !== '' && first.after === second.after) {
    // "living room" and "dining room": the shared word belongs to both.
    const [left, right] = [
      compoundOf(first.rank, first.afterRank),
      compoundOf(second.rank, second.afterRank),
    ];
    if (left >= 0 && right >= 0) {
      const whole = kinshipOf(
        { form: `${first.form} ${first.after}`, rank: left },
        { form: `${second.form} ${second.after}`, rank: right },
      );
      return { ...kinship, sibling: Math.max(kinship.sibling, whole.sibling) };
    }
  }
  return kinship;
}

/** How much of the first word's place the second takes without saying anything else, 0..1. */
export function sameness({ same, narrower, opposite, rival, likeness }: Kinship): number {
  if (opposite >= opposite_min || rival > 0) return 0;
  const meant = Math.max(same, narrower);
  return meant >= meaning_min ? Math.min(1, 0.5 + meant / 2) : likeness >= 0.7 ? 0.3 : 0;
}

import { denialsBetween, nearness } from './denials.ts';
import type { Frame, FrameWord } from './frames.ts';
import type { Kinship } from './kinship.ts';
import { meaning_min, opposite_min, pairUp, restOf, sameness, type WordPair } from './word-pairs.ts';

/** What two sentences have to do with each other, in numbers; `conflictSigns` says which way each counts. */
export type ConflictFeatures = { readonly [name in keyof typeof conflictSigns]: number };

/** 1 = more of it speaks for a contradiction, -1 = against, 0 = either. */
export const conflictSigns = {
  /** Share of weight that the sentences have in common, words of one meaning included (dice, 0..1). */
  alignment: 1,
  /** The same without the words that stand in each other's place: how far the rest is one statement, 0..1. */
  surroundings: 1,
  /** Share of the first that the second holds, and of the second that the first holds, 0..1. */
  firstHeld: 0,
  secondHeld: 1,
  /** Exactly one of them is denied: 1 or 0. */
  parity: 1,
  /** Both are denied. */
  bothDenied: 0,
  /** Share of what one denies that the other states, 0..1. */
  deniedStated: 1,
  /** What one denies and the other does not mention, in words. */
  deniedUnmentioned: -1,
  /** What one denies has its opposite in the other, or is denied there too, in words. */
  deniedAgreed: -1,
  /** The first word that one denies, most often its verb, is stated by the other, 0..1. */
  deniedHeadStated: 1,
  /** How near the words that one denies come to any of the other, mean of the best cosines. */
  deniedNear: 0,
  /** The same for the words of the second, denied or not. */
  secondNear: 0,
  /** The second is the one that denies: 1 or 0. */
  secondDenies: 0,
  /** The strongest of what stands on one side only: opposite words, 0..1. */
  opposite: 1,
  /** Kinds of one thing, or members of one list of rivals, 0..1. */
  sibling: 1,
  rival: 1,
  /** Other numbers at the same place: 1 or 0. */
  number: 1,
  /** Numbers that differ, in pairs: a series of figures is no contradiction. */
  numberPairs: -1,
  /** Words that mean the same, or of which the second is broader, among what differs, 0..1. */
  explained: -1,
  /** Cosine of the pair of differing words that is most alike. */
  likeness: 0,
  /** The second is narrower there: it says more. */
  narrowed: -1,
  /** Words that only one of them has, after all pairs are taken out. */
  firstAlone: -1,
  secondAlone: -1,
  /** Pairs of words that stand in each other's place. */
  pairs: 0,
  /** One is a supposition or a question and the other is not: 1 or 0. */
  supposed: -1,
  /** A name that only one of them has: 1 or 0. */
  names: -1,
  /** Words of the shorter one. */
  size: 0,
} as const;

export const conflictNames = Object.keys(conflictSigns) as (keyof ConflictFeatures)[];

/** How much words count in an alignment. */
export type Weights = {
  /** Above 0. */
  readonly weigh: (word: FrameWord) => number;
  /** Sum over the words of a sentence. */
  readonly totalOf: (frame: Frame) => number;
};

/** Words of a sentence that are searched for their like in the other; time goes with the square. */
export type Effort = {
  /** Of what only one of them says: a longer rest aligns too little to matter. */
  readonly rest_max: number;
  /** For `deniedNear` and `secondNear`; 0 leaves them at 0. */
  readonly near_words_max: number;
};

export type Conflict = {
  readonly features: ConflictFeatures;
  /** Null when nothing in them conflicts. */
  readonly reason: Reason | null;
};

/** Why two sentences may conflict, with the same in words. An exchange of words conflicts only about one subject. */
export type Reason = {
  readonly kind: 'denial' | 'opposite' | 'number' | 'exchange';
  readonly why: string;
};

/**
 * Compares what two sentences state.
 *
 * @param effort how many words of a sentence are searched for their like in the other
 */
export function conflictOf(
  first: Frame,
  second: Frame,
  { weigh, totalOf }: Weights,
  effort: Effort,
): Conflict {
  const rest = restOf(first, second);
  const pairs = pairUp(rest.first.slice(0, effort.rest_max), rest.second.slice(0, effort.rest_max));
  const firstWeight = totalOf(first);
  const secondWeight = totalOf(second);
  const firstRest = total(rest.first, weigh);
  const secondRest = total(rest.second, weigh);
  const meant = pairs.map((pair) => ({ pair, share: sameness(pair.kinship) }));
  const softly = (side: 'firstParts' | 'secondParts') =>
    meant.reduce((sum, { pair, share }) => sum + total(pair[side], weigh) * share, 0);
  const sharedFirst = firstWeight - firstRest + softly('firstParts');
  const sharedSecond = secondWeight - secondRest + softly('secondParts');
  const paired = new Set(pairs.flatMap((pair) => [...pair.firstParts, ...pair.secondParts]));
  const alone = (words: readonly FrameWord[]) =>
    words.filter((word) => !paired.has(word) && !word.grammar).length;
  const denials = denialsBetween(first, second, pairs, effort);
  const content = pairs.filter((pair) => !(pair.first.grammar && pair.second.grammar));
  const opposite = strongest(pairs, ({ kinship }) => kinship.opposite);
  const number = pairs.find(isNumberConflict);
  const top = (of: (kinship: Kinship) => number) =>
    content.reduce((best, { kinship }) => Math.max(best, of(kinship)), 0);
  const explained = content.length === 0 ? 0 : Math.min(...content.map(({ kinship }) => sameness(kinship)));
  const lone = [...rest.first, ...rest.second].filter((word) => !paired.has(word));
  const surroundings = () => {
    const shared = firstWeight - firstRest + secondWeight - secondRest;
    return shared === 0 ? 0 : shared / (shared + total(lone, weigh));
  };
  const features: ConflictFeatures = {
    alignment:
      firstWeight + secondWeight === 0 ? 0 : (sharedFirst + sharedSecond) / (firstWeight + secondWeight),
    surroundings: surroundings(),
    firstHeld: firstWeight === 0 ? 0 : sharedFirst / firstWeight,
    secondHeld: secondWeight === 0 ? 0 : sharedSecond / secondWeight,
    parity: first.denied === second.denied ? 0 : 1,
    bothDenied: first.denied && second.denied ? 1 : 0,
    ...denials,
    secondNear: nearness(second.words, first.words, effort),
    secondDenies: second.denied ? 1 : 0,
    opposite: opposite?.kinship.opposite ?? 0,
    sibling: top(({ sibling, same }) => (same >= 0.3 ? 0 : sibling)),
    rival: top(({ rival }) => rival),
    number: number ? 1 : 0,
    numberPairs: pairs.filter((pair) => pair.first.number !== null).length,
    explained,
    likeness: top(({ likeness }) => likeness),
    narrowed: top(({ broader }) => broader),
    firstAlone: alone(rest.first),
    secondAlone: alone(rest.second),
    pairs: content.length,
    supposed: first.supposed === second.supposed ? 0 : 1,
    names: lone.some((word) => word.name) ? 1 : 0,
    size: Math.min(first.words.length, second.words.length),
  };
  return { features, reason: reasonOf(features, content, opposite, number) };
}

const isDeniedOpposite = ({ first, second, kinship }: WordPair): boolean =>
  kinship.opposite >= opposite_min && first.denied !== second.denied;

function reasonOf(
  features: ConflictFeatures,
  content: readonly WordPair[],
  opposite: WordPair | undefined,
  number: WordPair | undefined,
): Reason | null {
  const both = ({ first, second }: WordPair) => `"${first.form}" and "${second.form}"`;
  // A denied opposite ("not far", "near") says the same again.
  if (features.parity === 1 && content.some(isDeniedOpposite)) return null;
  if (features.parity === 1) return { kind: 'denial', why: 'One sentence denies what the other states.' };
  if (opposite && features.opposite >= meaning_min) {
    return { kind: 'opposite', why: `${both(opposite)} exclude each other.` };
  }
  if (number) {
    return {
      kind: 'number',
      why: `The same is said with ${number.first.form} and with ${number.second.form}.`,
    };
  }
  const rival = strongest(content, ({ kinship }) => kinship.rival + kinship.sibling);
  if (rival && features.rival + features.sibling > 0) {
    return { kind: 'exchange', why: `${both(rival)} exclude each other here.` };
  }
  if (features.bothDenied === 1) return { kind: 'exchange', why: 'Both deny something, and not the same.' };
  const [pair] = content;
  return pair ? { kind: 'exchange', why: `"${pair.first.form}" became "${pair.second.form}".` } : null;
}

function total(words: readonly FrameWord[], weigh: (word: FrameWord) => number): number {
  let sum = 0;
  for (const word of words) sum += weigh(word);
  return sum;
}

function strongest(pairs: readonly WordPair[], of: (pair: WordPair) => number): WordPair | undefined {
  let best: WordPair | undefined;
  for (const pair of pairs) if (best === undefined || of(pair) > of(best)) best = pair;
  return best;
}

/** Two numbers of one kind that differ, with the same neighbour on a side: elsewhere they count other things. */
function isNumberConflict({ first, second }: WordPair): boolean {
  if (first.number === null || first.number !== second.number || first.key === second.key) return false;
  return (first.after !== '' && first.after === second.after) || first.before === second.before;
}

import type { Frame, FrameWord } from './frames.ts';
import { areAntonyms, compoundOf, type Kinship, kinshipOf, likenessOf, strangers } from './kinship.ts';

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

/** Two words that stand in each other's place, and how they relate (the first to the second). */
export type WordPair = {
  readonly first: FrameWord;
  readonly second: FrameWord;
  readonly kinship: Kinship;
  /** The words of the sentences: two of each side that is a compound. */
  readonly firstParts: readonly FrameWord[];
  readonly secondParts: readonly FrameWord[];
};

export type Conflict = {
  readonly features: ConflictFeatures;
  /** Pairs that differ, the most telling first. */
  readonly pairs: readonly WordPair[];
  /** Null when nothing in them conflicts. */
  readonly reason: Reason | null;
};

/** Why two sentences may conflict, with the same in words. An exchange of words conflicts only about one subject. */
export type Reason = {
  readonly kind: 'denial' | 'opposite' | 'number' | 'exchange';
  readonly why: string;
};

/** Words of one side that are looked up against those of the other; a longer rest aligns too little to matter. */
const rest_max = 12;
/** Less than this in common, and two words stand in each other's place only by their neighbours. */
const bond_min = 0.3;

/** From here on two words count as of one meaning, or as opposites. */
const meaning_min = 0.25;
const opposite_min = 0.4;

/**
 * Compares what two sentences state.
 *
 * @param weigh weight of a word in an alignment, above 0
 * @param near whether to fill in `deniedNear` and `secondNear`, which take the square of the sentences' lengths
 */
export function conflictOf(
  first: Frame,
  second: Frame,
  weigh: (word: FrameWord) => number,
  near: boolean,
): Conflict {
  const rest = restOf(first, second);
  const pairs = pairUp(rest.first, rest.second);
  const firstWeight = total(first.words, weigh);
  const secondWeight = total(second.words, weigh);
  const meant = pairs.map((pair) => ({ pair, share: sameness(pair.kinship) }));
  const softly = (side: 'firstParts' | 'secondParts') =>
    meant.reduce((sum, { pair, share }) => sum + total(pair[side], weigh) * share, 0);
  const sharedFirst = firstWeight - total(rest.first, weigh) + softly('firstParts');
  const sharedSecond = secondWeight - total(rest.second, weigh) + softly('secondParts');
  const paired = new Set(pairs.flatMap((pair) => [...pair.firstParts, ...pair.secondParts]));
  const alone = (words: readonly FrameWord[]) =>
    words.filter((word) => !paired.has(word) && !word.grammar).length;
  const denials = denialsBetween(first, second, pairs, near);
  const content = pairs.filter((pair) => !(pair.first.grammar && pair.second.grammar));
  const opposite = strongest(pairs, ({ kinship }) => kinship.opposite);
  const number = pairs.find(isNumberConflict);
  const top = (of: (kinship: Kinship) => number) =>
    content.reduce((best, { kinship }) => Math.max(best, of(kinship)), 0);
  const explained = content.length === 0 ? 0 : Math.min(...content.map(({ kinship }) => sameness(kinship)));
  const surroundings = () => {
    const shared = firstWeight - total(rest.first, weigh) + secondWeight - total(rest.second, weigh);
    const lone = [...rest.first, ...rest.second].filter((word) => !paired.has(word));
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
    secondNear: near ? nearness(second.words, first.words) : 0,
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
    names: [...rest.first, ...rest.second].some((word) => word.name && !paired.has(word)) ? 1 : 0,
    size: Math.min(first.words.length, second.words.length),
  };
  return { features, pairs, reason: reasonOf(features, content, opposite, number) };
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

const total = (words: readonly FrameWord[], weigh: (word: FrameWord) => number): number =>
  words.reduce((sum, word) => sum + weigh(word), 0);

/** How much of the first word's place the second takes without saying anything else, 0..1. */
function sameness({ same, narrower, opposite, rival, likeness }: Kinship): number {
  if (opposite >= opposite_min || rival > 0) return 0;
  const meant = Math.max(same, narrower);
  return meant >= meaning_min ? Math.min(1, 0.5 + meant / 2) : likeness >= 0.7 ? 0.3 : 0;
}

/** What only one side says, in order. */
function restOf(first: Frame, second: Frame): { first: FrameWord[]; second: FrameWord[] } {
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
function pairUp(first: readonly FrameWord[], second: readonly FrameWord[]): WordPair[] {
  const possible: { pair: WordPair; weight: number }[] = [];
  const [lefts, rights] = [joined(first.slice(0, rest_max)), joined(second.slice(0, rest_max))];
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

type Denials = Pick<
  ConflictFeatures,
  'deniedStated' | 'deniedUnmentioned' | 'deniedAgreed' | 'deniedHeadStated' | 'deniedNear'
>;

/** Words of a side that are searched for the nearest on the other. */
const near_words_max = 24;

/** Mean over the content of one side of the best cosine on the other, 0..1; 0 without content. */
function nearness(words: readonly FrameWord[], others: readonly FrameWord[]): number {
  const content = words.filter((word) => !word.grammar).slice(0, near_words_max);
  if (content.length === 0) return 0;
  const best = content.map((word) => {
    let most = 0;
    for (const other of others.slice(0, near_words_max)) {
      if (other.grammar) continue;
      if (other.key === word.key) return 1;
      most = Math.max(most, likenessOf(word.rank, other.rank));
    }
    return most;
  });
  return best.reduce((sum, one) => sum + one, 0) / content.length;
}

/** What the negations of both sides reach, against what the other side says of it. */
function denialsBetween(first: Frame, second: Frame, pairs: readonly WordPair[], withNear: boolean): Denials {
  const partner = new Map<FrameWord, { word: FrameWord; kinship: Kinship; isFirst: boolean }>();
  for (const { first: left, second: right, kinship, firstParts, secondParts } of pairs) {
    for (const part of firstParts) partner.set(part, { word: right, kinship, isFirst: true });
    for (const part of secondParts) partner.set(part, { word: left, kinship, isFirst: false });
  }
  let stated = 0;
  let unmentioned = Infinity;
  let agreed = 0;
  let head = 0;
  let near = 0;
  for (const [own, other] of [
    [first, second],
    [second, first],
  ] as const) {
    const denied = own.words.filter((word) => word.denied && !word.grammar);
    if (denied.length === 0) continue;
    const stating = new Set(other.words.filter((word) => !word.denied).map((word) => word.key));
    const denying = new Set(other.words.filter((word) => word.denied).map((word) => word.key));
    let here = 0;
    let missing = 0;
    if (withNear) near = Math.max(near, nearness(denied, other.words));
    for (const [at, word] of denied.entries()) {
      if (at === 1) head = Math.max(head, here);
      const match = partner.get(word);
      if (denying.has(word.key)) agreed += 1;
      else if (stating.has(word.key)) here += 1;
      else if (match) {
        const { kinship } = match;
        if (kinship.opposite >= opposite_min) {
          if (match.word.denied) here += 1;
          else agreed += 1;
        } else {
          // Who denies a broader thing denies the narrower one too.
          const covers = Math.max(kinship.same, match.isFirst ? kinship.broader : kinship.narrower);
          const share = kinship.rival > 0 ? 0 : covers >= meaning_min ? 0.5 + covers / 2 : 0;
          if (match.word.denied) agreed += share;
          else here += share;
          missing += 1 - share;
        }
      } else missing += 1;
    }
    if (denied.length === 1) head = Math.max(head, here);
    stated = Math.max(stated, here / denied.length);
    unmentioned = Math.min(unmentioned, missing);
  }
  return {
    deniedStated: stated,
    deniedUnmentioned: unmentioned === Infinity ? 0 : unmentioned,
    deniedAgreed: agreed,
    deniedHeadStated: head,
    deniedNear: near,
  };
}

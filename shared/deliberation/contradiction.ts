import { antonyms, denial, functionWords, negations, rivals } from './lexicon.ts';
import { contradictionPolicy as policy } from './weights.ts';
import { isNumber, isWord, numberValue, stem, tokens } from './words.ts';

/** Two passages that cannot both hold, quoted, with the reason in words and a strength of 0..1. */
export type Contradiction = {
  readonly first: string;
  readonly second: string;
  readonly why: string;
  readonly strength: number;
};

type Frame = {
  readonly text: string;
  /** Words that carry the statement, with how often each occurs; auxiliaries, articles and negations left out. */
  readonly bag: ReadonlyMap<string, number>;
  readonly size: number;
  /** The statement is turned round an odd number of times. */
  readonly denied: boolean;
  /** A supposition or a question: it is not claimed to hold. */
  readonly supposed: boolean;
};

const supposition =
  /^\W*(?:(?:and|but|so|now|then)\W+)?(?:if|unless|suppose|assume|assuming|whether)\b|\?\W*$/i;

/** Auxiliaries, articles and connectives change when a sentence is restated; they never decide whether two align. */
const loose = new Set(
  `a an the this that these those is am are was were be been being do does did has have had will would shall should can
  could may might must so then thus hence therefore actually however now well also just indeed and but it its there here
  if as very`.split(/\s+/),
);

/**
 * Contradictions inside one text: a later sentence restates an earlier one denied, with an opposite word or with
 * another number. A denied sentence about something else is none. Strongest first, at most ten.
 */
export function contradictionsWithin(sentences: readonly string[]): Contradiction[] {
  const frames = sentences.map(frameOf);
  const weights = weightsIn(frames);
  const weigh = (word: string) => weights.get(word) ?? 1;
  const found: Contradiction[] = [];
  const holders = new Map<string, number[]>();
  let comparisons = 0;
  frames.forEach((frame, at) => {
    for (const earlier of candidates(frame, holders, weigh)) {
      const other = frames[earlier];
      if (!other || comparisons === policy.comparisons_max) break;
      comparisons += 1;
      const conflict = conflictBetween(other, frame, weigh);
      if (conflict && conflict.strength >= policy.within_strength_min) found.push(conflict);
    }
    for (const word of frame.bag.keys()) {
      const known = holders.get(word) ?? [];
      // Words of most sentences lead to no particular partner: the newest holders are enough.
      if (known.length >= policy.holders_max) known.shift();
      known.push(at);
      holders.set(word, known);
    }
  });
  return strongest(found);
}

/** Contradictions between a premise and a text. The premise is taken to be about the same thing as the text. */
export function contradictionsBetween(premise: readonly string[], text: readonly string[]): Contradiction[] {
  const limit = policy.premise_sentences_max;
  const left = premise.slice(0, limit).map(frameOf);
  const right = text.slice(0, limit).map(frameOf);
  const found: Contradiction[] = [];
  for (const first of left) {
    for (const second of right) {
      const conflict = conflictBetween(first, second, grammarWeight, true);
      if (conflict) found.push(conflict);
    }
  }
  return strongest(found);
}

function strongest(found: Contradiction[]): Contradiction[] {
  return found.sort((left, right) => right.strength - left.strength).slice(0, policy.reported_max);
}

function frameOf(text: string): Frame {
  const opening = denial.exec(text);
  const words = tokens(opening ? text.slice(opening[0].length) : text).map((word) => word.toLowerCase());
  const bag = new Map<string, number>();
  let denials = opening ? 1 : 0;
  let size = 0;
  for (const word of words) {
    if (negations.has(word)) denials += 1;
    else if ((isWord(word) || isNumber(word)) && !loose.has(word)) {
      const key =
        numberValue(word) ??
        (functionWords.has(word) || antonyms.has(word) || rivals.has(word) ? word : stem(word));
      bag.set(key, (bag.get(key) ?? 0) + 1);
      size += 1;
    }
  }
  return {
    text,
    bag,
    size,
    denied: denials % 2 === 1,
    supposed: supposition.test(text.length > 400 ? text.slice(0, 400) : text),
  };
}

/** Earlier sentences that share at least half of the weight of this one's words, found through the words. */
function candidates(
  frame: Frame,
  holders: ReadonlyMap<string, readonly number[]>,
  weigh: (word: string) => number,
): number[] {
  const shared = new Map<number, { weight: number; words: number }>();
  let total = 0;
  for (const word of frame.bag.keys()) {
    const weight = weigh(word);
    total += weight;
    for (const at of holders.get(word) ?? []) {
      const known = shared.get(at);
      if (known) {
        known.weight += weight;
        known.words += 1;
      } else shared.set(at, { weight, words: 1 });
    }
  }
  return [...shared].filter(([, { weight, words }]) => words >= 2 && weight * 2 >= total).map(([at]) => at);
}

/** Weight of a word in an alignment: grammar, and words of nearly every sentence, align little. */
function weightsIn(frames: readonly Frame[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const frame of frames)
    for (const word of frame.bag.keys()) counts.set(word, (counts.get(word) ?? 0) + 1);
  const weights = new Map<string, number>();
  for (const [word, count] of counts) {
    weights.set(word, grammarWeight(word) / (1 + Math.log(Math.max(1, count / 2))));
  }
  return weights;
}

const grammarWeight = (word: string): number => (functionWords.has(word) ? 0.3 : 1);

type Difference = {
  readonly first: string[];
  readonly second: string[];
  /** Dice over weighted words, 0..1. */
  readonly alignment: number;
  /** Share of the lighter side that the other one holds, 0..1. */
  readonly contained: number;
};

/** What only one side says, and how much is shared. */
function compare(first: Frame, second: Frame, weigh: (word: string) => number): Difference {
  const only: Pick<Difference, 'first' | 'second'> = { first: [], second: [] };
  let shared = 0;
  let firstTotal = 0;
  let secondTotal = 0;
  for (const [word, count] of first.bag) {
    const both = Math.min(count, second.bag.get(word) ?? 0);
    shared += both * weigh(word);
    firstTotal += count * weigh(word);
    for (let extra = both; extra < count; extra += 1) only.first.push(word);
  }
  for (const [word, count] of second.bag) {
    const both = Math.min(count, first.bag.get(word) ?? 0);
    secondTotal += count * weigh(word);
    for (let extra = both; extra < count; extra += 1) only.second.push(word);
  }
  if (shared === 0) return { ...only, alignment: 0, contained: 0 };
  return {
    ...only,
    alignment: (2 * shared) / (firstTotal + secondTotal),
    contained: shared / Math.min(firstTotal, secondTotal),
  };
}

function conflictBetween(
  first: Frame,
  second: Frame,
  weigh: (word: string) => number,
  sameSubject = false,
): Contradiction | null {
  const { alignment, contained, ...only } = compare(first, second, weigh);
  const size = Math.min(first.size, second.size);
  if (size < 2) return null;
  const opposite = pairOf(only.first, only.second, (left, right) => antonyms.get(left)?.has(right) ?? false);
  const numbers = pairOf(
    only.first,
    only.second,
    (left, right) => isNumber(left) && isNumber(right) && left !== right,
  );
  const rival = pairOf(
    only.first,
    only.second,
    (left, right) => rivals.has(left) && rivals.get(left) === rivals.get(right),
  );
  const swapped = only.first.length === 1 && only.second.length === 1;
  const denied = first.denied !== second.denied;
  const gradeOf = (aligned: number, from: number, to: number) =>
    Math.min(1, Math.max(0, (aligned - from) / (to - from)));
  const grade = (from: number, to: number) => gradeOf(alignment, from, to);
  const trust = first.supposed === second.supposed ? 1 : policy.supposed_trust;
  const say = (strength: number, why: string) =>
    strength > 0
      ? { first: quote(first.text), second: quote(second.text), why, strength: strength * trust }
      : null;
  const { denial: d, opposite: o, number: n } = policy.alignment;
  const shift = sameSubject ? policy.premise_alignment_shift : 0;
  // A denied opposite ("not far", "near") says the same again.
  if (denied && opposite) return null;
  // Remarks lengthen a denial ("on a closer look"), so containment counts in part.
  const restated = (1 - policy.containment_share) * alignment + policy.containment_share * contained;
  if (denied)
    return say(gradeOf(restated, d.from - shift, d.to), 'One sentence denies what the other states.');
  // Without the two words themselves the rest must align; short frames lose much of their weight to the pair.
  const slack = 1 / (size + 1);
  if (opposite) {
    return say(
      grade(o.from - shift - slack, o.to - slack) * 0.95,
      `"${opposite[0]}" and "${opposite[1]}" exclude each other.`,
    );
  }
  const extra = only.first.length + only.second.length;
  if (numbers && extra <= 4) {
    const doubt = policy.number_trust / (extra > 2 ? 2 : 1);
    return say(
      grade(n.from - shift - slack, n.to - slack) * doubt * Math.min(1, size / 6),
      `The same is said with ${numbers[0]} and with ${numbers[1]}.`,
    );
  }
  if (sameSubject && rival)
    return say(grade(0.3, 0.8) * 0.85, `"${rival[0]}" and "${rival[1]}" exclude each other here.`);
  if (sameSubject && swapped)
    return say(grade(0.3, 1) * 0.25, `"${only.first[0]}" became "${only.second[0]}".`);
  return null;
}

function pairOf(
  first: readonly string[],
  second: readonly string[],
  conflicts: (left: string, right: string) => boolean,
): [string, string] | null {
  for (const left of first) for (const right of second) if (conflicts(left, right)) return [left, right];
  return null;
}

const quote = (text: string): string => (text.length <= 400 ? text : `${text.slice(0, 399)}…`);

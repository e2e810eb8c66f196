import { rankOf } from './kinship.ts';
import { antonyms, denial, functionWords, negations, rivals } from './lexicon.ts';
import { isNumber, isWord, numberValue, stem, tokens } from './words.ts';

/** One word of a sentence that carries its statement. */
export type FrameWord = {
  /** What restatements of the word share: its stem, its value, itself if grammar. */
  readonly key: string;
  /** In lower case. */
  readonly form: string;
  /** Place in the table of vectors, -1 when it is none of its words. */
  readonly rank: number;
  readonly grammar: boolean;
  readonly number: 'cardinal' | 'ordinal' | null;
  /** Written with a capital inside the sentence. */
  readonly name: boolean;
  /** An odd number of negations stand before it in its clause. */
  readonly denied: boolean;
  /** Keys of the neighbours that carry the statement too, '' at an end. */
  before: string;
  after: string;
  /** Rank of the neighbour behind it. */
  afterRank: number;
};

/** What a sentence states: its words without auxiliaries, articles and negations, and which of them it denies. */
export type Frame = {
  readonly text: string;
  readonly words: readonly FrameWord[];
  /** How often each key occurs. */
  readonly bag: ReadonlyMap<string, number>;
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

/** Where what a negation denies ends. */
const scopeEnds = new Set(
  `, ; : . ! ? ( ) but because although though while whereas when where if unless which who since until and`.split(
    /\s+/,
  ),
);
const scope_words_max = 8;

/** Endings of ordinals in digits. */
const ordinalEnding = /^(?:st|nd|rd|th)$/;
const ordinalWords: ReadonlyMap<string, number> = new Map([
  ...`first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
  sixteenth seventeenth eighteenth nineteenth twentieth`
    .split(/\s+/)
    .map((word, at): [string, number] => [word, at + 1]),
  ...'thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth hundredth'
    .split(' ')
    .map((word, at): [string, number] => [word, (at + 3) * 10]),
]);
const moreNumberWords: ReadonlyMap<string, number> = new Map([
  ...'thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'
    .split(' ')
    .map((word, at): [string, number] => [word, at + 13]),
  ...'thirty forty fifty sixty seventy eighty ninety hundred'
    .split(' ')
    .map((word, at): [string, number] => [word, (at + 3) * 10]),
  ['thousand', 1000],
  ['million', 1_000_000],
  ['billion', 1_000_000_000],
]);

/** Reads a sentence. Time is linear in its length. */
export function frameOf(text: string): Frame {
  const opening = denial.exec(text);
  const written = tokens(opening ? text.slice(opening[0].length) : text);
  const words: FrameWord[] = [];
  const bag = new Map<string, number>();
  let denials = opening ? 1 : 0;
  /** Words that the last negation still reaches. */
  let reach = 0;
  let inside = opening ? 1 : 0;
  const whole = opening ? 1 : 0;
  for (let at = 0; at < written.length; at += 1) {
    const token = written[at] ?? '';
    const form = token.toLowerCase();
    if (negations.has(form)) {
      // "not only … but also" denies nothing.
      if (written[at + 1]?.toLowerCase() === 'only') continue;
      denials += 1;
      inside = reach > 0 ? inside + 1 : whole + 1;
      reach = scope_words_max;
      continue;
    }
    if (scopeEnds.has(form) && (form !== 'and' || reach < scope_words_max)) reach = 0;
    if (!(isWord(form) || isNumber(form)) || loose.has(form)) continue;
    const next = written[at + 1]?.toLowerCase() ?? '';
    const ordinal = isNumber(form) && ordinalEnding.test(next);
    if (ordinal) at += 1;
    const word = wordOf(form, ordinal, token, at > 0, (reach > 0 ? inside : whole) % 2 === 1);
    const before = words.at(-1);
    if (before) {
      before.after = word.key;
      before.afterRank = word.rank;
      word.before = before.key;
    }
    words.push(word);
    bag.set(word.key, (bag.get(word.key) ?? 0) + 1);
    if (!word.grammar && reach > 0) reach -= 1;
  }
  return {
    text,
    words,
    bag,
    denied: denials % 2 === 1,
    supposed: supposition.test(text.length > 400 ? text.slice(0, 400) : text),
  };
}

function wordOf(form: string, inDigits: boolean, token: string, inside: boolean, denied: boolean): FrameWord {
  const value = numberOf(form, inDigits);
  const grammar = functionWords.has(form);
  return {
    key: value?.key ?? (grammar || antonyms.has(form) || rivals.has(form) ? form : stem(form)),
    form,
    rank: rankOf(form),
    grammar,
    number: value?.kind ?? null,
    name: inside && /^\p{Lu}\p{Ll}/u.test(token) && !grammar,
    denied,
    before: '',
    after: '',
    afterRank: -1,
  };
}

/** "two" and "2" are one number, "second" and "2nd" another. */
function numberOf(form: string, ordinal: boolean): { key: string; kind: 'cardinal' | 'ordinal' } | null {
  const place = ordinal ? Number(form) : ordinalWords.get(form);
  if (place !== undefined) return { key: `#${place}`, kind: 'ordinal' };
  const value = numberValue(form) ?? moreNumberWords.get(form)?.toString();
  return value === undefined ? null : { key: value, kind: 'cardinal' };
}

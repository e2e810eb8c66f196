import { isNumber, isWord } from './words.ts';

const lists: readonly (readonly [string, string])[] = [
  ['article', 'a an the'],
  [
    'determiner',
    'this that these those some any each every either neither no all both my your his her its our their such',
  ],
  [
    'preposition',
    'of in on at by for with about against between into through during before after above below from up down out off over under within without upon onto toward towards among per via than',
  ],
  ['to', 'to'],
  ['pronoun', 'i me we us you he him she it they them who whom one there here'],
  ['be', 'is are was were be been being am'],
  ['auxiliary', 'do does did have has had having'],
  ['modal', "will would shall should can could may might must cannot can't won't"],
  ['negation', "not never n't don't doesn't didn't isn't aren't wasn't weren't"],
  ['conjunction', 'and or but nor'],
  [
    'subordinator',
    'because since while although though unless until whether if as when where why how which what so then therefore thus hence however',
  ],
  [
    'adverb',
    'also too very just only even still already now again more most much many few other another same',
  ],
];
const endings: readonly (readonly [string, RegExp])[] = [
  ['-ly', /ly$/],
  ['-ing', /ing$/],
  ['-ed', /ed$/],
  ['-s', /[^s]s$/],
];

/** Names of the classes; a class is its place in this list. The first one stands for both ends of a sentence. */
export const classNames: readonly string[] = [
  'edge',
  ...lists.map(([name]) => name),
  ...endings.map(([name]) => name),
  'word',
  'Capital',
  'number',
  'comma',
  'stop',
  'sign',
];

const classOf = (name: string): number => classNames.indexOf(name);
const closed: ReadonlyMap<string, number> = new Map(
  lists.flatMap(([name, words]) => words.split(' ').map((word): [string, number] => [word, classOf(name)])),
);
const plain = classOf('word');
const capital = classOf('Capital');
const number = classOf('number');
const comma = classOf('comma');
const stop = classOf('stop');
const sign = classOf('sign');
const ended = endings.map(([name, pattern]): readonly [number, RegExp] => [classOf(name), pattern]);

/** Classes of the tokens of one sentence, with the edge before and after. */
export function wordClasses(written: readonly string[]): number[] {
  return [0, ...written.map(wordClass), 0];
}

function wordClass(word: string): number {
  if (isNumber(word)) return number;
  if (!isWord(word)) return word === ',' ? comma : /^[.!?]$/.test(word) ? stop : sign;
  const known = closed.get(word.toLowerCase());
  if (known !== undefined) return known;
  if (/^\p{Lu}/u.test(word)) return capital;
  return ended.find(([, pattern]) => pattern.test(word))?.[0] ?? plain;
}

/**
 * Log-odds, in tenths, that a pair of classes comes from a written sentence rather than from its words in random
 * order. Rows are the first class, columns the second, as `classNames` orders them. Counted on the originals and the
 * scrambled texts of the MIT and Apache-2.0 reasoning sets.
 */
const tenths = `
  0 2 3 -9 2 13 -28 -18 -14 -7 -3 14 4 -10 -24 -29 -30 -23 5 -13 -3 -1 -20
  -30 -30 -26 -30 -28 -22 -30 -22 -24 -9 -24 -30 7 -1 3 -4 1 10 1 -7 -2 0 -7
  -24 -5 -8 -8 -16 -6 1 -1 2 -2 -19 -8 -1 2 10 0 9 6 -6 -9 0 0 -13
  -30 11 9 -19 -17 -9 -22 -16 -20 -9 -15 -12 6 -5 8 -16 -1 0 3 4 0 0 -15
  -28 -2 -8 -29 -19 -20 2 5 -11 -3 -20 -21 -5 8 -7 -13 -19 10 -12 1 0 0 -9
  -27 -24 -13 -12 -13 -13 16 18 23 3 -16 -18 2 1 -14 20 1 -4 -24 -20 0 0 -10
  -30 9 -2 -11 -10 -14 -17 -11 -11 10 -19 -10 2 8 0 18 -12 -4 -8 9 0 1 -7
  -18 7 3 -5 8 -8 11 1 -8 17 -8 -14 -1 0 -9 13 -11 -4 -18 7 0 0 -8
  -23 -22 -13 -22 -13 -14 15 11 -5 3 -9 -13 2 11 -10 1 -20 8 -6 -13 -3 0 -13
  -9 -2 -1 -3 2 -5 -2 3 -2 0 -5 -5 -1 1 1 8 -8 7 -7 -2 0 0 -2
  -25 3 -3 -16 -16 -3 -3 -5 -3 4 -16 -1 4 1 2 -6 0 6 1 3 0 0 -7
  -27 9 10 -10 -13 14 1 -8 -9 -1 -17 -13 6 2 3 -7 -3 -4 -4 0 0 0 -14
  -14 -10 -6 -1 -6 3 -6 4 -4 -1 -2 -8 -4 5 1 2 8 6 -5 -2 0 0 -6
  -10 1 3 -2 -2 -4 1 3 -3 -1 4 -3 0 -1 3 9 2 3 -10 -5 0 0 -3
  -18 4 1 0 0 -3 5 1 5 -2 -3 -10 -2 0 -7 -7 5 2 -8 -1 0 0 -2
  -25 -7 -5 12 21 -10 -15 -11 -9 -5 -8 -10 -7 0 -8 -16 -4 -6 -13 0 0 0 -4
  -8 -6 3 9 7 3 8 3 6 -2 7 -8 -1 0 1 1 -7 -4 -12 -1 1 0 3
  -17 -3 3 9 2 -5 6 4 1 -10 4 -3 -8 -4 -3 -9 3 -1 -6 -1 0 0 0
  -12 -8 -5 0 -6 -12 8 6 1 -7 7 -10 -1 2 -3 -6 1 -2 4 -3 0 0 1
  0 -14 -11 -4 -2 -13 -5 -16 -14 -4 5 -4 -2 -3 -7 -11 10 -2 -8 -7 0 0 4
  -30 5 2 -16 -11 15 -21 -12 -17 0 10 17 -1 -2 9 -13 -4 -4 2 -6 0 0 -20
  11 -30 -26 -30 -27 -21 -30 -19 -22 -9 -24 -18 -14 -12 -23 -28 -28 -25 -2 -2 -1 0 -14
  -2 -6 -16 -13 -4 -12 -6 -10 -11 -1 -1 -16 -8 -2 -5 -4 -10 -3 -1 4 0 1 -2
`;
const table: readonly (readonly number[])[] = tenths
  .trim()
  .split('\n')
  .map((row) => row.trim().split(/\s+/).map(Number));

export function classLogOdds(first: number, second: number): number {
  return (table[first]?.[second] ?? 0) / 10;
}

import { functionWords, metaWords, numberWords } from './lexicon.ts';

/** Zero-width characters, soft hyphens and direction marks: invisible, and able to break words apart. */
const invisible = /[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g;
const token = /[\p{L}\p{M}]+(?:'\p{L}+)?|(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?%?|[.,;:!?=+*/<>()^-]/gu;

/** One spelling for what looks the same: composed letters, straight quotes, no invisible characters. */
export function cleanText(text: string): string {
  return text
    .normalize('NFC')
    .replace(invisible, '')
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/\r\n?/g, '\n');
}

/** Words, numbers and marks of punctuation, as written and in order. Expects clean text. */
export function tokens(text: string): string[] {
  return text.match(token) ?? [];
}

export const isNumber = (word: string): boolean => /^\d/.test(word);
export const isWord = (word: string): boolean => /^[\p{L}\p{M}]/u.test(word);

/** `1,200.0%` and `1200%` are one number; words up to twelve count as their digits. Null when it is none. */
export function numberValue(word: string): string | null {
  if (!isNumber(word)) return numberWords.get(word) ?? null;
  const plain = word.replaceAll(',', '');
  return plain.includes('.') ? plain.replace(/\.?0+(?=%?$)/, '') : plain;
}

/**
 * A light stemmer: plurals, possessives and the regular endings of verbs and adverbs. It joins the forms of a word
 * in one text; it does not aim at dictionary forms.
 */
export function stem(word: string): string {
  let base = word.replace(/'s?$/, '');
  if (base.length > 4 && base.endsWith('ies')) base = `${base.slice(0, -3)}y`;
  else if (base.length > 4 && /(?:ss|sh|ch|x|z)es$/.test(base)) base = base.slice(0, -2);
  else if (base.length > 3 && base.endsWith('s') && !/(?:ss|us|is)$/.test(base)) base = base.slice(0, -1);
  if (base.length > 5 && base.endsWith('ing')) base = base.slice(0, -3);
  else if (base.length > 4 && base.endsWith('ed')) base = base.slice(0, -2);
  else if (base.length > 5 && base.endsWith('ly')) base = base.slice(0, -2);
  if (base.length > 3 && /([bdgklmnprt])\1$/.test(base)) base = base.slice(0, -1);
  if (base.length > 3 && base.endsWith('e')) base = base.slice(0, -1);
  return base.length > 3 && base.endsWith('y') ? `${base.slice(0, -1)}i` : base;
}

const metaStems: ReadonlySet<string> = new Set([...metaWords].map(stem));

export const isMeta = (word: string): boolean => metaWords.has(word) || metaStems.has(stem(word));
export const isFunctionWord = (word: string): boolean => functionWords.has(word);

/** Content of a word list: stems of words that are neither grammar nor single letters, and numbers. Repeats stay. */
export function contentStems(words: readonly string[]): string[] {
  const stems: string[] = [];
  for (const word of words) {
    const number = isNumber(word) ? numberValue(word) : null;
    if (number !== null) stems.push(number);
    else if (word.length > 1 && !functionWords.has(word)) stems.push(stem(word));
  }
  return stems;
}

/** Content that is about the subject: content without the words that talk about reasoning. */
export function specificStems(words: readonly string[]): string[] {
  return contentStems(words.filter((word) => !isMeta(word)));
}

/** Words written with a capital where the sentence does not ask for one, lower-cased: likely names. */
export function nameStems(written: readonly string[]): string[] {
  return written
    .filter((word, at) => at > 0 && /^\p{Lu}/u.test(word) && word.length > 1 && isWord(written[at - 1] ?? ''))
    .map((word) => word.toLowerCase())
    .filter((word) => !functionWords.has(word))
    .map(stem);
}

/** Shared members over the smaller set, 0..1; 0 when either is empty. */
export function containment(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  const [small, large] = left.size <= right.size ? [left, right] : [right, left];
  if (small.size === 0) return 0;
  let shared = 0;
  for (const member of small) if (large.has(member)) shared += 1;
  return shared / small.size;
}

/** Share of `part` that `whole` holds, 0..1; `empty` when `part` has no members. */
export function shareOf(part: Iterable<string>, whole: { has(member: string): boolean }, empty = 0): number {
  let all = 0;
  let shared = 0;
  for (const member of part) {
    all += 1;
    if (whole.has(member)) shared += 1;
  }
  return all === 0 ? empty : shared / all;
}

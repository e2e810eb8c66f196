import { tokens } from './words.ts';

/** Pair work over steps is quadratic, so a longer text is read as this many groups of sentences. */
export const steps_max = 60;
/** An unpunctuated stream of words is cut here, so that one endless sentence stays a set of small units. */
const sentence_words_max = 120;
const sentences_max = 4000;

const listMarker =
  /^\s*(?:[-*•–]\s+|#{1,6}\s+|>\s+)*(?:(?:step|thought)\s*(\d{1,3})\s*[:.)-]\s*|\(?(\d{1,2})[.)]\s+)?/i;
const abbreviation =
  /(?:^|[\s(])(?:\p{L}|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|No|Fig|Eq|approx|e\.g|i\.e|U\.S|a\.m|p\.m|\d{1,2})\.$/u;

export type Sentence = {
  readonly text: string;
  /** The number a list marker or "Step n:" gave it, null when it had none. */
  readonly ordinal: number | null;
};

/** Sentences of a clean text in order: lines, then full stops; list markers become ordinals. */
export function splitSentences(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  for (const line of text.split('\n')) {
    const marker = listMarker.exec(line);
    const body = line.slice(marker?.[0].length ?? 0).trim();
    if (!/[\p{L}\p{N}]/u.test(body)) continue;
    const written = marker?.[1] ?? marker?.[2];
    let ordinal = written === undefined ? null : Number(written);
    for (const part of splitLine(body)) {
      if (sentences.length === sentences_max) return sentences;
      sentences.push({ text: part, ordinal });
      ordinal = null;
    }
  }
  return sentences;
}

/** Steps of reasoning: the sentences themselves, or at most `steps_max` runs of neighbours in a long text. */
export function groupSteps(sentences: readonly Sentence[]): Sentence[] {
  if (sentences.length <= steps_max) return [...sentences];
  const steps: Sentence[] = [];
  for (let at = 0; at < steps_max; at += 1) {
    const from = Math.floor((at * sentences.length) / steps_max);
    const to = Math.floor(((at + 1) * sentences.length) / steps_max);
    const run = sentences.slice(from, to);
    steps.push({ text: run.map((sentence) => sentence.text).join(' '), ordinal: run[0]?.ordinal ?? null });
  }
  return steps;
}

function splitLine(line: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (const stop of line.matchAll(/[.!?]+["')\]*]*(?=\s+[\p{Lu}\p{Lo}\d"'(*$\\[])|[。！？]+/gu)) {
    const end = stop.index + stop[0].length;
    const part = line.slice(from, end);
    if (stop[0] === '.' && abbreviation.test(part.slice(-12))) continue;
    parts.push(...cutLong(part.trim()));
    from = end;
  }
  const rest = line.slice(from).trim();
  if (rest !== '') parts.push(...cutLong(rest));
  return parts.filter((part) => /[\p{L}\p{N}]/u.test(part));
}

function cutLong(sentence: string): string[] {
  // A word of English has about six characters; short sentences need no count.
  if (sentence.length < sentence_words_max * 2 || tokens(sentence).length <= sentence_words_max)
    return [sentence];
  const words = sentence.split(/\s+/).flatMap((word) => word.match(/.{1,400}/gsu) ?? []);
  const parts: string[] = [];
  for (let at = 0; at < words.length; at += sentence_words_max) {
    parts.push(words.slice(at, at + sentence_words_max).join(' '));
  }
  return parts;
}

import { addressesJudge, sentencesToTheJudge } from './addresses-judge.ts';
import { groupSteps, type Sentence, splitSentences } from './steps.ts';
import {
  cleanText,
  contentStems,
  isFunctionWord,
  isMeta,
  isNumber,
  isWord,
  nameStems,
  specificStems,
  stem,
  tokens,
} from './words.ts';

/** A step as the measures see it. Stems are sets in order of first use. */
export type Step = {
  readonly index: number;
  readonly text: string;
  readonly ordinal: number | null;
  /** Words, numbers and punctuation as written. */
  readonly written: readonly string[];
  /** Words and numbers, lower case. */
  readonly words: readonly string[];
  /** Content stems without talk about reasoning. */
  readonly specific: ReadonlySet<string>;
  /** Specific stems that neither the goal nor an earlier step holds. */
  readonly fresh: readonly string[];
  /** Says nothing by itself: talk about reasoning around words of the goal, or a copy of the goal. */
  readonly filler: boolean;
  /** Says nearly word for word what an earlier step said. */
  readonly repeats: boolean;
  /** Share of the words of an earlier step and of this one that both hold (0..1), with that step's index. */
  readonly echo: { readonly share: number; readonly of: number };
};

export type Goal = {
  readonly text: string;
  /** Weight of each stem the goal asks for: names and numbers weigh most, task verbs least. */
  readonly weights: ReadonlyMap<string, number>;
  /** The word as the goal writes it, for people. */
  readonly written: ReadonlyMap<string, string>;
  /** Words of each sentence, lower case. */
  readonly sentences: readonly ReadonlySet<string>[];
  readonly numbers: ReadonlySet<string>;
};

export type Reading = {
  readonly sentences: readonly Sentence[];
  readonly steps: readonly Step[];
  readonly goal: Goal;
  /** Sentences that speak to whoever grades the text, as quotes; none of them is a step. */
  readonly toGrader: readonly string[];
  /** Why the score deserves little trust, null when nothing stands in the way. */
  readonly lowConfidence: string | null;
};

/** Task verbs and question words that nearly every goal holds: naming them covers nothing. */
const taskStems = new Set(
  'find determine tell give list write explain describe make use using create build calculate compute total number following answer want provide best name many'
    .split(' ')
    .map(stem),
);
const goal_chars_max = 8000;
/** Words shared with an earlier step from which on a step repeats it. */
const repeat_share = 0.8;
const filler_meta_share = 0.3;
/** A step without own content that shares this much of its words with a sentence of the goal is a copy of it. */
const copy_share = 0.8;

/** So much of a sentence is searched for talk to whoever grades the text. */
const judged_chars_max = 400;

const words_few = 8;
/** Shares of Latin letters and of grammar words under which a text is not taken for English. */
const latin_share_min = 0.6;
const grammar_share_min = 0.12;

/** Reads a text and its goal once for all measures. Never throws; an empty text has no steps. */
export function readReasoning(text: string, goalText: string): Reading {
  const clean = cleanText(text);
  // What is said to whoever grades the text is no part of it, so that no such sentence raises a score.
  const sentences = splitSentences(clean).filter(
    (sentence) => !addressesJudge(sentence.text.slice(0, judged_chars_max)),
  );
  const goal = readGoal(cleanText(goalText).slice(0, goal_chars_max));
  const seen = new Set(goal.weights.keys());
  const earlier: Set<string>[] = [];
  const steps = groupSteps(sentences).map((sentence, index): Step => {
    const written = tokens(sentence.text);
    const words = wordsOf(written);
    const specific = new Set(specificStems(words));
    const fresh = [...specific].filter((member) => !seen.has(member));
    for (const member of specific) seen.add(member);
    const wordSet = new Set(words);
    const echo = nearestEarlier(wordSet, earlier);
    earlier.push(wordSet);
    const filler = isFiller(words, specific, goal);
    const repeats = echo.share >= repeat_share && words.length >= 4;
    return {
      index,
      text: sentence.text,
      ordinal: sentence.ordinal,
      written,
      words,
      specific,
      fresh,
      filler,
      repeats,
      echo,
    };
  });
  return {
    sentences,
    steps,
    goal,
    toGrader: sentencesToTheJudge(text),
    lowConfidence: doubt(clean, steps, goal),
  };
}

const wordsOf = (written: readonly string[]): string[] =>
  written.filter((word) => isWord(word) || isNumber(word)).map((word) => word.toLowerCase());

function readGoal(text: string): Goal {
  const written = tokens(text);
  const names = new Set(nameStems(written));
  const weights = new Map<string, number>();
  const spelled = new Map<string, string>();
  const numbers = new Set<string>();
  for (const word of written) {
    const lower = word.toLowerCase();
    for (const member of contentStems([lower])) {
      if (isNumber(lower)) numbers.add(member);
      const weight = goalWeight(lower, member, names);
      weights.set(member, Math.max(weight, weights.get(member) ?? 0));
      if (!spelled.has(member)) spelled.set(member, word);
    }
  }
  const sentences = [text, ...splitSentences(text).map((sentence) => sentence.text)].map(
    (part) => new Set(wordsOf(tokens(part))),
  );
  return { text, sentences, weights, written: spelled, numbers };
}

function goalWeight(word: string, member: string, names: ReadonlySet<string>): number {
  if (names.has(member)) return 2;
  if (isNumber(word)) return 1.2;
  return taskStems.has(member) || isMeta(word) ? 0.3 : 1;
}

function isFiller(words: readonly string[], specific: ReadonlySet<string>, goal: Goal): boolean {
  if (words.length < 4) return false;
  const meta = words.filter((word) => isMeta(word) && !isFunctionWord(word)).length;
  let own = 0;
  for (const member of specific) if (!goal.weights.has(member)) own += 1;
  if (own === 0 && copies(words, goal)) return true;
  return own <= 1 && meta / Math.max(1, meta + specific.size) >= filler_meta_share && meta >= 2;
}

/** The step is a sentence of the goal, nearly word for word. */
function copies(words: readonly string[], goal: Goal): boolean {
  const own = new Set(words);
  return goal.sentences.some((sentence) => {
    let shared = 0;
    for (const word of own) if (sentence.has(word)) shared += 1;
    return shared / Math.max(1, own.size + sentence.size - shared) >= copy_share;
  });
}

function nearestEarlier(words: ReadonlySet<string>, earlier: readonly ReadonlySet<string>[]): Step['echo'] {
  let best = { share: 0, of: -1 };
  earlier.forEach((other, of) => {
    let shared = 0;
    for (const word of words) if (other.has(word)) shared += 1;
    const share = shared / Math.max(1, words.size + other.size - shared);
    if (share > best.share) best = { share, of };
  });
  return best;
}

function doubt(text: string, steps: readonly Step[], goal: Goal): string | null {
  const words = steps.flatMap((step) => step.words);
  if (words.length < words_few) return 'The text has fewer than eight words.';
  const letters = text.slice(0, 20_000).match(/\p{L}/gu) ?? [];
  const latin = letters.filter((letter) => /\p{Script=Latin}/u.test(letter)).length;
  if (letters.length > 0 && latin / letters.length < latin_share_min)
    return 'The text is mostly in another script than Latin.';
  const plain = words.filter((word) => isWord(word));
  const grammar = plain.filter(isFunctionWord).length / Math.max(1, plain.length);
  if (plain.length >= 20 && grammar < grammar_share_min)
    return 'The text holds hardly any English grammar: another language, code or a list.';
  if (goal.weights.size === 0)
    return 'No goal is known: relevance says only how well the steps hang together.';
  return steps.length === 1 ? 'The text is a single step.' : null;
}

import type { Reading, Step } from './reading.ts';
import { isNumber, numberValue, shareOf, stem } from './words.ts';

/** Cues of order, each 0..1, higher = a better order unless the name says otherwise. */
export type OrderFeatures = {
  /** The first step opens like a continuation ("So", "However", "This"). */
  readonly badOpening: number;
  /** Closing words ("Therefore", "the answer is") far from the end. */
  readonly earlyClosing: number;
  /** Opening words ("First", "we need to") far from the start. */
  readonly lateOpening: number;
  /** The last step closes. */
  readonly closes: number;
  /** Numbers used in steps before the step that computes them. */
  readonly earlyNumbers: number;
  /** Operands that neither the goal nor an earlier step gives. */
  readonly unknownNumbers: number;
  /** Computed numbers before the last step that nothing later uses. */
  readonly looseResults: number;
  /** Shared new things whose first mention is definite ("the thing"). */
  readonly definiteFirst: number;
  /** Content of concluding steps that was given before them. */
  readonly groundedConclusions: number;
  /** Content of concluding steps given in the two steps right before them. */
  readonly nearConclusions: number;
  /** Link of neighbours against the link of any two steps; 0.5 = no difference. */
  readonly adjacency: number;
  /** "a thing" or a full name that comes after the thing was already spoken of. */
  readonly lateIntroductions: number;
  /** Ordinals that run backwards. */
  readonly ordinalInversions: number;
  /** Content of the first step that the goal holds. */
  readonly startsFromGoal: number;
};

const continuing =
  /^\W*(?:so|therefore|thus|hence|then|also|however|but|and|or|finally|next|consequently|additionally|moreover|furthermore|otherwise|similarly|likewise|in (?:addition|conclusion|summary)|overall|as a result|that|these|those|it|its|he|she|they|his|her|their|such|both|now|after that|from (?:this|there|these)|the other)\b/i;
const closing =
  /^\W*(?:therefore|finally|in (?:conclusion|summary|total|short)|overall|to summarize|lastly|hence)\b|\b(?:final answer|answer is|answer:|in conclusion|altogether|we conclude)\b/i;
const opening =
  /^\W*(?:first|firstly|to (?:begin|start|solve|find|determine|answer|identify|address)|let's (?:start|begin)|let us (?:start|begin)|we (?:are given|need to|know)|i need to|given|here (?:is|are)|there (?:is|are)|let)\b/i;
const concluding = /^\W*(?:so|therefore|thus|hence|consequently|this means|that means|which means|then)\b/i;
const ordinals: Readonly<Record<string, number>> = {
  first: 1,
  firstly: 1,
  second: 2,
  secondly: 2,
  third: 3,
  thirdly: 3,
  fourth: 4,
};
const chars_max = 600;

/** Measures whether the steps stand in an order in which they could have been thought. */
export function measureOrder(reading: Reading): OrderFeatures {
  const { steps, goal } = reading;
  const count = steps.length;
  const end = Math.max(1, count - 1);
  const heads = steps.map((step) => step.text.slice(0, chars_max));
  const placesOf = (cue: RegExp) => heads.flatMap((text, at) => (cue.test(text) ? [at / end] : []));
  const closings = placesOf(closing);
  const openings = placesOf(opening);
  const numbers = numberOrder(reading);
  const conclusions = conclusionGrounds(reading, heads);
  return {
    badOpening: count > 1 && continuing.test(heads[0] ?? '') ? 1 : 0,
    earlyClosing: closings.length === 0 || count < 2 ? 0 : 1 - mean(closings),
    lateOpening: openings.length === 0 || count < 2 ? 0 : mean(openings),
    closes: closing.test(heads.at(-1) ?? '') || concluding.test(heads.at(-1) ?? '') ? 1 : 0,
    earlyNumbers: numbers.early,
    unknownNumbers: numbers.unknown,
    looseResults: numbers.loose,
    definiteFirst: definiteFirst(reading),
    groundedConclusions: conclusions.given,
    nearConclusions: conclusions.near,
    adjacency: adjacency(steps.filter((step) => !step.repeats)),
    lateIntroductions: lateIntroductions(steps),
    ordinalInversions: inversions(reading),
    startsFromGoal: shareOf(steps[0]?.specific ?? [], goal.weights),
  };
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** 0.5 when both are equal, 1 when only the left one is there. */
const balance = (left: number, right: number): number => (left + right === 0 ? 0.5 : left / (left + right));

type NumberOrder = { readonly early: number; readonly unknown: number; readonly loose: number };

function numberOrder({ steps, goal }: Reading): NumberOrder {
  const results = steps.map((step) => resultsOf(step.written));
  const values = steps.map(
    (step) => new Set(step.words.flatMap((word) => (isNumber(word) ? [numberValue(word) ?? word] : []))),
  );
  const madeLast = new Map<string, number>();
  const usedLast = new Map<string, number>();
  steps.forEach((_, at) => {
    for (const value of results[at] ?? []) madeLast.set(value, at);
    for (const value of values[at] ?? []) if (!results[at]?.has(value)) usedLast.set(value, at);
  });
  const known = new Set(goal.numbers);
  const count = { used: 0, early: 0, unknown: 0, made: 0, loose: 0 };
  steps.forEach((_, at) => {
    const made = results[at] ?? new Set<string>();
    for (const value of values[at] ?? []) {
      if (made.has(value)) {
        if (at === steps.length - 1 || goal.numbers.has(value)) continue;
        count.made += 1;
        if ((usedLast.get(value) ?? -1) <= at) count.loose += 1;
        continue;
      }
      count.used += 1;
      if (known.has(value)) continue;
      count.unknown += 1;
      if ((madeLast.get(value) ?? -1) > at) count.early += 1;
    }
    for (const value of values[at] ?? []) known.add(value);
  });
  return {
    early: Math.min(1, count.early / 4),
    unknown: count.unknown / Math.max(1, count.used),
    loose: count.loose / Math.max(1, count.made),
  };
}

function definiteFirst({ steps, goal }: Reading): number {
  const holders = new Map<string, number>();
  for (const step of steps)
    for (const member of step.specific) holders.set(member, (holders.get(member) ?? 0) + 1);
  let shared = 0;
  let definite = 0;
  for (const step of steps) {
    const fresh = new Set(
      step.fresh.filter((member) => (holders.get(member) ?? 0) > 1 && !goal.weights.has(member)),
    );
    shared += fresh.size;
    step.words.forEach((word, at) => {
      const member = stem(word);
      if (
        fresh.delete(member) &&
        /^(?:the|this|that|these|those|such|its|their)$/.test(step.words[at - 1] ?? '')
      )
        definite += 1;
    });
  }
  return shared === 0 ? 0 : definite / shared;
}

/** Numbers right behind an equals sign. */
function resultsOf(written: readonly string[]): Set<string> {
  const results = new Set<string>();
  written.forEach((word, at) => {
    const value = isNumber(word) && written[at - 1] === '=' ? numberValue(word) : null;
    if (value !== null) results.add(value);
  });
  return results;
}

function conclusionGrounds(
  { steps, goal }: Reading,
  heads: readonly string[],
): { given: number; near: number } {
  const given: number[] = [];
  const near: number[] = [];
  steps.forEach((step, at) => {
    if (!concluding.test(heads[at] ?? '') || step.specific.size === 0) return;
    given.push(1 - step.fresh.length / step.specific.size);
    const before = new Set([...(steps[at - 1]?.specific ?? []), ...(steps[at - 2]?.specific ?? [])]);
    const own = [...step.specific].filter(
      (member) => before.has(member) || (at < 2 && goal.weights.has(member)),
    );
    near.push(own.length / step.specific.size);
  });
  return { given: given.length === 0 ? 0.7 : mean(given), near: near.length === 0 ? 0.5 : mean(near) };
}

function adjacency(steps: readonly Step[]): number {
  if (steps.length < 3) return 0.5;
  let neighbours = 0;
  let all = 0;
  let pairs = 0;
  for (let left = 0; left < steps.length; left += 1) {
    for (let right = left + 1; right < steps.length; right += 1) {
      const overlap = dice(steps[left]?.specific, steps[right]?.specific);
      all += overlap;
      pairs += 1;
      if (right === left + 1) neighbours += overlap;
    }
  }
  return balance(neighbours / (steps.length - 1), all / pairs);
}

function dice(left: ReadonlySet<string> = new Set(), right: ReadonlySet<string> = new Set()): number {
  let shared = 0;
  for (const member of left) if (right.has(member)) shared += 1;
  return left.size + right.size === 0 ? 0 : (2 * shared) / (left.size + right.size);
}

/** Share of introductions ("a thing", a two-word name) whose head was already used on its own in an earlier step. */
function lateIntroductions(steps: readonly Step[]): number {
  const definite = new Set<string>();
  const introduced = new Set<string>();
  const fullNames = new Set<string>();
  let introductions = 0;
  let late = 0;
  for (const { written } of steps) {
    const local: string[] = [];
    written.forEach((word, at) => {
      const before = written[at - 1] ?? '';
      const capital = /^\p{Lu}\p{Ll}/u.test(word);
      const key = word.toLowerCase();
      if (/^(?:a|an)$/i.test(before)) {
        if (!introduced.has(key)) {
          introductions += 1;
          if (definite.has(key)) late += 1;
        }
        introduced.add(key);
      } else if (/^(?:the|this|that|its|their|his|her)$/i.test(before)) local.push(key);
      else if (capital && at > 1 && /^\p{Lu}\p{Ll}/u.test(before)) {
        if (!fullNames.has(key)) {
          introductions += 1;
          if (definite.has(key)) late += 1;
        }
        fullNames.add(key);
      } else if (capital && at > 0 && !/^\p{Lu}/u.test(written[at + 1] ?? '')) local.push(key);
    });
    for (const key of local) definite.add(key);
  }
  return introductions === 0 ? 0 : Math.min(1, late / Math.min(introductions, 4));
}

function inversions({ steps }: Reading): number {
  const marks = steps.flatMap((step) => {
    const spoken = ordinals[step.words[0] ?? ''];
    return step.ordinal === null ? (spoken === undefined ? [] : [spoken]) : [step.ordinal];
  });
  let back = 0;
  for (let at = 1; at < marks.length; at += 1) if ((marks[at] ?? 0) < (marks[at - 1] ?? 0)) back += 1;
  return marks.length < 2 ? 0 : back / (marks.length - 1);
}

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { policy } from '../../shared/admission/policy.ts';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import { recommendationsFor } from '../../shared/deliberation/recommendations.ts';
import {
  asStored,
  dimensions,
  shortfalls,
  shortfallWords,
  thresholdsOf,
  thresholdsOfStored,
  type VerdictThresholds,
  verdictOf,
} from '../../shared/deliberation/verdict.ts';
import { cache, textOf } from './samples.ts';

/** As the rule gives them. */
const ofTheRule: VerdictThresholds = {
  ...{ pass_overall: 0.6, pass_depth: 0.6, pass_coherence: 0.6, pass_relevance: 0.6 },
  ...{ reject_overall: 0.4, reject_depth: 0.2, reject_coherence: 0.2, reject_relevance: 0.2 },
  thinking_tokens_max: 2000,
};
/** No two floors alike, so that a mix-up shows. */
const ownFloors: VerdictThresholds = {
  ...{ pass_overall: 0.7, pass_depth: 0.5, pass_coherence: 0.65, pass_relevance: 0.55 },
  ...{ reject_overall: 0.3, reject_depth: 0.1, reject_coherence: 0.25, reject_relevance: 0.15 },
  thinking_tokens_max: 500,
};
const even = (value: number) => ({ overall: value, depth: value, coherence: value, relevance: value });
const least = 0.000001;

test('the numbers of the rule are those of the policy', () => {
  expect(thresholdsOf(policy)).toEqual(ofTheRule);
});

describe('every boundary (D2): at it, and a millionth below', () => {
  test.each([
    ['the rule', ofTheRule],
    ['floors of its own for each axis', ownFloors],
  ])('%s', (_, thresholds) => {
    const atPass = {
      overall: thresholds.pass_overall,
      depth: thresholds.pass_depth,
      coherence: thresholds.pass_coherence,
      relevance: thresholds.pass_relevance,
    };
    expect(verdictOf(atPass, 0, thresholds)).toBe('pass');
    for (const of of dimensions) {
      const below = { ...atPass, [of]: atPass[of] - least };
      expect({ of, verdict: verdictOf(below, 0, thresholds) }).toEqual({ of, verdict: 'review' });
      // The others are as high as can be: one is enough to reject.
      const floor = thresholds[`reject_${of}`];
      expect({ of, verdict: verdictOf({ ...even(1), [of]: floor }, 0, thresholds) }).toEqual({
        of,
        verdict: 'review',
      });
      expect({ of, verdict: verdictOf({ ...even(1), [of]: floor - least }, 0, thresholds) }).toEqual({
        of,
        verdict: 'reject',
      });
    }
    const most = thresholds.thinking_tokens_max;
    expect(verdictOf(atPass, most, thresholds)).toBe('pass');
    expect(verdictOf(atPass, most + 1, thresholds)).toBe('fallback');
    expect(verdictOf(even(0), most, thresholds)).toBe('reject');
    expect(verdictOf(even(0), most + 1, thresholds)).toBe('fallback');
  });

  test.each([
    ['all at exactly 0.6 pass', even(0.6), 'pass'],
    ['overall just below 0.6 is a review', { ...even(0.6), overall: 0.599999 }, 'review'],
    ['one axis just below 0.6 is a review', { ...even(0.9), relevance: 0.599999 }, 'review'],
    ['overall at exactly 0.4 is a review', even(0.4), 'review'],
    ['overall just below 0.4 is a reject', { ...even(0.4), overall: 0.399999 }, 'reject'],
    ['an axis at exactly 0.2 is a review', { ...even(0.7), depth: 0.2 }, 'review'],
    ['an axis just below 0.2 is a reject', { ...even(0.9), coherence: 0.199999 }, 'reject'],
    [
      'a high mean does not save an axis',
      { overall: 0.86, depth: 1, coherence: 1, relevance: 0.1 },
      'reject',
    ],
  ] as const)('%s', (_, score, verdict) => {
    expect(verdictOf(score, 0, ofTheRule)).toBe(verdict);
  });

  test('what binary fractions add up to decides nothing once it is stored', () => {
    const overall = 0.1 + 0.2 + 0.3 - 1e-15;
    expect(overall).toBeLessThan(0.6);
    expect(verdictOf(asStored({ ...even(0.6), overall }), 0, ofTheRule)).toBe('pass');
  });
});

describe('whatever the thresholds are', () => {
  const share = fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20);
  const scores = fc.record({ overall: share, depth: share, coherence: share, relevance: share });
  /** Also floors of a reject above those of a pass: a stage may have lowered its own under a tenant's. */
  const anyThresholds: fc.Arbitrary<VerdictThresholds> = fc.record({
    ...{ pass_overall: share, pass_depth: share, pass_coherence: share, pass_relevance: share },
    ...{ reject_overall: share, reject_depth: share, reject_coherence: share, reject_relevance: share },
    thinking_tokens_max: fc.nat(3),
  });
  const rank = { reject: 0, review: 1, pass: 2, fallback: 3 };

  test('a higher score never has a worse verdict, and less thinking never falls back where more did not', () => {
    fc.assert(
      fc.property(scores, scores, fc.nat(4), anyThresholds, (one, other, tokens, thresholds) => {
        const higher = {
          overall: Math.max(one.overall, other.overall),
          depth: Math.max(one.depth, other.depth),
          coherence: Math.max(one.coherence, other.coherence),
          relevance: Math.max(one.relevance, other.relevance),
        };
        const [worse, better] = [verdictOf(one, tokens, thresholds), verdictOf(higher, tokens, thresholds)];
        expect(rank[better]).toBeGreaterThanOrEqual(rank[worse]);
        expect(better === 'fallback').toBe(worse === 'fallback');
        if (worse !== 'fallback') expect(verdictOf(one, 0, thresholds)).toBe(worse);
      }),
    );
  });

  test('a score gets its verdict again from what is stored of it', () => {
    const fine = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fine,
        fine,
        fine,
        fine,
        anyThresholds,
        (overall, depth, coherence, relevance, thresholds) => {
          const stored = asStored({ overall, depth, coherence, relevance });
          // What the column keeps: six decimals, as text.
          const read = Object.fromEntries(
            dimensions.map((of) => [of, Number(stored[of].toFixed(6))]),
          ) as typeof stored;
          const kept = thresholdsOfStored(JSON.parse(JSON.stringify(thresholds)));
          expect(verdictOf(read, 0, kept)).toBe(verdictOf(stored, 0, thresholds));
        },
      ),
    );
  });
});

test('scores kept with one floor for all axes are judged by it', () => {
  const kept = { pass: 0.6, reject_overall: 0.4, reject_axis: 0.2, thinking_tokens_max: 2000 };
  expect(thresholdsOfStored(kept)).toEqual(ofTheRule);
});

test('what was too low is said with its floor', () => {
  const score = { overall: 0.35, depth: 0.5, coherence: 0.1, relevance: 0.45 };
  expect(shortfallWords(shortfalls(score, ofTheRule, 'reject'))).toBe(
    'overall 0.35 is below 0.4, coherence 0.1 below 0.2',
  );
  expect(shortfalls(even(0.6), ofTheRule, 'pass')).toEqual([]);
});

describe('recommendations', () => {
  const advise = (text: string, verdict: 'review' | 'reject' | 'fallback' | 'pass', goal = cache.goal) =>
    recommendationsFor(scoreLocally({ goal, text }), verdict, ofTheRule).join('\n');

  test('a pass needs none', () => {
    expect(advise(textOf(cache), 'pass')).toBe('');
  });

  test.each([
    [
      'quotes a contradiction',
      'The tax API is slow today.\nThe cart is small.\nThe tax API is not slow today.',
      'The tax API is not slow today.',
    ],
    [
      'names uncovered parts of the goal',
      'The weather was fine.\nWe walked to the lake.\nThe lake was cold.',
      'checkout',
    ],
    ['asks for alternatives', 'The checkout latency is 480 ms at p95.', 'alternative'],
  ])('a reject %s', (_, text, expected) => {
    expect(advise(text, 'reject')).toContain(expected);
  });

  test.each(['review', 'reject', 'fallback'] as const)('%s always says something', (verdict) => {
    expect(advise(textOf(cache), verdict)).not.toBe('');
    expect(advise('', verdict)).not.toBe('');
  });
});

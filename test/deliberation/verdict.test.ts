import { describe, expect, test } from '@jest/globals';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import { recommendationsFor } from '../../shared/deliberation/recommendations.ts';
import { verdictOf, verdictThresholds } from '../../shared/deliberation/verdict.ts';
import { cache, textOf } from './samples.ts';

const even = (value: number) => ({ depth: value, coherence: value, relevance: value, overall: value });

describe('verdict (D2)', () => {
  test.each([
    ['all at exactly 0.6 pass', even(0.6), 0, 'pass'],
    ['overall just below 0.6 is a review', { ...even(0.6), overall: 0.599999 }, 0, 'review'],
    ['one axis just below 0.6 is a review', { ...even(0.9), relevance: 0.599999 }, 0, 'review'],
    ['overall at exactly 0.4 is a review', even(0.4), 0, 'review'],
    ['overall just below 0.4 is a reject', { ...even(0.4), overall: 0.399999 }, 0, 'reject'],
    ['an axis at exactly 0.2 is a review', { ...even(0.7), depth: 0.2 }, 0, 'review'],
    ['an axis just below 0.2 is a reject', { ...even(0.9), coherence: 0.199999 }, 0, 'reject'],
    ['2000 thinking tokens are scored', even(0.8), 2000, 'pass'],
    ['2001 thinking tokens fall back', even(0.8), 2001, 'fallback'],
    ['the fallback comes before a reject', even(0.1), 2001, 'fallback'],
  ] as const)('%s', (_, score, thinking_tokens, verdict) => {
    expect(verdictOf(score, thinking_tokens)).toBe(verdict);
  });

  test('a tenant may have its own thresholds', () => {
    expect(verdictOf(even(0.65), 0, { ...verdictThresholds, pass: 0.7 })).toBe('review');
    expect(verdictOf(even(0.65), 500, { ...verdictThresholds, thinking_tokens_max: 499 })).toBe('fallback');
  });

  test('three axes at 0.6 add up to an overall of 0.6 in the scorer’s rounding', () => {
    const overall = Math.round((0.35 * 0.6 + 0.35 * 0.6 + 0.3 * 0.6) * 1e6) / 1e6;
    expect(verdictOf({ ...even(0.6), overall }, 0)).toBe('pass');
  });
});

describe('recommendations', () => {
  const advise = (text: string, verdict: 'review' | 'reject' | 'fallback' | 'pass', goal = cache.goal) =>
    recommendationsFor(scoreLocally({ goal, text }), verdict).join('\n');

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

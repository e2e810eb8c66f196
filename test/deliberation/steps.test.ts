import { describe, expect, test } from '@jest/globals';
import { groupSteps, splitSentences, steps_max } from '../../shared/deliberation/steps.ts';
import { cleanText, numberValue, stem } from '../../shared/deliberation/words.ts';

const textsOf = (text: string) => splitSentences(text).map((sentence) => sentence.text);

describe('sentences', () => {
  test.each([
    ['lines', 'One thing\nAnother thing', ['One thing', 'Another thing']],
    ['full stops', 'It rains. We stay. Why? Because!', ['It rains.', 'We stay.', 'Why?', 'Because!']],
    ['decimals stay whole', 'It costs 3.5 USD. Fine.', ['It costs 3.5 USD.', 'Fine.']],
    [
      'abbreviations stay whole',
      'Dr. Smith saw e.g. Mr. Jones. He left.',
      ['Dr. Smith saw e.g. Mr. Jones.', 'He left.'],
    ],
    ['initials stay whole', 'P. L. Travers wrote it.', ['P. L. Travers wrote it.']],
    [
      'list markers go',
      '- first item\n* second item\n1. third item\n2) fourth item',
      ['first item', 'second item', 'third item', 'fourth item'],
    ],
    ['headings go', '## Plan\nStep 1: Look.\nThought 2: Think.', ['Plan', 'Look.', 'Think.']],
    ['empty lines and rules go', 'a\n\n---\n  \nb', ['a', 'b']],
    ['Chinese full stops', '我们开始。然后结束。', ['我们开始。', '然后结束。']],
    ['nothing', '', []],
  ])('%s', (_, text, expected) => {
    expect(textsOf(text)).toEqual(expected);
  });

  test('markers become ordinals', () => {
    const ordinals = splitSentences('Step 1: Look.\n2. Think. Act.\nThought 3: Say.').map(
      ({ ordinal }) => ordinal,
    );
    expect(ordinals).toEqual([1, 2, null, 3]);
  });

  test('an endless sentence is cut', () => {
    const parts = textsOf('word '.repeat(1000));
    expect(parts.length).toBeGreaterThan(5);
    expect(parts.join(' ').split(' ')).toHaveLength(1000);
  });
});

describe('steps', () => {
  test.each([1, 59, 60, 61, 119, 121, 3000])('%i sentences lose nothing', (count) => {
    const sentences = Array.from({ length: count }, (_, at) => ({ text: `s${at}`, ordinal: null }));
    const steps = groupSteps(sentences);
    expect(steps).toHaveLength(Math.min(count, steps_max));
    expect(steps.map((step) => step.text).join(' ')).toBe(
      sentences.map((sentence) => sentence.text).join(' '),
    );
  });
});

describe('words', () => {
  test.each([
    ['boxes', 'box'],
    ['retries', 'retry'],
    ['caching', 'caches'],
    ['planned', 'plan'],
    ['planning', 'plans'],
    ["server's", 'servers'],
    ['quickly', 'quick'],
    ['class', 'classes'],
  ])('%s and %s are one word', (left, right) => {
    expect(stem(left)).toBe(stem(right));
  });

  test.each([
    ['bus', 'bu'],
    ['this', 'thi'],
    ['ring', 'r'],
    ['red', 'r'],
  ])('%s is not cut to %s', (word, cut) => {
    expect(stem(word)).not.toBe(cut);
  });

  test.each([
    ['1,200', '1200'],
    ['3.50', '3.5'],
    ['3.0%', '3%'],
    ['100', '100'],
    ['seven', '7'],
    ['many', null],
  ])('the number in %s is %s', (word, value) => {
    expect(numberValue(word)).toBe(value);
  });

  test('clean text has no invisible characters and straight quotes', () => {
    expect(cleanText('a\u200bb\u00adc “d” ‘e’\r\nf')).toBe('abc "d" \'e\'\nf');
  });
});

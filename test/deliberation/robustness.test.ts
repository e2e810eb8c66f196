import { describe, expect, test } from '@jest/globals';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import { cache, textOf } from './samples.ts';

const size = 256 * 1024;
const filled = (part: string) => part.repeat(Math.ceil(size / part.length)).slice(0, size);
const numbered = (line: (at: number) => string) => {
  let text = '';
  for (let at = 0; text.length < size; at += 1) text += line(at);
  return text.slice(0, size);
};

describe('any text is scored, within a second for 256 KB', () => {
  test.each([
    ['nothing', ''],
    ['white space', filled(' \n\t')],
    ['one endless word', filled('a')],
    ['one endless sentence', numbered((at) => `the widget${at % 4000} waits for part${at % 977} and `)],
    [
      'different sentences',
      numbered((at) => `Widget ${at} waits for part ${at * 7} of order${at % 5000}.\n`),
    ],
    ['one sentence over and over', filled('The cache is not full today. ')],
    ['full stops', filled('.')],
    ['initials', filled('A. B. ')],
    ['list markers', `${filled('* ')}end`],
    ['digits', filled('1')],
    ['numbers', filled('1,2.3=')],
    ['an endless sum', filled('1+')],
    ['open patterns', filled('if let’s ')],
    ['Chinese', filled('我们需要找到仓库中的数量。')],
    ['Arabic', filled('نحتاج إلى معرفة عدد الصناديق. ')],
    ['lone surrogates', filled('\ud800')],
    ['control characters', filled('\u0000\u0007\u202e\u2066')],
    ['combining marks', filled('e\u0301\u0301\u0301\u0301')],
  ])('%s', (_, text) => {
    const started_ms = performance.now();
    const { depth, coherence, relevance, overall, contradiction } = scoreLocally({
      goal: cache.goal,
      text,
    });
    const elapsed_ms = performance.now() - started_ms;
    for (const value of [depth, coherence, relevance, overall, contradiction]) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
    // Twice the promise: the machine may be busy with other tests.
    expect(elapsed_ms).toBeLessThan(2000);
  });

  test('a long goal and a long premise too', () => {
    const premise = filled('The cache is full today. ');
    expect(
      scoreLocally({ goal: filled('find the widget '), text: textOf(cache), premise }).overall,
    ).toBeGreaterThan(0);
  });
});

describe('invisible differences change nothing', () => {
  const expected = scoreLocally({ goal: cache.goal, text: textOf(cache) });

  test.each([
    ['zero-width characters', (text: string) => text.replaceAll('tax', 't\u200ba\u200dx')],
    ['direction marks', (text: string) => `\u202e${text.replaceAll(' ', ' \u2067')}`],
    ['line endings', (text: string) => text.replaceAll('\n', '\r\n')],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
  ])('%s', (_, disguise) => {
    const { depth, coherence, relevance } = scoreLocally({
      goal: cache.goal,
      text: disguise(textOf(cache)),
    });
    expect({ depth, coherence, relevance }).toEqual({
      depth: expected.depth,
      coherence: expected.coherence,
      relevance: expected.relevance,
    });
  });
});

describe('low confidence is flagged', () => {
  test.each([
    ['too short', 'Done.', /few/],
    [
      'another script',
      'Нам нужно найти количество ящиков на складе, потому что заказ большой. Их двадцать.',
      /script/,
    ],
    [
      'another language',
      'Der Dienst braucht zu lange. Deshalb fassen wir die Abfragen zusammen und messen danach die Laufzeit erneut unter Last am Freitag.',
      /language/,
    ],
  ])('%s', (_, text, reason) => {
    expect(scoreLocally({ goal: cache.goal, text }).evidence.lowConfidence).toMatch(reason);
  });
});

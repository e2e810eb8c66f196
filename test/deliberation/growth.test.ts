/**
 * Time grows with the text and not with its square, whatever its shape. Compared are processor times of this process at a
 * quarter and at the whole of the largest text: four times the work when it is linear, sixteen when it is quadratic.
 * Other work on the machine hardly counts; the least of several measurements does.
 */

import { describe, expect, test } from '@jest/globals';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import { cache } from './samples.ts';

const whole = 256 * 1024;
const quarter = whole / 4;
const times = 3;
/** Half-way between linear and quadratic; on a logarithmic scale, 4 and 16 have it in their middle. */
const ratio_max = 8;
/** Less than this at a quarter is mostly overhead: a quadratic term that is still smaller there is not seen at all. */
const least_ms = 12;

const repeated =
  (part: string) =>
  (size: number): string =>
    part.repeat(Math.ceil(size / part.length)).slice(0, size);

const numbered =
  (line: (at: number) => string) =>
  (size: number): string => {
    let text = '';
    for (let at = 0; text.length < size; at += 1) text += line(at);
    return text.slice(0, size);
  };

/** `count` different sentences, each as long as the size makes it. */
const sentences =
  (count: number) =>
  (size: number): string =>
    numbered((at) => {
      const number = at % count;
      return `Step ${number} moves crate ${number * 7} from shelf${number % 211} to dock${number % 97}.\n`;
    })(size);

/** How many times the work of a quarter the whole takes; measured again as long as it looks too much. */
function growthOf(work: (size: number) => void): number {
  let [small, large] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const ratio = () => large / Math.max(small, least_ms);
  for (let time = 0; time < times && !(ratio() < ratio_max); time += 1) {
    small = Math.min(
      small,
      cpu_ms(() => work(quarter)),
    );
    large = Math.min(
      large,
      cpu_ms(() => work(whole)),
    );
  }
  return ratio();
}

function cpu_ms(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

test('the measure tells a square from a line', () => {
  const steps = (count: number): number => {
    let sum = 0;
    for (let step = 0; step < count; step += 1) sum = (sum * 31 + step) | 0;
    return sum;
  };
  expect(growthOf((size) => steps(size * 600))).toBeLessThan(ratio_max);
  expect(growthOf((size) => steps((size / 10) ** 2))).toBeGreaterThan(ratio_max);
});

describe('256 KB take no more than a few times as long as 64 KB', () => {
  test.each<[string, (size: number) => string]>([
    ['one word repeated', repeated('latency ')],
    ['one word repeated on lines of its own', repeated('latency\n')],
    ['the goal repeated', repeated(`${cache.goal} `)],
    ['different words in one sentence', numbered((at) => `part${at} `)],
    ['one word without an end', repeated('a')],
    ['digits only', repeated('1234567890')],
    ['numbers', numbered((at) => `${at} `)],
    ['sums', numbered((at) => `${at} + ${at + 1} = ${at * 2 + 1}. `)],
    ['one sum without an end', repeated('1+')],
    ['punctuation only', repeated('.,;:!?-()')],
    ['full stops', repeated('.')],
    ['lines of one character', repeated('a\n')],
    ['empty lines', repeated('\n')],
    ['list markers', repeated('- 1. * ')],
    ['nested brackets', (size) => '('.repeat(size / 2) + ')'.repeat(size / 2)],
    ['brackets with words', repeated('(so [that {we ')],
    ['equal sentences', repeated('The cache is not full today. ')],
    ['4,000 different sentences', sentences(4000)],
    ['different sentences without an end', numbered((at) => `Crate ${at} waits for part ${at * 7}.\n`)],
    [
      'sentences that contradict each other',
      numbered((at) => `The door ${at % 50} is${at % 2 ? ' not' : ''} open. `),
    ],
    ['words of reasoning', repeated('because therefore however so but if then ')],
    ['quotes and contractions', repeated(`it's “isn't” 'don’t' `)],
    ['Chinese', (size) => '我们需要找到仓库中的数量。'.repeat(Math.ceil(size / 39)).slice(0, size / 3)],
    ['combining marks', repeated('e\u0301\u0301\u0301')],
    ['zero-width characters', repeated('a\u200b')],
    ['white space', repeated(' \n\t')],
  ])('%s', (_, textOf) => {
    const texts = new Map([quarter, whole].map((size) => [size, textOf(size)]));
    const work = (size: number) => void scoreLocally({ goal: cache.goal, text: texts.get(size) ?? '' });
    expect(growthOf(work)).toBeLessThan(ratio_max);
  });
});

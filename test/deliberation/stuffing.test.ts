/** Stuffing with sentences that no fit has seen (D4): who learns the fillers of a set by heart passes others. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { coreSets, partOf, readSet } from '../../commands/fit/dev-sets.ts';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';
import { samples } from './samples.ts';

/** For this test only: never in `commands/fit/filler.ts`. */
const fillers = [
  'Looking at it from every angle, the logic holds up and so the outcome is justified in terms of X and Y.',
  'In light of these considerations, and given the reasons above, the argument is sound with respect to X and Y.',
  'If we think step by step, we see why this must be true, although some might disagree about X and Y.',
  'To summarise, all the evidence points in the same direction and hence supports the claim concerning X and Y.',
  'Assuming this holds, what follows is a natural consequence, which implies that we are on the right track for X and Y.',
  'It is essential to note that, compared with other options, this trade-off is acceptable when it comes to X and Y.',
  'Moreover, a deeper look suggests that the key factor matters, so it should be examined thoroughly as to X and Y.',
  'As a result, we can be confident that every assumption was verified and the claim stands on X and Y.',
  'Nevertheless, the alternative hypothesis was ruled out, since the counterargument fails to address X and Y.',
  'The rationale is robust: each premise supports the next, which is precisely what X and Y require.',
  'Thus, by carefully reasoning through the problem, we can see that the logical implication is sound in regard to X and Y.',
  'However, one should note that an alternative explanation may exist, and so the trade-offs concerning X and Y are weighed.',
  'Given this evidence, it is reasonable to assume that the cause leads to the effect for X and Y.',
  'Next, we verify the assumption, because a thorough evaluation is required for X and Y.',
  'In conclusion, all of these points demonstrate why the solution works, therefore confirming X and Y.',
  'On the contrary, if the premise were false, then the consequence would not follow for X and Y.',
  'Firstly, it is crucial to understand the context; secondly, to compare the possibilities of X and Y.',
  'This suggests a strong correlation, which further validates the hypothesis about X and Y.',
];

const half = (steps: readonly string[]) => steps.slice(0, Math.max(1, Math.floor(steps.length / 2)));

/** The first half of a text and four fillers around words of the goal, others for each `turn`. */
function stuffed(goal: string, steps: readonly string[], turn: number): string {
  const words = goal.match(/\p{L}{4,}/gu) ?? ['it'];
  const word = (at: number) => words[(turn * 7 + at * 3) % words.length] ?? 'it';
  const added = [0, 1, 2, 3].map((at) =>
    (fillers[(turn + at) % fillers.length] ?? '').replace('X', word(at)).replace('Y', word(at + 1)),
  );
  return [...half(steps), ...added].join('\n');
}

describe.each(samples.map((sample) => [sample.goal, sample] as const))('%s', (_, { goal, steps }) => {
  test.each([0, 3, 6])('stuffed with fillers from %i on: shallower, and a filler is quoted', (turn) => {
    const sound = scoreLocally({ goal, text: steps.join('\n') });
    const text = stuffed(goal, steps, turn);
    const result = scoreLocally({ goal, text });
    expect(result.depth).toBeLessThan(sound.depth - 0.15);
    expect(result.overall).toBeLessThan(sound.overall);
    expect(result.evidence.empty.filter((quote) => !half(steps).includes(quote))).not.toEqual([]);
  });
});

const data = path.resolve('../shared/data/deliberation/dev');
const present = existsSync(data);
if (!present) process.stderr.write(`${data} is absent: the guard against stuffing is not measured.\n`);

/** A quarter of each set's goals. */
const parts = 4;

(present ? test : test.skip)(
  'of texts stuffed on their own and on a foreign goal, most score under the worst tenth of the sound ones',
  async () => {
    const shares: { readonly own: number; readonly foreign: number }[] = [];
    for (const set of coreSets) {
      const sound = (await readSet(data, set)).filter(
        ({ goal, text, variant }) =>
          variant === 'orig' && partOf(goal, parts) === 0 && text.trim().split('\n').length > 2,
      );
      const scores = sound.map(({ goal, text }) => scoreLocally({ goal, text }).overall);
      const line = scores.toSorted((left, right) => left - right)[Math.floor(scores.length / 10)] ?? 0;
      const under = (textOf: (at: number) => string) =>
        sound.filter(({ goal }, at) => scoreLocally({ goal, text: textOf(at) }).overall < line).length /
        sound.length;
      const stepsOf = (at: number) => sound[at % sound.length]?.text.split('\n') ?? [];
      const goalOf = (at: number) => sound[at]?.goal ?? '';
      shares.push({
        own: under((at) => stuffed(goalOf(at), stepsOf(at), at)),
        foreign: under((at) => stuffed(goalOf(at), stepsOf(at + 7), at)),
      });
    }
    const mean = (of: (one: (typeof shares)[number]) => number) =>
      shares.reduce((sum, one) => sum + of(one), 0) / shares.length;
    const [own, foreign] = [mean((one) => one.own), mean((one) => one.foreign)];
    process.stderr.write(`stuffed with unseen fillers: ${own.toFixed(3)}, foreign ${foreign.toFixed(3)}\n`);
    expect(own).toBeGreaterThanOrEqual(0.9);
    expect(foreign).toBeGreaterThanOrEqual(0.95);
  },
  60_000,
);

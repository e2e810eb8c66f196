/** Damage done to sound reasoning, so that a fit sees more of each kind than the development sets hold. */

import { fillerAbout } from './filler.ts';

/** Sound reasoning: its steps in order. */
export type SoundText = {
  readonly source: string;
  readonly goal: string;
  readonly steps: readonly string[];
};

export type Random = () => number;

type Damage = (text: SoundText, others: readonly SoundText[], random: Random) => readonly string[] | null;

const below = (random: Random, bound: number): number => Math.floor(random() * bound);
const pick = <T>(list: readonly T[], random: Random): T | undefined => list[below(random, list.length)];
const stepOf = (others: readonly SoundText[], random: Random): string =>
  pick(pick(others, random)?.steps ?? [], random) ?? '';

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = below(random, last + 1);
    const [moved] = result.splice(other, 1);
    if (moved !== undefined) result.push(moved);
  }
  return result;
}

function scrambled(step: string, random: Random): string {
  return shuffled(step.split(/\s+/), random).join(' ');
}

/** Turns the first plain verb of a step round; null when it has none. */
function denied(step: string): string | null {
  if (/\bnot\b|n't\b|\bno\b/i.test(step)) return null;
  const plain = /\b(is|are|was|were|will|can|could|should|would|must|has|have|had)\b/;
  return plain.test(step) ? step.replace(plain, '$1 not') : null;
}

const firstHalf = (steps: readonly string[]): readonly string[] =>
  steps.slice(0, Math.max(1, Math.floor(steps.length / 2)));
const fillers = (goal: string, random: Random): string[] =>
  Array.from({ length: 3 + below(random, 3) }, () => fillerAbout(goal, random));

/** Kinds of damage, most by the names that the development sets give them. Null: it cannot be done to this text. */
const damages: Readonly<Record<string, Damage>> = {
  shuffle: ({ steps }, _, random) => (steps.length < 3 ? null : shuffled(steps, random)),
  swap_two: ({ steps }, _, random) => {
    if (steps.length < 3) return null;
    const left = below(random, steps.length);
    const right = (left + 1 + below(random, steps.length - 1)) % steps.length;
    return steps.with(left, steps[right] ?? '').with(right, steps[left] ?? '');
  },
  extrinsic_step: ({ steps }, others, random) =>
    steps.length < 3 ? null : steps.with(1 + below(random, steps.length - 1), stepOf(others, random)),
  intrude_step: ({ steps }, others, random) =>
    steps.toSpliced(1 + below(random, Math.max(1, steps.length - 1)), 0, stepOf(others, random)),
  negate_step: ({ steps }, _, random) => {
    const at = below(random, steps.length);
    const step = denied(steps[at] ?? '');
    return step === null ? null : steps.with(at, step);
  },
  word_salad: ({ steps }, _, random) => steps.map((step) => scrambled(step, random)),
  swap_goal_far: (_, others, random) => pick(others, random)?.steps ?? null,
  truncate_half: ({ steps }) => (steps.length < 4 ? null : steps.slice(0, Math.ceil(steps.length / 2))),
  remove_step: ({ steps }, _, random) =>
    steps.length < 4 ? null : steps.toSpliced(1 + below(random, steps.length - 2), 1),
  repeat_step: ({ steps }, _, random) => {
    const said = below(random, steps.length);
    const again = said + 1 + below(random, steps.length - said);
    return steps.toSpliced(again, 0, steps[said] ?? '');
  },
  stuffed: ({ goal, steps }, _, random) => [...firstHalf(steps), ...fillers(goal, random)],
  stuffed_foreign: ({ goal }, others, random) => [
    ...firstHalf(pick(others, random)?.steps ?? []),
    ...fillers(goal, random),
  ],
  goal_pasted: ({ goal }, _, random) => new Array<string>(2 + below(random, 10)).fill(goal),
  all_repeated: ({ steps }) => [...steps, ...steps, ...steps],
};

/** One of each kind of damage that can be done to the text. `others` are texts of the same source. */
export function damagesOf(
  text: SoundText,
  others: readonly SoundText[],
  random: Random,
): { readonly kind: string; readonly steps: readonly string[] }[] {
  return Object.entries(damages).flatMap(([kind, damage]) => {
    const steps = damage(text, others, random);
    return steps === null || steps.join('\n') === text.steps.join('\n') ? [] : [{ kind, steps }];
  });
}

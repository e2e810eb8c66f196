/** Sound and damaged texts as rows of features. */

import { featureNames, measure, rowOf, type StepModels } from '../../shared/deliberation/features.ts';
import { randomOf } from './boost.ts';
import { damagesOf, type SoundText } from './damage.ts';
import { type LabelledText, partOf } from './dev-sets.ts';

export type Axis = 'depth' | 'coherence' | 'relevance';

/** The axis that must notice a kind of damage. */
export const axisOfDamage: Readonly<Record<string, Axis>> = {
  shuffle: 'coherence',
  swap_two: 'coherence',
  extrinsic_step: 'coherence',
  negate_step: 'coherence',
  contradict_neg: 'coherence',
  contradict_para: 'coherence',
  contradict_ant: 'coherence',
  contradict_num: 'coherence',
  word_salad: 'coherence',
  swap_goal_far: 'relevance',
  swap_goal_near: 'relevance',
  intrude_step: 'relevance',
  stuffed_foreign: 'relevance',
  truncate_half: 'depth',
  remove_step: 'depth',
  repeat_step: 'depth',
  stuffed: 'depth',
  less_convincing: 'depth',
  goal_pasted: 'depth',
  all_repeated: 'depth',
};

/** One text; its kind is `orig` when it is sound. */
export type Row = {
  readonly source: string;
  readonly kind: string;
  /** All texts about one goal are in one part, and both sides of a debate. */
  readonly part: number;
  /** What a text was damaged from, or compared with, has the same; null: unknown. */
  readonly group: string | null;
  readonly values: Float64Array;
};

export const parts = 6;

/** Pairs of arguments, of which people found one more convincing; their goals are "topic: side". */
export const debates = 'ukp-pairs';

/**
 * Measures texts. Step models that have seen a goal are sure of it, so each text is measured by those that were
 * fitted without its half of the goals.
 *
 * @param halves models fitted without the even parts, and without the odd ones
 */
export function measuredRow(
  text: { source: string; goal: string; text: string; kind: string; group: string | null },
  halves: readonly [StepModels, StepModels],
): Row {
  const { source, kind, goal, group } = text;
  const part = partOf(source === debates ? (goal.split(':')[0] ?? goal) : goal, parts);
  const models = halves[part % 2 === 0 ? 0 : 1];
  return { source, kind, part, group, values: rowOf(measure(text, models).features) };
}

/** Rows of the lines that say something of an axis: sound ones and those with a damage that is known. */
export function rowsOfSet(
  texts: readonly LabelledText[],
  halves: readonly [StepModels, StepModels],
  tick: () => void,
): Row[] {
  return texts
    .filter(({ variant }) => variant === 'orig' || variant in axisOfDamage)
    .map(({ set, goal, text, variant, group }) => {
      tick();
      return measuredRow({ source: set, goal, text, kind: variant, group }, halves);
    });
}

/** Rows of further damage to sound texts of one source, `times` of each kind. */
export function rowsOfDamage(
  texts: readonly SoundText[],
  times: number,
  halves: readonly [StepModels, StepModels],
  tick: () => void,
): Row[] {
  const random = randomOf(11);
  const rows: Row[] = [];
  for (const text of texts) {
    const others = texts.filter((other) => other !== text);
    for (let time = 0; time < times; time += 1) {
      for (const { kind, steps } of damagesOf(text, others, random)) {
        tick();
        rows.push(
          measuredRow(
            { source: text.source, goal: text.goal, text: steps.join('\n'), kind, group: null },
            halves,
          ),
        );
      }
    }
  }
  return rows;
}

/** The rows as columns, one per feature. */
export const columnsOf = (rows: readonly Row[]): Float64Array[] =>
  featureNames.map((_, name) => Float64Array.from(rows, ({ values }) => values[name] ?? 0));

/** The figures of a fit on goals that it has not seen, as the evaluator of the development sets computes them. */

import { type Axis, axisOfDamage, type Row } from './axis-rows.ts';
import { areaUnderCurve } from './measures.ts';

/** Scores of one text, 0..1. */
export type Scores = Readonly<Record<Axis | 'overall', number>>;

export type Figures = Readonly<Record<Axis, { readonly axis: number; readonly overall: number }>>;

/** A kind with fewer texts in a source is left out. */
const texts_min = 10;

/**
 * Area under the curve of sound against damaged texts, by axis: the mean over kinds and sources, by the score of the
 * axis that must notice the kind, and by the overall one.
 *
 * @param scores run along the rows
 */
export function figuresOf(rows: readonly Row[], scores: readonly Scores[]): Figures {
  const of = (source: string, kind: string) =>
    scores.filter((_, at) => rows[at]?.source === source && rows[at]?.kind === kind);
  const sources = [...new Set(rows.map(({ source }) => source))];
  const figure = (axis: Axis) => {
    const pairs = Object.keys(axisOfDamage)
      .filter((kind) => axisOfDamage[kind] === axis)
      .flatMap((kind) => sources.map((source) => ({ sound: of(source, 'orig'), damaged: of(source, kind) })))
      .filter(({ damaged }) => damaged.length >= texts_min);
    const meanBy = (name: Axis | 'overall') =>
      pairs.reduce(
        (sum, { sound, damaged }) =>
          sum +
          areaUnderCurve(
            sound.map((score) => score[name]),
            damaged.map((score) => score[name]),
          ),
        0,
      ) / Math.max(1, pairs.length);
    return { axis: meanBy(axis), overall: meanBy('overall') };
  };
  return { depth: figure('depth'), coherence: figure('coherence'), relevance: figure('relevance') };
}

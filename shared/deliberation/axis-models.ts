/** How the axes weigh what is seen: `tables/steps.json` and `tables/axes.json`, written by `npm run fit -- axes`. */

import type { StepModels } from './features.ts';
import { type TableName, tableBytes } from './tables.ts';
import { type Forest, forestOf, logOdds, type Trees } from './trees.ts';

/** A line from log odds to the score: score = logistic(scale * (line + trees + shift)). */
export type AxisScale = { readonly scale: number; readonly shift: number };

/** A weighted sum of the features: the smooth part of an axis, which goes on where the trees end. */
export type Line = { readonly bias: number; readonly weights: readonly number[] };

export type AxisTable = AxisScale & { readonly line: Line; readonly trees: Trees };

/** The file `tables/axes.json`. */
export type AxesTable = {
  /** Names the features in the order in which the trees count them. */
  readonly features: readonly string[];
  readonly depth: AxisTable;
  readonly coherence: AxisTable;
  readonly relevance: AxisTable;
};

/** The file `tables/steps.json`. */
export type StepsTable = { readonly belongs: Trees; readonly pair: Trees; readonly next: Trees };

export type AxisModel = AxisScale & { readonly line: Line; readonly forest: Forest };

export type AxisModels = {
  readonly steps: StepModels;
  readonly depth: AxisModel;
  readonly coherence: AxisModel;
  readonly relevance: AxisModel;
};

let loaded: AxisModels | undefined;

/** The tables beside this module, read at the first use and kept. */
export function axisModels(): AxisModels {
  loaded ??= readModels(table<AxesTable>('axes.json'), table<StepsTable>('steps.json'));
  return loaded;
}

export function readModels(axes: AxesTable, steps: StepsTable): AxisModels {
  const axis = ({ scale, shift, line, trees }: AxisTable): AxisModel => ({
    scale,
    shift,
    line,
    forest: forestOf(trees),
  });
  return {
    steps: {
      belongs: forestOf(steps.belongs),
      pair: forestOf(steps.pair),
      next: forestOf(steps.next),
    },
    depth: axis(axes.depth),
    coherence: axis(axes.coherence),
    relevance: axis(axes.relevance),
  };
}

/** 0..1 */
export const axisScore = ({ scale, shift, line, forest }: AxisModel, row: ArrayLike<number>): number =>
  1 / (1 + Math.exp(-scale * (lineValue(line, row) + logOdds(forest, row) + shift)));

/** What a line makes of a row of features. */
export function lineValue({ bias, weights }: Line, row: ArrayLike<number>): number {
  let sum = bias;
  weights.forEach((weight, name) => {
    sum += weight * (row[name] ?? 0);
  });
  return sum;
}

/** A table of this repository, checked by its checksum in the tests; its shape is the type's. */
function table<T>(name: TableName): T {
  return JSON.parse(tableBytes(name).toString('utf8'));
}

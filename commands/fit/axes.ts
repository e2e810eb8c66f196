/** Fits how each axis weighs the features, and checks it on goals that the fit has not seen. */

import { type Line, lineValue } from '../../shared/deliberation/axis-models.ts';
import { depthOnly, featureNames, featureSigns } from '../../shared/deliberation/features.ts';
import { forestOf, logOdds, type Trees } from '../../shared/deliberation/trees.ts';
import { type Axis, axisOfDamage, columnsOf, debates, type Row } from './axis-rows.ts';
import { type BoostOptions, boost } from './boost.ts';
import { fitLine } from './line.ts';

export const axes: readonly Axis[] = ['depth', 'coherence', 'relevance'];

/** Small on purpose: in trials, larger models gained on goals of the fit and next to nothing on unseen ones. */
const common: BoostOptions = {
  trees: 150,
  depth_max: 4,
  learning_rate: 0.07,
  leaf_share_min: 0.01,
  shrinkage: 60,
  feature_share: 0.3,
  row_share: 0.5,
  bins_max: 48,
  seed: 1,
};

const options: Readonly<Record<Axis, BoostOptions>> = {
  // Debates are few: a level more told pairs of their own topics apart better, and pairs of other topics worse.
  depth: { ...common, trees: 100, depth_max: 3, leaf_share_min: 0.03 },
  coherence: common,
  relevance: common,
};

/** Damage that another axis is there for counts this much: a foreign step is no reason to call a text shallow. */
const other_axis_weight = 0.05;
/** Talk in place of steps is what depth has to tell off above all, and it serves no goal; it may hold together. */
const stuffed_weight: Readonly<Record<Axis, number>> = { depth: 2, coherence: 0.05, relevance: 0.5 };
/** Sources that say less about agents' reasoning: more mathematics, and arguments of debates. */
const source_weight: Readonly<Record<string, number>> = { prmbench: 0.5, [debates]: 12 };
/** Debates say which argument is deeper, nothing of the other axes. */
const depth_only: readonly string[] = [debates];
/** A kind with fewer texts in a source says nothing there. */
const texts_min = 10;
const mass = 300;

/** Every kind of damage counts the same in every source, and the sound texts of a source as much as its damage. */
function weightsOf(axis: Axis, rows: readonly Row[]): Float64Array {
  const counts = new Map<string, number>();
  const key = ({ source, kind }: Row) => `${source} ${kind}`;
  for (const row of rows) counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
  const weightOfKind = (kind: string) => {
    if (kind === 'stuffed') return stuffed_weight[axis];
    return axisOfDamage[kind] === axis ? 1 : other_axis_weight;
  };
  const damage = new Map<string, number>();
  for (const kindOfSource of counts.keys()) {
    const [source = '', kind = ''] = kindOfSource.split(' ');
    if (kind === 'orig' || (counts.get(kindOfSource) ?? 0) < texts_min) continue;
    damage.set(source, (damage.get(source) ?? 0) + weightOfKind(kind));
  }
  return Float64Array.from(rows, (row) => {
    const { source, kind } = row;
    const count = counts.get(key(row)) ?? 1;
    if (axis !== 'depth' && depth_only.includes(source)) return 0;
    if (kind !== 'orig' && count < texts_min) return 0;
    const weight = kind === 'orig' ? (damage.get(source) ?? 0) : weightOfKind(kind);
    return (mass * weight * (source_weight[source] ?? 1)) / count;
  });
}

/** The line counts this much of what it says by itself: the trees tell damage apart better, where they have seen such texts. */
const line_share = 0.5;

export type AxisFit = { readonly line: Line; readonly trees: Trees };

export function fitAxis(axis: Axis, rows: readonly Row[]): AxisFit {
  const examples = {
    columns: columnsOf(rows).map((column, name) =>
      // The same for every text: neither line nor trees can use it.
      axis !== 'depth' && depthOnly.includes(featureNames[name] ?? '') ? column.map(() => 0) : column,
    ),
    labels: Float64Array.from(rows, ({ kind }) => (kind === 'orig' ? 1 : 0)),
    weights: weightsOf(axis, rows),
  };
  const whole = fitLine(examples, featureSigns);
  const line = {
    bias: line_share * whole.bias,
    weights: whole.weights.map((weight) => line_share * weight),
  };
  const offsets = Float64Array.from(rows, ({ values }) => lineValue(line, values));
  return { line, trees: boost({ ...examples, offsets }, featureSigns, options[axis]) };
}

/** Log odds of each row by models that have not seen its goal; of the first `turns` folds only, 0 for the others. */
export function foldedOdds(axis: Axis, rows: readonly Row[], folds: number, turns: number): Float64Array {
  const odds = new Float64Array(rows.length);
  for (let fold = 0; fold < turns; fold += 1) {
    const { line, trees } = fitAxis(
      axis,
      rows.filter(({ part }) => part % folds !== fold),
    );
    const forest = forestOf(trees);
    rows.forEach(({ part, values }, at) => {
      if (part % folds === fold) odds[at] = lineValue(line, values) + logOdds(forest, values);
    });
  }
  return odds;
}

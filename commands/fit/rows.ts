import { conflictNames, conflictSigns } from '../../shared/deliberation/conflict.ts';
import type { Trees } from '../../shared/deliberation/trees.ts';
import { type BoostOptions, boost } from './boost.ts';

/** One comparison of two sentences, for a fit. */
export type Row = { readonly features: readonly number[]; readonly label: 0 | 1; readonly weight: number };

const signs = conflictNames.map((name) => conflictSigns[name]);

/** Trees for rows, with numbers as short as the table keeps them. */
export function fitRows(rows: readonly Row[], options: BoostOptions): Trees {
  const mean = rows.reduce((sum, { weight }) => sum + weight, 0) / rows.length;
  const { bias, trees } = boost(
    {
      columns: conflictNames.map((_, at) => Float64Array.from(rows, ({ features }) => features[at] ?? 0)),
      labels: Float64Array.from(rows, ({ label }) => label),
      weights: Float64Array.from(rows, ({ weight }) => weight / mean),
    },
    signs,
    options,
  );
  const short = (values: readonly number[]) => values.map((value) => Number(value.toFixed(4)));
  return { bias, trees: trees.map((tree) => ({ ...tree, value: short(tree.value) })) };
}

/** Of the cross-validation whose figures are printed. */
export const folds = 5;

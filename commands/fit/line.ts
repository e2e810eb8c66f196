/** A logistic regression whose weights keep the sign of their feature: the smooth part of an axis, which goes on where trees have seen no text. */

import type { Line } from '../../shared/deliberation/axis-models.ts';
import type { Examples, Signs } from './boost.ts';

const steps = 400;
/** Pulls weights towards zero, per unit of an example's mean weight. */
const shrinkage = 0.002;

/** Fits by accelerated gradient steps, each followed by setting weights of the wrong sign to zero. Features without a sign stay out. */
export function fitLine({ columns, labels, weights }: Examples, signs: Signs): Line {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scaled = columns.map((column) => standardised(column, weights, total));
  const used = signs.flatMap((sign, name) => (sign === 0 || scaled[name]?.deviation === 0 ? [] : [name]));
  // Columns of unit variance: the largest curvature is at most a quarter of their number.
  const rate = 4 / (used.length + 1);
  let current = new Float64Array(columns.length + 1);
  let ahead = current;
  for (let step = 0; step < steps; step += 1) {
    const gradient = gradientAt(ahead, scaled, used, labels, weights, total);
    const next = ahead.map((value, at) => {
      if (at === columns.length) return value + rate * (gradient[at] ?? 0);
      const moved = value + rate * ((gradient[at] ?? 0) - shrinkage * value);
      return moved * (signs[at] ?? 0) < 0 ? 0 : moved;
    });
    const momentum = step / (step + 3);
    const previous = current;
    ahead = next.map((value, at) => value + momentum * (value - (previous[at] ?? 0)));
    current = next;
  }
  const slopes = columns.map((_, name) => {
    const deviation = scaled[name]?.deviation ?? 0;
    return used.includes(name) && deviation > 0 ? (current[name] ?? 0) / deviation : 0;
  });
  const bias = slopes.reduce(
    (sum, slope, name) => sum - slope * (scaled[name]?.mean ?? 0),
    current[columns.length] ?? 0,
  );
  return { bias, weights: slopes };
}

type Scaled = { readonly values: Float64Array; readonly mean: number; readonly deviation: number };

function standardised(column: Float64Array, weights: Float64Array, total: number): Scaled {
  let sum = 0;
  column.forEach((value, row) => {
    sum += value * (weights[row] ?? 0);
  });
  const mean = sum / total;
  let squares = 0;
  column.forEach((value, row) => {
    squares += (value - mean) ** 2 * (weights[row] ?? 0);
  });
  const deviation = Math.sqrt(squares / total);
  return {
    values: column.map((value) => (deviation === 0 ? 0 : (value - mean) / deviation)),
    mean,
    deviation,
  };
}

function gradientAt(
  at: Float64Array,
  scaled: readonly Scaled[],
  used: readonly number[],
  labels: Float64Array,
  weights: Float64Array,
  total: number,
): Float64Array {
  const odds = new Float64Array(labels.length).fill(at[scaled.length] ?? 0);
  for (const name of used) {
    const slope = at[name] ?? 0;
    const values = scaled[name]?.values;
    if (slope === 0 || values === undefined) continue;
    for (let row = 0; row < odds.length; row += 1) odds[row] = (odds[row] ?? 0) + slope * (values[row] ?? 0);
  }
  const errors = odds.map(
    (value, row) => ((weights[row] ?? 0) * ((labels[row] ?? 0) - 1 / (1 + Math.exp(-value)))) / total,
  );
  const gradient = new Float64Array(scaled.length + 1);
  gradient[scaled.length] = errors.reduce((sum, error) => sum + error, 0);
  for (const name of used) {
    const values = scaled[name]?.values;
    if (values === undefined) continue;
    let sum = 0;
    for (let row = 0; row < errors.length; row += 1) sum += (errors[row] ?? 0) * (values[row] ?? 0);
    gradient[name] = sum;
  }
  return gradient;
}

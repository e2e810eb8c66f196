/**
 * Gradient boosting of small trees on a logistic loss, with the sign of every feature's effect fixed. Written out here
 * since no npm package trains monotone trees without a native add-on; prediction is `shared/deliberation/trees.ts`.
 */

import type { Tree, Trees } from '../../shared/deliberation/trees.ts';

/** Rows of features with labels; all arrays run along the rows. */
export type Examples = {
  /** One column per feature. */
  readonly columns: readonly Float64Array[];
  /** 1 = sound, 0 = damaged. */
  readonly labels: Float64Array;
  readonly weights: Float64Array;
  /** Log odds that a row starts from, such as what its source makes of any text. */
  readonly offsets?: Float64Array;
};

export type BoostOptions = {
  readonly trees: number;
  readonly depth_max: number;
  readonly learning_rate: number;
  /** Weight of rows that a leaf needs, as a share of all. */
  readonly leaf_share_min: number;
  /** Pulls leaves towards zero; in units of weight. */
  readonly shrinkage: number;
  /** Share of features that a tree may look at. */
  readonly feature_share: number;
  readonly row_share: number;
  readonly bins_max: number;
  readonly seed: number;
};

/** Signs per feature: 1 = more is better, -1 = more is worse, 0 = either. */
export type Signs = readonly number[];

type Node = {
  readonly rows: Int32Array;
  readonly low: number;
  readonly high: number;
  readonly depth: number;
  readonly index: number;
};

/**
 * Fits trees whose sum is a log odds. Deterministic for given examples and options.
 *
 * @param examples at least two rows
 */
export function boost(examples: Examples, signs: Signs, options: BoostOptions): Trees {
  const { columns, labels, weights } = examples;
  const count = labels.length;
  const cuts = columns.map((column) => cutsOf(column, options.bins_max));
  const bins = columns.map((column, feature) => binsOf(column, cuts[feature] ?? new Float64Array()));
  const random = randomOf(options.seed);
  const scores = new Float64Array(count);
  if (examples.offsets) scores.set(examples.offsets);
  let total = 0;
  for (const weight of weights) total += weight;
  const gradients = new Float64Array(count);
  const curvatures = new Float64Array(count);
  const trees: Tree[] = [];
  for (let round = 0; round < options.trees; round += 1) {
    for (let row = 0; row < count; row += 1) {
      const chance = 1 / (1 + Math.exp(-(scores[row] ?? 0)));
      const weight = weights[row] ?? 0;
      gradients[row] = weight * ((labels[row] ?? 0) - chance);
      curvatures[row] = weight * Math.max(chance * (1 - chance), 1e-6);
    }
    const features = columns.flatMap((_, feature) => (random() < options.feature_share ? [feature] : []));
    const rows: number[] = [];
    for (let row = 0; row < count; row += 1) if (random() < options.row_share) rows.push(row);
    const tree = growTree(
      { bins, cuts, gradients, curvatures, weights, signs, features, total: total * options.row_share },
      Int32Array.from(rows),
      options,
    );
    trees.push(tree);
    for (let row = 0; row < count; row += 1)
      scores[row] = (scores[row] ?? 0) + valueOfBins(tree, bins, cuts, row);
  }
  return { bias: 0, trees };
}

type Growth = {
  readonly bins: readonly Uint8Array[];
  readonly cuts: readonly Float64Array[];
  readonly gradients: Float64Array;
  readonly curvatures: Float64Array;
  readonly weights: Float64Array;
  readonly signs: Signs;
  readonly features: readonly number[];
  readonly total: number;
};

type Split = {
  readonly feature: number;
  readonly bin: number;
  readonly gain: number;
  readonly left: number;
  readonly right: number;
};

function growTree(growth: Growth, rows: Int32Array, options: BoostOptions): Tree {
  const feature: number[] = [];
  const cut: number[] = [];
  const left: number[] = [];
  const value: number[] = [];
  const open: Node[] = [];
  const add = (nodeRows: Int32Array, low: number, high: number, depth: number): number => {
    const index = feature.push(-1) - 1;
    cut.push(0);
    left.push(0);
    value.push(0);
    open.push({ rows: nodeRows, low, high, depth, index });
    return index;
  };
  add(rows, -Infinity, Infinity, 0);
  for (let node = open.shift(); node !== undefined; node = open.shift()) {
    const { index, low, high, depth } = node;
    const split = depth < options.depth_max ? bestSplit(growth, node, options) : null;
    if (split === null) {
      value[index] = options.learning_rate * leafValue(growth, node, options);
      continue;
    }
    const column = growth.bins[split.feature] ?? new Uint8Array();
    const leftRows = node.rows.filter((row) => (column[row] ?? 0) <= split.bin);
    const rightRows = node.rows.filter((row) => (column[row] ?? 0) > split.bin);
    const sign = growth.signs[split.feature] ?? 0;
    const middle = (split.left + split.right) / 2;
    feature[index] = split.feature;
    cut[index] = growth.cuts[split.feature]?.[split.bin] ?? 0;
    left[index] = add(leftRows, sign < 0 ? middle : low, sign > 0 ? middle : high, depth + 1);
    add(rightRows, sign > 0 ? middle : low, sign < 0 ? middle : high, depth + 1);
  }
  return { feature, cut, left, value };
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

function leafValue(
  { gradients, curvatures }: Growth,
  { rows, low, high }: Node,
  options: BoostOptions,
): number {
  let gradient = 0;
  let curvature = options.shrinkage;
  for (const row of rows) {
    gradient += gradients[row] ?? 0;
    curvature += curvatures[row] ?? 0;
  }
  return clamp(gradient / curvature, low, high);
}

function bestSplit(growth: Growth, { rows, low, high }: Node, options: BoostOptions): Split | null {
  const { bins, cuts, gradients, curvatures, weights, signs, features, total } = growth;
  const weight_min = options.leaf_share_min * total;
  let best: Split | null = null;
  const sums = new Float64Array(256 * 3);
  let gradientAll = 0;
  let curvatureAll = 0;
  let weightAll = 0;
  for (const row of rows) {
    gradientAll += gradients[row] ?? 0;
    curvatureAll += curvatures[row] ?? 0;
    weightAll += weights[row] ?? 0;
  }
  if (weightAll < 2 * weight_min) return null;
  const parent = gainOf(gradientAll, curvatureAll + options.shrinkage, low, high);
  for (const feature of features) {
    const column = bins[feature];
    const bin_count = (cuts[feature]?.length ?? 0) + 1;
    if (column === undefined || bin_count < 2) continue;
    sums.fill(0, 0, bin_count * 3);
    for (const row of rows) {
      const at = (column[row] ?? 0) * 3;
      sums[at] = (sums[at] ?? 0) + (gradients[row] ?? 0);
      sums[at + 1] = (sums[at + 1] ?? 0) + (curvatures[row] ?? 0);
      sums[at + 2] = (sums[at + 2] ?? 0) + (weights[row] ?? 0);
    }
    const sign = signs[feature] ?? 0;
    let gradient = 0;
    let curvature = 0;
    let weight = 0;
    for (let bin = 0; bin < bin_count - 1; bin += 1) {
      gradient += sums[bin * 3] ?? 0;
      curvature += sums[bin * 3 + 1] ?? 0;
      weight += sums[bin * 3 + 2] ?? 0;
      if (weight < weight_min) continue;
      if (weightAll - weight < weight_min) break;
      const leftCurvature = curvature + options.shrinkage;
      const rightCurvature = curvatureAll - curvature + options.shrinkage;
      const left = clamp(gradient / leftCurvature, low, high);
      const right = clamp((gradientAll - gradient) / rightCurvature, low, high);
      if ((right - left) * sign < 0) continue;
      const gain =
        gainOf(gradient, leftCurvature, low, high) +
        gainOf(gradientAll - gradient, rightCurvature, low, high) -
        parent;
      if (gain > 1e-9 && gain > (best?.gain ?? 0)) best = { feature, bin, gain, left, right };
    }
  }
  return best;
}

function gainOf(gradient: number, curvature: number, low: number, high: number): number {
  const value = clamp(gradient / curvature, low, high);
  return 2 * gradient * value - curvature * value * value;
}

/** Upper edges of bins that hold about equally many values; the last bin is open. */
function cutsOf(column: Float64Array, bins_max: number): Float64Array {
  const sorted = Float64Array.from(column).sort();
  const edges: number[] = [];
  for (let bin = 1; bin < bins_max; bin += 1) {
    const at = Math.floor((bin * sorted.length) / bins_max);
    const below = sorted[at - 1] ?? 0;
    const above = sorted[at] ?? 0;
    const edge = below === above ? below : (below + above) / 2;
    if ((edges.at(-1) ?? -Infinity) < edge && edge < (sorted.at(-1) ?? 0)) edges.push(edge);
  }
  return Float64Array.from(edges, (edge) => Number(edge.toPrecision(5)));
}

function binsOf(column: Float64Array, cuts: Float64Array): Uint8Array {
  return Uint8Array.from(column, (value) => {
    let low = 0;
    let high = cuts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= (cuts[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

function valueOfBins(
  tree: Tree,
  bins: readonly Uint8Array[],
  cuts: readonly Float64Array[],
  row: number,
): number {
  let node = 0;
  for (;;) {
    const feature = tree.feature[node] ?? -1;
    if (feature < 0) return tree.value[node] ?? 0;
    const edge = cuts[feature]?.[bins[feature]?.[row] ?? 0] ?? Infinity;
    node = (tree.left[node] ?? 0) + (edge <= (tree.cut[node] ?? 0) ? 0 : 1);
  }
}

/** Numbers of 0 to 1 from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

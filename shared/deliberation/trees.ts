/** A sum of small decision trees: how a model weighs its features. Fitted by `npm run fit`. */

/**
 * One tree; the arrays run along its nodes, the root first. A node with feature -1 is a leaf. Otherwise a value at
 * or below `cut` goes on at `left`, another at the node behind it.
 */
export type Tree = {
  readonly feature: readonly number[];
  readonly cut: readonly number[];
  readonly left: readonly number[];
  /** Of leaves: what they add to the log odds. */
  readonly value: readonly number[];
};

export type Trees = { readonly bias: number; readonly trees: readonly Tree[] };

/** Trees laid out one behind the other, so that a text of sixty steps does not wait for them. */
export type Forest = {
  readonly bias: number;
  readonly roots: Int32Array;
  readonly feature: Int16Array;
  readonly cut: Float64Array;
  readonly left: Int32Array;
  readonly value: Float64Array;
};

export function forestOf({ bias, trees }: Trees): Forest {
  const roots: number[] = [];
  let count = 0;
  for (const tree of trees) {
    roots.push(count);
    count += tree.feature.length;
  }
  return {
    bias,
    roots: Int32Array.from(roots),
    feature: Int16Array.from(trees.flatMap((tree) => tree.feature)),
    cut: Float64Array.from(trees.flatMap((tree) => tree.cut)),
    left: Int32Array.from(trees.flatMap((tree, at) => tree.left.map((left) => left + (roots[at] ?? 0)))),
    value: Float64Array.from(trees.flatMap((tree) => tree.value)),
  };
}

/** Log odds of a row of features. */
export function logOdds({ bias, roots, feature, cut, left, value }: Forest, row: ArrayLike<number>): number {
  let sum = bias;
  for (let tree = 0; tree < roots.length; tree += 1) {
    let node = roots[tree] ?? 0;
    for (let name = feature[node] ?? -1; name >= 0; name = feature[node] ?? -1) {
      node = (left[node] ?? 0) + ((row[name] ?? 0) <= (cut[node] ?? 0) ? 0 : 1);
    }
    sum += value[node] ?? 0;
  }
  return sum;
}

/** The same, of trees that are not laid out: for a fit, which asks new trees each time. */
export function logOddsOfTrees({ bias, trees }: Trees, row: ArrayLike<number>): number {
  let sum = bias;
  for (const tree of trees) {
    let node = 0;
    for (let name = tree.feature[0] ?? -1; name >= 0; name = tree.feature[node] ?? -1) {
      node = (tree.left[node] ?? 0) + ((row[name] ?? 0) <= (tree.cut[node] ?? 0) ? 0 : 1);
    }
    sum += tree.value[node] ?? 0;
  }
  return sum;
}

/** A sum of small decision trees: how an axis weighs its features. Fitted by `npm run fit`. */

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

/** Log odds of a row of features. */
export function logOdds({ bias, trees }: Trees, features: ArrayLike<number>): number {
  let sum = bias;
  for (const tree of trees) {
    let node = 0;
    for (let feature = tree.feature[0] ?? -1; feature >= 0; feature = tree.feature[node] ?? -1) {
      node = (tree.left[node] ?? 0) + ((features[feature] ?? 0) <= (tree.cut[node] ?? 0) ? 0 : 1);
    }
    sum += tree.value[node] ?? 0;
  }
  return sum;
}

/** Measures of a fit, as `npm run fit` prints them. */

/** Share of pairs of a case and a rest in which the case scores higher, ties counted as half, 0..1. */
export function areaUnderCurve(cases: readonly number[], rest: readonly number[]): number {
  const ranked = [...cases.map((score) => ({ score, hit: 1 })), ...rest.map((score) => ({ score, hit: 0 }))];
  ranked.sort((left, right) => left.score - right.score);
  let sum = 0;
  for (let from = 0; from < ranked.length; ) {
    let to = from;
    while (to < ranked.length && ranked[to]?.score === ranked[from]?.score) to += 1;
    const rank = (from + to + 1) / 2;
    for (let at = from; at < to; at += 1) sum += (ranked[at]?.hit ?? 0) * rank;
    from = to;
  }
  return (sum - (cases.length * (cases.length + 1)) / 2) / (cases.length * rest.length);
}

/** Share of the cases above the score that `share` of the sound texts exceed, 0..1. */
export function caughtAt(share: number, cases: readonly number[], sound: readonly number[]): number {
  const threshold = [...sound].sort((left, right) => right - left)[Math.floor(sound.length * share)] ?? 0;
  return cases.filter((score) => score > threshold).length / cases.length;
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

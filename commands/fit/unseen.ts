/** How a fit does on goals that it has not seen. */

import type { AxisScale } from '../../shared/deliberation/axis-models.ts';
import { axes, foldedOdds } from './axes.ts';
import { type Figures, figuresOf, type Scores } from './axis-figures.ts';
import { type Axis, debates, type Row } from './axis-rows.ts';
import { damagedSets } from './texts.ts';

export const folds = 3;
/** The slope of the scale: steeper tells more sound texts off, flatter lets more damaged ones pass. */
const scale = 1.25;
/** This share of sound texts lies below the floor of a pass on each axis. */
const below_pass_share = 0.05;
const pass_floor = 0.6;

export type Unseen = {
  readonly figures: Figures;
  /** Puts the floor of a pass where the policy has it. */
  readonly scales: Readonly<Record<Axis, AxisScale>>;
  /** Share of the pairs of arguments of which the more convincing one is the deeper; of the folds that were judged. */
  readonly debates_right: number;
};

/** @param turns folds that are fitted and judged, at most `folds`: fewer take less time */
export function judgeUnseen(rows: readonly Row[], turns: number): Unseen {
  const judged = rows.flatMap((row, at) =>
    row.part % folds < turns && damagedSets.includes(row.source) ? [at] : [],
  );
  const perAxis = axes.map((axis) => {
    const odds = foldedOdds(axis, rows, folds, turns);
    const sound = judged
      .filter((at) => rows[at]?.kind === 'orig')
      .map((at) => odds[at] ?? 0)
      .sort((left, right) => left - right);
    const floor = sound[Math.floor(sound.length * below_pass_share)] ?? 0;
    // Four digits are as many as the sets can tell apart.
    const shift = Number((Math.log(pass_floor / (1 - pass_floor)) / scale - floor).toPrecision(4));
    return { odds, scale: { scale, shift } };
  });
  const [depth, coherence, relevance] = perAxis;
  if (depth === undefined || coherence === undefined || relevance === undefined)
    throw new Error('An axis is missing.');
  const of = (one: typeof depth, at: number) =>
    1 / (1 + Math.exp(-one.scale.scale * ((one.odds[at] ?? 0) + one.scale.shift)));
  const scores = judged.map((at): Scores => {
    const score = { depth: of(depth, at), coherence: of(coherence, at), relevance: of(relevance, at) };
    return { ...score, overall: 0.35 * score.depth + 0.35 * score.coherence + 0.3 * score.relevance };
  });
  return {
    figures: figuresOf(
      judged.flatMap((at) => rows[at] ?? []),
      scores,
    ),
    debates_right: debatesRight(rows, turns, depth.odds),
    scales: { depth: depth.scale, coherence: coherence.scale, relevance: relevance.scale },
  };
}

function debatesRight(rows: readonly Row[], turns: number, depth: Float64Array): number {
  const margins = new Map<string, number>();
  rows.forEach(({ source, part, group, kind }, at) => {
    if (source !== debates || group === null || part % folds >= turns) return;
    const odds = depth[at] ?? 0;
    margins.set(group, (margins.get(group) ?? 0) + (kind === 'orig' ? odds : -odds));
  });
  return [...margins.values()].filter((margin) => margin > 0).length / margins.size;
}

import { links } from './links.ts';
import type { Reading } from './reading.ts';
import { shareOf } from './words.ts';

/** Measures of relevance, each 0..1, with what a person needs to see. */
export type Relevance = {
  readonly features: {
    /** Weighted share of the goal that the text takes up. */
    readonly recall: number;
    /** Share of the text's specific words that the goal holds. */
    readonly precision: number;
    /** Share of steps that name something of the goal. */
    readonly touching: number;
    /** Share of steps that reach the goal directly or through other steps. */
    readonly connected: number;
    /** Share of the goal's numbers that the text takes up. */
    readonly numbers: number;
    /** Link of the step that is least tied to goal and text. */
    readonly weakestLink: number;
    /** How far the weakest link lies below the median one. */
    readonly linkGap: number;
    /** Share of steps that stand apart. */
    readonly foreign: number;
    /** Share of steps that say nothing by themselves. */
    readonly filler: number;
  };
  readonly uncoveredGoalParts: readonly string[];
  /** Indexes of steps that share next to nothing with the goal and the other steps. */
  readonly intruders: readonly number[];
};

const uncovered_max = 12;
/** A step with a weaker link to goal and text stands apart. */
const intruder_link_max = 0.12;
/** Without a goal these take the values of a usual sound text, and the links between steps decide. */
const withoutGoal = { recall: 0.7, precision: 0.35, touching: 0.8, connected: 0.9 };

/**
 * How far the text is about its goal. Words of the goal count only in steps that say something besides them, so
 * that pasting the goal, or sentences stuffed with its words, earns nothing.
 */
export function measureRelevance(reading: Reading): Relevance {
  const { goal, steps } = reading;
  const solid = steps.filter((step) => !step.filler && !step.repeats);
  const covered = new Set<string>();
  let touching = 0;
  for (const step of solid) {
    const own = [...step.specific].filter((member) => !goal.weights.has(member)).length;
    const hits = [...goal.weights.keys()].filter((member) => step.specific.has(member));
    if (hits.some((member) => (goal.weights.get(member) ?? 0) >= 1)) touching += 1;
    // A copy of the goal holds all of its words and nothing of its own.
    if (own > 0 || hits.length <= goal.weights.size / 2) for (const member of hits) covered.add(member);
  }
  let weight = 0;
  let weightCovered = 0;
  for (const [member, value] of goal.weights) {
    weight += value;
    if (covered.has(member)) weightCovered += value;
  }
  const all = solid.flatMap((step) => [...step.specific]);
  const { toGoal, toRest, connected } = links(reading);
  const joint = solid.map((step) => Math.max(toGoal[step.index] ?? 0, toRest[step.index] ?? 0));
  const intruders = solid.filter(
    (step, at) => steps.length >= 3 && step.specific.size >= 2 && (joint[at] ?? 0) < intruder_link_max,
  );
  const sorted = joint.toSorted((left, right) => left - right);
  const steps_count = Math.max(1, steps.length);
  const known = weight > 0;
  return {
    features: {
      recall: known ? weightCovered / weight : withoutGoal.recall,
      precision: known ? shareOf(all, goal.weights) : withoutGoal.precision,
      touching: known ? touching / steps_count : withoutGoal.touching,
      connected: known ? connected / steps_count : withoutGoal.connected,
      numbers: shareOf(goal.numbers, covered, 0.5),
      weakestLink: sorted[0] ?? 0,
      linkGap: (sorted[sorted.length >> 1] ?? 0) - (sorted[0] ?? 0),
      foreign: intruders.length / steps_count,
      filler: steps.filter((step) => step.filler).length / steps_count,
    },
    uncoveredGoalParts: [...goal.weights]
      .filter(([member, value]) => value >= 1 && !covered.has(member))
      .slice(0, uncovered_max)
      .map(([member]) => goal.written.get(member) ?? member),
    intruders: intruders.map((step) => step.index),
  };
}

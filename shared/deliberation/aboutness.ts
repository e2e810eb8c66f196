import { type Meaning, type Passage, shareHeld, softShare, type Term } from './meaning.ts';
import type { Reading } from './reading.ts';
import type { StepFacts } from './step-facts.ts';

/** How far the text is about its goal in meaning, not in words alone; 0..1 but for cosines, better when higher. */
export type AboutnessFeatures = {
  /** Share of the goal that the text takes up, by the weight of its words; "soft" counts near words in part. */
  readonly weightedRecall: number;
  readonly softRecall: number;
  /** Share of the text that the goal holds. */
  readonly weightedPrecision: number;
  readonly softPrecision: number;
  /** Cosine of goal and text; of the steps: mean, least and most. */
  readonly nearGoal: number;
  readonly nearGoalMean: number;
  readonly nearGoalLeast: number;
  readonly nearGoalMost: number;
  /** Share of steps that name something of the goal. */
  readonly namesGoal: number;
  readonly firstNearGoal: number;
  readonly lastNearGoal: number;
  readonly lastToGoal: number;
  /** Share of the goal's names and numbers that the text takes up. */
  readonly goalNames: number;
};

/** Without a goal these take the values of a usual sound text, and the links between steps decide. */
const withoutGoal: AboutnessFeatures = {
  weightedRecall: 0.6,
  softRecall: 0.7,
  weightedPrecision: 0.35,
  softPrecision: 0.5,
  nearGoal: 0.6,
  nearGoalMean: 0.4,
  nearGoalLeast: 0.2,
  nearGoalMost: 0.7,
  namesGoal: 0.8,
  firstNearGoal: 0.5,
  lastNearGoal: 0.5,
  lastToGoal: 0.3,
  goalNames: 0.6,
};
const without_names = 0.6;
/** A step names the goal when this share of its words is the goal's. */
const named_share = 0.08;
/** Words of the goal and of the text that are compared one by one: 300 x 600 take 8 ms. */
const goal_terms_max = 120;
const text_terms_max = 400;

/** Filler and repeated steps earn nothing: pasting the goal, or sentences stuffed with its words, is not about it. */
export function measureAboutness(
  { steps }: Reading,
  { goal, steps: passages }: Meaning,
  facts: readonly StepFacts[],
): AboutnessFeatures {
  if (goal.terms.size === 0) return withoutGoal;
  const solid = new Map<string, Term>();
  for (const step of steps) {
    if (step.filler || step.repeats) continue;
    for (const [member, term] of passages[step.index]?.terms ?? [])
      if (!solid.has(member)) solid.set(member, term);
  }
  const text: Passage = passageOf(solid, passages);
  const inText = (member: string) => solid.has(member);
  const inGoal = (member: string) => goal.terms.has(member);
  const near = facts.map((fact) => fact.nearGoal).sort((left, right) => left - right);
  const count = Math.max(1, facts.length);
  const names = [...goal.terms].filter(([, { name, rank }]) => name || rank < 0);
  return {
    weightedRecall: shareHeld(goal, inText),
    softRecall: softShare(most(goal, goal_terms_max), [...most(text, text_terms_max).terms.values()], inText),
    weightedPrecision: shareHeld(text, inGoal),
    softPrecision: softShare(
      most(text, text_terms_max),
      [...most(goal, goal_terms_max).terms.values()],
      inGoal,
    ),
    nearGoal: dot(goal.direction, text.direction),
    nearGoalMean: near.reduce((sum, value) => sum + value, 0) / count,
    nearGoalLeast: near[0] ?? 0,
    nearGoalMost: near.at(-1) ?? 0,
    namesGoal: facts.filter(({ toGoal }) => toGoal > named_share).length / count,
    firstNearGoal: facts[0]?.nearGoal ?? 0,
    lastNearGoal: facts.at(-1)?.nearGoal ?? 0,
    lastToGoal: facts.at(-1)?.toGoal ?? 0,
    goalNames:
      names.length === 0
        ? without_names
        : names.filter(([member]) => solid.has(member)).length / names.length,
  };
}

function passageOf(terms: ReadonlyMap<string, Term>, parts: readonly Passage[]): Passage {
  const direction = new Float64Array(parts[0]?.direction.length ?? 0);
  for (const part of parts)
    for (let axis = 0; axis < direction.length; axis += 1)
      direction[axis] = (direction[axis] ?? 0) + (part.direction[axis] ?? 0);
  const length = Math.hypot(...direction) || 1;
  let weight = 0;
  for (const term of terms.values()) weight += term.weight;
  return { terms, weight, direction: direction.map((value) => value / length) };
}

/** The passage with its weightiest terms only. */
function most(passage: Passage, terms_max: number): Passage {
  if (passage.terms.size <= terms_max) return passage;
  const terms = new Map(
    [...passage.terms].sort(([, left], [, right]) => right.weight - left.weight).slice(0, terms_max),
  );
  let weight = 0;
  for (const term of terms.values()) weight += term.weight;
  return { ...passage, terms, weight };
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let axis = 0; axis < left.length; axis += 1) sum += (left[axis] ?? 0) * (right[axis] ?? 0);
  return sum;
}

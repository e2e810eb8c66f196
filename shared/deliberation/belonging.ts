import { cosine, type Passage, shareHeld } from './meaning.ts';
import type { StepFacts } from './step-facts.ts';
import { type Forest, logOdds } from './trees.ts';

/** Whether every step belongs to this text; log odds, higher = it does. */
export type BelongingFeatures = {
  /** The step that belongs least, the one after it, the mean, and the sum of those below even odds. */
  readonly belongsLeast: number;
  readonly belongsSecond: number;
  readonly belongsMean: number;
  readonly belongsTotal: number;
};

export type Belonging = { readonly features: BelongingFeatures; readonly odds: readonly number[] };

/** Steps further apart are not compared word by word. */
const distance_max = 12;

/** @param model of `tables/steps.json`, which reads `stepRows` */
export function measureBelonging(facts: readonly StepFacts[], goal: Passage, model: Forest): Belonging {
  const odds = stepRows(facts, goal).map((row) => logOdds(model, row));
  const sorted = odds.toSorted((left, right) => left - right);
  const least = sorted[0] ?? 0;
  return {
    odds,
    features: {
      belongsLeast: least,
      belongsSecond: sorted[1] ?? least,
      belongsMean: odds.reduce((sum, value) => sum + value, 0) / Math.max(1, odds.length),
      belongsTotal: sorted.reduce((sum, value) => sum + Math.min(0, value), 0),
    },
  };
}

type Ties = {
  readonly nearRest: number;
  readonly nearBefore: number;
  readonly nearAfter: number;
  readonly heldBefore: number;
  readonly heldAfter: number;
  readonly nearMost: number;
  readonly heldMost: number;
  /** Weighted share of words that nothing else holds; names and given numbers among them. */
  readonly orphans: number;
  readonly orphanNames: number;
  readonly orphanNumbers: number;
};

/** What the model sees of each step: its ties to goal and text, alone and against the mean of all steps. */
export function stepRows(facts: readonly StepFacts[], goal: Passage): number[][] {
  const count = facts.length;
  const ties = tiesOf(facts, goal);
  const meanOf = (of: (fact: StepFacts, tie: Ties) => number) =>
    facts.reduce((sum, fact, at) => sum + of(fact, ties[at] ?? noTies), 0) / Math.max(1, count);
  const means = {
    toGoal: meanOf((fact) => fact.toGoal),
    toRest: meanOf((fact) => fact.toRest),
    nearGoal: meanOf((fact) => fact.nearGoal),
    nearRest: meanOf((_, tie) => tie.nearRest),
    nearNeighbours: meanOf((_, tie) => tie.nearBefore + tie.nearAfter),
    orphans: meanOf((_, tie) => tie.orphans),
    orphanNames: meanOf((_, tie) => tie.orphanNames),
    plans: meanOf((fact) => fact.plans),
    past: meanOf((fact) => fact.past),
    computes: meanOf((fact) => Math.min(1, fact.results.size)),
  };
  const byNearness = ties
    .map((_, at) => at)
    .sort((left, right) => (ties[left]?.nearRest ?? 0) - (ties[right]?.nearRest ?? 0));
  const rank: number[] = [];
  byNearness.forEach((at, place) => {
    rank[at] = place / Math.max(1, count - 1);
  });
  return facts.map((fact, at) => {
    const tie = ties[at] ?? noTies;
    return [
      fact.toGoal,
      fact.toRest,
      fact.nearGoal,
      ...Object.values(tie),
      fact.size,
      fact.toGoal - means.toGoal,
      fact.toRest - means.toRest,
      fact.nearGoal - means.nearGoal,
      tie.nearRest - means.nearRest,
      tie.nearBefore + tie.nearAfter - means.nearNeighbours,
      tie.orphans - means.orphans,
      tie.orphanNames - means.orphanNames,
      rank[at] ?? 0,
      means.toRest,
      means.nearRest,
      count,
      at === 0 ? 1 : 0,
      at === count - 1 ? 1 : 0,
      fact.opens,
      fact.closes,
      fact.concludes,
      fact.continues,
      fact.pronoun,
      fact.plans,
      fact.past,
      fact.plans - means.plans,
      fact.past - means.past,
      fact.results.size,
      Math.min(1, fact.results.size) - means.computes,
    ];
  });
}

const noTies: Ties = {
  nearRest: 0,
  nearBefore: 0,
  nearAfter: 0,
  heldBefore: 0,
  heldAfter: 0,
  nearMost: 0,
  heldMost: 0,
  orphans: 0,
  orphanNames: 0,
  orphanNumbers: 0,
};

function tiesOf(facts: readonly StepFacts[], goal: Passage): Ties[] {
  const holders = new Map<string, number>();
  const sum = new Float64Array(goal.direction.length);
  for (const { passage } of facts) {
    for (const member of passage.terms.keys()) holders.set(member, (holders.get(member) ?? 0) + 1);
    for (let axis = 0; axis < sum.length; axis += 1)
      sum[axis] = (sum[axis] ?? 0) + (passage.direction[axis] ?? 0);
  }
  return facts.map((fact, at): Ties => {
    const { passage } = fact;
    const near = (other: StepFacts | undefined) => (other ? cosine(passage, other.passage) : 0);
    const held = (other: StepFacts | undefined) =>
      other ? shareHeld(passage, (member) => other.passage.terms.has(member)) : 0;
    let nearMost = 0;
    let heldMost = 0;
    facts.forEach((other, place) => {
      if (place === at) return;
      nearMost = Math.max(nearMost, near(other));
      if (Math.abs(place - at) < distance_max) heldMost = Math.max(heldMost, held(other));
    });
    return {
      nearRest: nearnessToRest(passage, sum),
      nearBefore: near(facts[at - 1]),
      nearAfter: near(facts[at + 1]),
      heldBefore: held(facts[at - 1]),
      heldAfter: held(facts[at + 1]),
      nearMost,
      heldMost,
      ...orphansOf(fact, (member) => (holders.get(member) ?? 0) > 1 || goal.terms.has(member)),
    };
  });
}

/** Cosine of a step with the sum of all others. */
function nearnessToRest({ direction }: Passage, sum: Float64Array): number {
  let dot = 0;
  let square = 0;
  for (let axis = 0; axis < sum.length; axis += 1) {
    const rest = (sum[axis] ?? 0) - (direction[axis] ?? 0);
    dot += rest * (direction[axis] ?? 0);
    square += rest * rest;
  }
  return square === 0 ? 0 : dot / Math.sqrt(square);
}

function orphansOf(
  { passage, results }: StepFacts,
  held: (member: string) => boolean,
): Pick<Ties, 'orphans' | 'orphanNames' | 'orphanNumbers'> {
  let orphans = 0;
  let orphanNames = 0;
  let orphanNumbers = 0;
  for (const [member, term] of passage.terms) {
    if (held(member)) continue;
    orphans += term.weight;
    if (term.name) orphanNames += 1;
    if (/^\d/.test(member) && !results.has(member)) orphanNumbers += 1;
  }
  return { orphans: passage.weight === 0 ? 0 : orphans / passage.weight, orphanNames, orphanNumbers };
}

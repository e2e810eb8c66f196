import { cosine, shareHeld } from './meaning.ts';
import type { StepFacts } from './step-facts.ts';
import { type Forest, logOdds } from './trees.ts';

/** How well steps follow each other. All are log odds, higher = more like reasoning in the order it was thought. */
export type SuccessionFeatures = {
  /** That of two steps the earlier one comes first: the mean over pairs, and over neighbours, and the worst neighbours. */
  readonly order: number;
  readonly orderNext: number;
  readonly orderWorst: number;
  /** The same for pairs with the first step, and with the last one. */
  readonly orderFirst: number;
  readonly orderLast: number;
  /** The mean grows with the root of the pairs: many weak signs in one direction are a strong one. */
  readonly orderTotal: number;
  /** That a step comes right after the one before it: mean, worst, sum, and how far above other steps in its place. */
  readonly next: number;
  readonly nextWorst: number;
  readonly nextTotal: number;
  readonly nextGain: number;
};

/** Models of `tables/steps.json` that read `pairRow`. */
export type SuccessionModels = { readonly pair: Forest; readonly next: Forest };

/** Pairs further apart than this say little and cost as much. */
const distance_max = 12;
const mean_distance_max = 8;

/** What `pairRow` says of each of the two steps. */
const own = [
  'opens',
  'closes',
  'concludes',
  'continues',
  'pronoun',
  'plans',
  'past',
  'asks',
  'negated',
  'toGoal',
  'toRest',
  'nearGoal',
  'size',
] as const satisfies readonly (keyof StepFacts)[];

/** Means over pairs of the whole text: what is much for one text is little for another. */
export type PairMeans = { readonly near: number; readonly held: number };

export function pairMeans(facts: readonly StepFacts[]): PairMeans {
  let near = 0;
  let held = 0;
  let pairs = 0;
  facts.forEach((left, at) => {
    for (const right of facts.slice(at + 1, at + mean_distance_max)) {
      near += cosine(left.passage, right.passage);
      held += shareHeld(right.passage, (member) => left.passage.terms.has(member));
      pairs += 1;
    }
  });
  return { near: near / Math.max(1, pairs), held: held / Math.max(1, pairs) };
}

/** What the models see of two steps if `left` came before `right`. */
export function pairRow(left: StepFacts, right: StepFacts, means: PairMeans): number[] {
  return rowOf(left, right, linkOf(left, right), means);
}

type Link = { readonly near: number; readonly leftHeld: number; readonly rightHeld: number };

const linkOf = (left: StepFacts, right: StepFacts): Link => ({
  near: cosine(left.passage, right.passage),
  leftHeld: shareHeld(left.passage, (member) => right.passage.terms.has(member)),
  rightHeld: shareHeld(right.passage, (member) => left.passage.terms.has(member)),
});

const turned = ({ near, leftHeld, rightHeld }: Link): Link => ({
  near,
  leftHeld: rightHeld,
  rightHeld: leftHeld,
});

function rowOf(left: StepFacts, right: StepFacts, link: Link, means: PairMeans): number[] {
  const row: number[] = [];
  for (const name of own) row.push(left[name], right[name]);
  row.push(
    shared(left.results, right.operands),
    shared(right.results, left.operands),
    shared(left.introduced, right.definite),
    shared(right.introduced, left.definite),
    left.ordinal === null || right.ordinal === null ? 0 : Math.sign(right.ordinal - left.ordinal),
    left.results.size,
    right.results.size,
    left.operands.size,
    right.operands.size,
    link.near,
    link.leftHeld,
    link.rightHeld,
    link.near - means.near,
    link.rightHeld - means.held,
  );
  return row;
}

function shared(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  let count = 0;
  for (const member of left) if (right.has(member)) count += 1;
  return count;
}

export type Succession = {
  readonly features: SuccessionFeatures;
  /** Of each step but the last: log odds that it comes before the one behind it. */
  readonly neighbours: readonly number[];
};

/** Reads the order of steps from pairs of them, both ways round. */
export function measureSuccession(facts: readonly StepFacts[], models: SuccessionModels): Succession {
  const means = pairMeans(facts);
  const count = facts.length;
  const all: number[] = [];
  const neighbours: number[] = [];
  const withFirst: number[] = [];
  const withLast: number[] = [];
  const nexts: number[] = [];
  const others: number[] = [];
  facts.forEach((left, at) => {
    for (let place = at + 1; place < Math.min(count, at + distance_max); place += 1) {
      const right = facts[place];
      if (right === undefined) break;
      const link = linkOf(left, right);
      const row = rowOf(left, right, link, means);
      const odds =
        (logOdds(models.pair, row) - logOdds(models.pair, rowOf(right, left, turned(link), means))) / 2;
      all.push(odds);
      if (at === 0) withFirst.push(odds);
      if (place === count - 1) withLast.push(odds);
      if (place > at + 1) continue;
      neighbours.push(odds);
      nexts.push(logOdds(models.next, row));
      const other = facts[(at + 3) % count];
      if (other !== undefined && other !== left && other !== right)
        others.push(logOdds(models.next, pairRow(left, other, means)));
    }
  });
  const features = {
    order: mean(all),
    orderNext: mean(neighbours),
    orderWorst: least(neighbours),
    orderFirst: mean(withFirst),
    orderLast: mean(withLast),
    orderTotal: mean(all) * Math.sqrt(all.length),
    next: mean(nexts),
    nextWorst: least(nexts),
    nextTotal: mean(nexts) * nexts.length,
    nextGain: mean(nexts) - mean(others),
  };
  return { features, neighbours };
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const least = (values: readonly number[]): number => (values.length === 0 ? 0 : Math.min(...values));

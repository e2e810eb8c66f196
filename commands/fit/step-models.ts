/** Fits the models of single steps and of pairs of steps: does a step belong here, which of two comes first, is it next. */

import { stepRows } from '../../shared/deliberation/belonging.ts';
import { type Meaning, readMeaning } from '../../shared/deliberation/meaning.ts';
import { type Reading, readReasoning } from '../../shared/deliberation/reading.ts';
import { type StepFacts, stepFacts } from '../../shared/deliberation/step-facts.ts';
import { pairMeans, pairRow } from '../../shared/deliberation/succession.ts';
import type { Trees } from '../../shared/deliberation/trees.ts';
import { type BoostOptions, boost, randomOf } from './boost.ts';
import type { Random, SoundText } from './damage.ts';

export type StepTrees = { readonly belongs: Trees; readonly pair: Trees; readonly next: Trees };

const options: BoostOptions = {
  trees: 80,
  depth_max: 4,
  learning_rate: 0.14,
  leaf_share_min: 0.002,
  shrinkage: 3,
  feature_share: 0.6,
  row_share: 0.7,
  bins_max: 40,
  seed: 3,
};
/** Steps of other texts put into each sound one. */
const intrusions = 3;
const pairs_max = 40;
const pair_distance_max = 12;
const nexts_max = 40;

type Rows = { readonly rows: number[][]; readonly labels: number[]; readonly weights: number[] };
const noRows = (): Rows => ({ rows: [], labels: [], weights: [] });

function add({ rows, labels, weights }: Rows, row: number[], label: number, weight: number): void {
  rows.push(row);
  labels.push(label);
  weights.push(weight);
}

/** Every source counts the same, whatever the number of its texts. Features of a step have no sign: many are context. */
export function fitStepModels(texts: readonly SoundText[]): StepTrees {
  const random = randomOf(5);
  const bySource = Map.groupBy(texts, ({ source }) => source);
  const belongs = noRows();
  const pair = noRows();
  const next = noRows();
  for (const text of texts) {
    const others = bySource.get(text.source) ?? [];
    if (text.steps.length < 3 || others.length < 2) continue;
    const weight = 300 / others.length;
    for (let time = 0; time < intrusions; time += 1)
      addIntrusion(belongs, text, others, weight, time, random);
    const { facts } = factsOf(text.goal, text.steps);
    addPairs(pair, facts, weight, random);
    addNexts(next, facts, weight, random);
  }
  return { belongs: fitted(belongs), pair: fitted(pair), next: fitted(next) };
}

const fitted = ({ rows, labels, weights }: Rows): Trees =>
  boost(
    {
      columns: (rows[0] ?? []).map((_, name) => Float64Array.from(rows, (row) => row[name] ?? 0)),
      labels: Float64Array.from(labels),
      weights: Float64Array.from(weights),
    },
    (rows[0] ?? []).map(() => 0),
    options,
  );

function factsOf(
  goal: string,
  steps: readonly string[],
): { readonly facts: StepFacts[]; readonly meaning: Meaning; readonly reading: Reading } {
  const reading = readReasoning(steps.join('\n'), goal);
  const meaning = readMeaning(reading);
  return { facts: stepFacts(reading, meaning), meaning, reading };
}

function addIntrusion(
  into: Rows,
  { goal, steps }: SoundText,
  others: readonly SoundText[],
  weight: number,
  time: number,
  random: Random,
): void {
  const other = others[Math.floor(random() * others.length)];
  const step = other?.steps[Math.floor(random() * other.steps.length)];
  const at = 1 + Math.floor(random() * (steps.length - 1));
  if (step === undefined || other?.goal === goal) return;
  // Every second one takes the place of a step, the others come on top.
  const { facts, meaning, reading } = factsOf(goal, steps.toSpliced(at, time === 1 ? 1 : 0, step));
  stepRows(facts, meaning.goal).forEach((row, place) => {
    const strange = step.includes(reading.steps[place]?.text.slice(0, 40) ?? '\n');
    add(into, row, strange ? 0 : 1, strange ? weight : weight / facts.length);
  });
}

function addPairs(into: Rows, facts: readonly StepFacts[], weight: number, random: Random): void {
  const means = pairMeans(facts);
  const pairs = facts.flatMap((left, at) =>
    facts.slice(at + 1, at + pair_distance_max).map((right) => [left, right] as const),
  );
  while (pairs.length > pairs_max) pairs.splice(Math.floor(random() * pairs.length), 1);
  for (const [left, right] of pairs) {
    add(into, pairRow(left, right, means), 1, weight / pairs.length);
    add(into, pairRow(right, left, means), 0, weight / pairs.length);
  }
}

function addNexts(into: Rows, facts: readonly StepFacts[], weight: number, random: Random): void {
  const means = pairMeans(facts);
  facts.slice(0, nexts_max).forEach((left, at) => {
    const right = facts[at + 1];
    if (right === undefined) return;
    add(into, pairRow(left, right, means), 1, weight / facts.length);
    const other = facts[Math.floor(random() * facts.length)];
    if (other === undefined || other === left) return;
    add(into, pairRow(left, other, means), other === right ? 1 : 0, weight / facts.length);
  });
}

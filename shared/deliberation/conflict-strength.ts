/** How strong a conflict is: boosted trees over what was compared, fitted by `npm run fit -- contradiction`. */

import * as z from 'zod';
import { type Conflict, type ConflictFeatures, conflictNames } from './conflict.ts';
import { tableBytes } from './tables.ts';
import { type Forest, forestOf, logOdds } from './trees.ts';
import { contradictionPolicy as policy } from './weights.ts';

const numbers = z.array(z.number());
const trees = z.object({
  bias: z.number(),
  trees: z.array(z.object({ feature: numbers, cut: numbers, left: numbers, value: numbers })),
});

/** One model per question; the features of all are in the order of `features`. */
const strengthModel = z.object({
  features: z.array(z.string()),
  /** Between sentences of one text, whose subjects may differ. */
  within: trees,
  /** Between premise and text when one of the sentences denies, and when none does. */
  denied: trees,
  asserted: trees,
});
export type StrengthModel = z.infer<typeof strengthModel>;

/** @throws Error when the features of the model are not those that the code computes */
export function readStrengthModel(json: string): StrengthModel {
  const model = strengthModel.parse(JSON.parse(json));
  if (model.features.join() !== conflictNames.join()) {
    throw new Error('tables/contradiction.json knows other features: run npm run fit -- contradiction.');
  }
  return model;
}

type Forests = Readonly<Record<'within' | 'denied' | 'asserted', Forest>>;

let loaded: Forests | undefined;

function model(): Forests {
  if (loaded === undefined) {
    const { within, denied, asserted } = readStrengthModel(tableBytes('contradiction.json').toString());
    loaded = { within: forestOf(within), denied: forestOf(denied), asserted: forestOf(asserted) };
  }
  return loaded;
}

/** The features as the trees expect them. */
export const conflictRow = (features: ConflictFeatures): number[] =>
  conflictNames.map((name) => features[name]);

/** Which of the two models of premise and text a conflict is for. */
export const isDenied = ({ parity, bothDenied }: ConflictFeatures): boolean => parity + bothDenied > 0;

const chance = (of: Forest, features: ConflictFeatures): number =>
  1 / (1 + Math.exp(-logOdds(of, conflictRow(features))));

/** Inside a text subjects may differ, so that an exchange of words says nothing. */
export const countsWithin = ({ reason }: Conflict): boolean => reason !== null && reason.kind !== 'exchange';

/** 0..1, of two sentences of one text. */
export const strengthWithin = (conflict: Conflict): number =>
  countsWithin(conflict) ? trustIn(conflict) * chance(model().within, conflict.features) : 0;

/** 0..1, of a sentence of the premise and one of the text. */
export function strengthBetween(conflict: Conflict): number {
  const { features, reason } = conflict;
  if (reason === null) return 0;
  return (
    trustIn(conflict) *
    (isDenied(features)
      ? chance(model().denied, features)
      : policy.exchange_trust * chance(model().asserted, features))
  );
}

const trustIn = ({ features }: Conflict): number => (features.supposed === 1 ? policy.supposed_trust : 1);

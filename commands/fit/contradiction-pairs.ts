/** Fits how strong a conflict between a premise and a text is. */

import { conflictRow, isDenied } from '../../shared/deliberation/conflict-strength.ts';
import { comparedBetween } from '../../shared/deliberation/contradiction.ts';
import { splitSentences } from '../../shared/deliberation/steps.ts';
import { logOddsOfTrees, type Trees } from '../../shared/deliberation/trees.ts';
import { cleanText } from '../../shared/deliberation/words.ts';
import type { BoostOptions } from './boost.ts';
import { type LabelledText, partOf } from './dev-sets.ts';
import { areaUnderCurve } from './measures.ts';
import { fitRows, folds, type Row } from './rows.ts';

type Pair = { readonly group: string; readonly label: 0 | 1; readonly comparisons: readonly number[][] };

const sentences = (text: string) => splitSentences(cleanText(text)).map((sentence) => sentence.text);

/** Pairs of premise and text that have comparisons of the kind wanted. */
function pairsOf(examples: readonly LabelledText[], denied: boolean): Pair[] {
  return examples.flatMap(({ group, label, premise, text }) => {
    const comparisons = [...comparedBetween(sentences(premise ?? ''), sentences(text))]
      .filter(({ conflict }) => conflict.reason !== null && isDenied(conflict.features) === denied)
      .map(({ conflict }) => conflictRow(conflict.features));
    return comparisons.length === 0 ? [] : [{ group, label: label === 1 ? 1 : 0, comparisons }];
  });
}

/** Both labels weigh the same, and the comparisons of a pair together as much as one. */
function rowsOf(pairs: readonly Pair[]): Row[] {
  const counts = [0, 1].map((label) => pairs.filter((pair) => pair.label === label).length);
  return pairs.flatMap(({ label, comparisons }) =>
    comparisons.map(
      (features): Row => ({
        features,
        label,
        weight: 1 / ((counts[label] ?? 1) * comparisons.length),
      }),
    ),
  );
}

const scoreOf = (trees: Trees, { comparisons }: Pair): number =>
  Math.max(...comparisons.map((features) => logOddsOfTrees(trees, features)));

function areaOf(pairs: readonly Pair[], scores: readonly number[]): number {
  const of = (label: number) => scores.filter((_, at) => pairs[at]?.label === label);
  return areaUnderCurve(of(1), of(0));
}

export type FitOfPairs = {
  readonly trees: Trees;
  /** AUC on the examples themselves, and with each group scored by a fit without it. */
  readonly inSample: number;
  readonly crossValidated: number;
};

/** @param denied whether to fit comparisons in which a sentence denies, or the others */
export function fitPairs(
  examples: readonly LabelledText[],
  denied: boolean,
  options: BoostOptions,
): FitOfPairs {
  const pairs = pairsOf(examples, denied);
  const trees = fitRows(rowsOf(pairs), options);
  const byFold = Array.from({ length: folds }, (_, fold) =>
    fitRows(rowsOf(pairs.filter(({ group }) => partOf(group, folds) !== fold)), options),
  );
  const foreign = pairs.map((pair) => scoreOf(byFold[partOf(pair.group, folds)] ?? trees, pair));
  return {
    trees,
    inSample: areaOf(
      pairs,
      pairs.map((pair) => scoreOf(trees, pair)),
    ),
    crossValidated: areaOf(pairs, foreign),
  };
}

/** Fits how strong a conflict between two sentences of one text is, on texts with a contradicting sentence put in. */

import { conflictNames } from '../../shared/deliberation/conflict.ts';
import { conflictRow, countsWithin } from '../../shared/deliberation/conflict-strength.ts';
import { comparedWithin } from '../../shared/deliberation/contradiction.ts';
import { splitSentences } from '../../shared/deliberation/steps.ts';
import { logOddsOfTrees, type Trees } from '../../shared/deliberation/trees.ts';
import { cleanText } from '../../shared/deliberation/words.ts';
import type { BoostOptions } from './boost.ts';
import { type LabelledText, partOf } from './dev-sets.ts';
import { caughtAt, meanOf } from './measures.ts';
import { fitRows, folds, type Row } from './rows.ts';

const contradicting = ['contradict_neg', 'contradict_para', 'contradict_ant', 'contradict_num'];
/** A text with a denied sentence of another text: a denial, and no contradiction. */
const control = 'control_foreign_neg';
/** A sentence denied where it stands: it contradicts another one only where the text says the thing twice. */
const negated = 'negate_step';
const negated_alignment_min = 0.5;
const negated_weight = 0.3;

/** A comparison, and whether one of its sentences is not of the sound text. */
type Comparison = { readonly features: number[]; readonly put: boolean };
/** The sound text of a group and what was made of it, by variant. */
type Group = { readonly group: string; readonly texts: ReadonlyMap<string, readonly Comparison[]> };

const sentencesOf = (text: string) => splitSentences(cleanText(text)).map((sentence) => sentence.text);

export function groupsOf(examples: readonly LabelledText[]): Group[] {
  const byGroup = Map.groupBy(examples, ({ group }) => group);
  return [...byGroup].flatMap(([group, variants]) => {
    const sound = variants.find(({ variant }) => variant === 'orig');
    if (!sound) return [];
    const known = new Set(sentencesOf(sound.text));
    const used = [...contradicting, negated, control];
    const texts = [sound, ...variants.filter(({ variant }) => used.includes(variant))];
    return [
      { group, texts: new Map(texts.map(({ variant, text }) => [variant, comparisonsOf(text, known)])) },
    ];
  });
}

function comparisonsOf(text: string, known: ReadonlySet<string>): Comparison[] {
  return [...comparedWithin(sentencesOf(text))]
    .filter(({ conflict }) => countsWithin(conflict))
    .map(({ first, second, conflict }) => ({
      features: conflictRow(conflict.features),
      put: !known.has(first.text) || !known.has(second.text),
    }));
}

const alignmentOf = ({ features }: Comparison): number => features[conflictNames.indexOf('alignment')] ?? 0;
const parityOf = ({ features }: Comparison): number => features[conflictNames.indexOf('parity')] ?? 0;

/** Sound texts and controls give all that was compared; the others the comparison of their own that aligns best. */
function rowsOf(sets: readonly (readonly Group[])[]): Row[] {
  return sets.flatMap((groups) =>
    groups.flatMap(({ texts }) =>
      [...texts].flatMap(([variant, comparisons]) => {
        const rows = rowsOfText(variant, comparisons);
        return rows.map((row) => ({ ...row, weight: row.weight / groups.length }));
      }),
    ),
  );
}

function rowsOfText(variant: string, comparisons: readonly Comparison[]): Row[] {
  if (variant === 'orig') return comparisons.map(({ features }) => ({ features, label: 0, weight: 1 }));
  const put = comparisons.filter((one) => one.put);
  if (variant === control) return put.map(({ features }) => ({ features, label: 0, weight: 1 }));
  const [best] = put.sort((left, right) => alignmentOf(right) - alignmentOf(left));
  if (best === undefined) return [];
  if (variant !== negated) return [{ features: best.features, label: 1, weight: 1 }];
  const isRestated = parityOf(best) === 1 && alignmentOf(best) >= negated_alignment_min;
  return isRestated ? [{ features: best.features, label: 1, weight: negated_weight }] : [];
}

export type FitWithin = {
  readonly trees: Trees;
  readonly inSample: MeasuresWithin;
  readonly crossValidated: MeasuresWithin;
};

export type MeasuresWithin = {
  /** Share of texts with a contradiction that score higher than the control of the same group. */
  readonly againstForeign: number;
  /** Share of them that 5 % false alarms on the sound texts catch. Both are means over variants and sets. */
  readonly caught: number;
};

export function fitWithin(sets: readonly (readonly Group[])[], options: BoostOptions): FitWithin {
  const trees = calibrated(fitRows(rowsOf(sets), options), sets);
  const byFold = Array.from({ length: folds }, (_, fold) =>
    fitRows(
      rowsOf(sets.map((groups) => groups.filter(({ group }) => partOf(group, folds) !== fold))),
      options,
    ),
  );
  return {
    trees,
    inSample: measure(sets, () => trees),
    crossValidated: measure(sets, (group) => byFold[partOf(group, folds)] ?? trees),
  };
}

/** The strength from which a contradiction is reported, and the share of sound texts that may reach it. */
const reported_strength = 0.3;
const false_alarms = 0.05;

/** Moves the trees so that sound texts, every set counting the same, reach the reported strength that often. */
function calibrated(trees: Trees, sets: readonly (readonly Group[])[]): Trees {
  const scores = sets.flatMap((groups) =>
    groups.map(({ texts }) => ({
      odds: Math.max(
        ...(texts.get('orig') ?? []).map(({ features }) => logOddsOfTrees(trees, features)),
        -Infinity,
      ),
      share: 1 / (sets.length * groups.length),
    })),
  );
  scores.sort((left, right) => right.odds - left.odds);
  let share = 0;
  const edge = scores.find((one) => {
    share += one.share;
    return share > false_alarms;
  });
  if (edge === undefined || edge.odds === -Infinity) return trees;
  const bias = Math.log(reported_strength / (1 - reported_strength)) - edge.odds;
  return { ...trees, bias: trees.bias + Number(bias.toFixed(4)) };
}

const texts_min = 10;

function measure(sets: readonly (readonly Group[])[], treesFor: (group: string) => Trees): MeasuresWithin {
  const againstForeign: number[] = [];
  const caught: number[] = [];
  for (const groups of sets) {
    const scored = groups.map(({ group, texts }) => {
      const trees = treesFor(group);
      const of = (variant: string) => {
        const comparisons = texts.get(variant);
        return comparisons?.reduce(
          (best, { features }) => Math.max(best, chance(logOddsOfTrees(trees, features))),
          0,
        );
      };
      return { of, sound: of('orig') ?? 0, foreign: of(control) };
    });
    for (const variant of contradicting) {
      const scores = scored.flatMap((one) => one.of(variant) ?? []);
      const wins = scored.flatMap(({ of, foreign }) => {
        const score = of(variant);
        return score === undefined || foreign === undefined ? [] : [(Math.sign(score - foreign) + 1) / 2];
      });
      if (wins.length >= texts_min) againstForeign.push(meanOf(wins));
      if (scores.length >= texts_min) {
        caught.push(
          caughtAt(
            false_alarms,
            scores,
            scored.map(({ sound }) => sound),
          ),
        );
      }
    }
  }
  return { againstForeign: meanOf(againstForeign), caught: meanOf(caught) };
}

const chance = (odds: number): number => 1 / (1 + Math.exp(-odds));

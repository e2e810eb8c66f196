/** What each group of features is worth: the fit without it, on goals that the fit has not seen. */

import { type FeatureGroup, featureGroups, featureNames } from '../../shared/deliberation/features.ts';
import { axes } from './axes.ts';
import type { Figures } from './axis-figures.ts';
import type { Row } from './axis-rows.ts';
import { judgeUnseen } from './unseen.ts';

/** Prints a table as Markdown: the area under the curve with all groups, and without each in turn. */
export function printAblation(rows: readonly Row[]): void {
  process.stdout.write(
    '| without | depth | coherence | relevance | ALL axis | ALL overall |\n|---|---|---|---|---|---|\n',
  );
  printLine('nothing', judgeUnseen(rows, 1).figures);
  for (const group of Object.keys(featureGroups)) {
    if (isGroup(group))
      printLine(
        group,
        judgeUnseen(
          rows.map((row) => without(row, group)),
          1,
        ).figures,
      );
  }
}

const isGroup = (name: string): name is FeatureGroup => name in featureGroups;

/** A feature that is the same for every text tells nothing. */
function without(row: Row, group: FeatureGroup): Row {
  const left: Readonly<Record<string, number>> = featureGroups[group];
  return { ...row, values: row.values.map((value, at) => ((featureNames[at] ?? '') in left ? 0 : value)) };
}

function printLine(name: string, figures: Figures): void {
  const cells = [
    ...axes.map((axis) => figures[axis].axis),
    mean(axes.map((axis) => figures[axis].axis)),
    mean(axes.map((axis) => figures[axis].overall)),
  ];
  process.stdout.write(`| ${name} | ${cells.map((cell) => cell.toFixed(3)).join(' | ')} |\n`);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

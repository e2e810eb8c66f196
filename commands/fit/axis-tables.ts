/** `npm run fit -- axes`: from the development sets to `tables/steps.json` and `tables/axes.json`. */

import type { AxesTable, AxisTable, StepsTable } from '../../shared/deliberation/axis-models.ts';
import { featureNames, type StepModels } from '../../shared/deliberation/features.ts';
import { forestOf } from '../../shared/deliberation/trees.ts';
import { progress } from '../lines.ts';
import { printAblation } from './ablation.ts';
import { axes, fitAxis } from './axes.ts';
import { type Axis, debates, parts, type Row, rowsOfDamage, rowsOfSet } from './axis-rows.ts';
import type { SoundText } from './damage.ts';
import { type LabelledText, partOf, readSet } from './dev-sets.ts';
import { fitStepModels, type StepTrees } from './step-models.ts';
import { writeTable } from './tables.ts';
import { damagedSets, furtherSets, soundLines, soundTexts } from './texts.ts';
import { folds, judgeUnseen } from './unseen.ts';

const further_texts_max = 500;

/**
 * Fits all tables but those of words and of contradiction. Takes some ten minutes on one core.
 *
 * @param folder of the development sets
 */
export async function fitAxes(folder: string): Promise<void> {
  const { sound, rows } = await readRows(folder);
  const { figures, scales, debates_right } = judgeUnseen(rows, folds);
  const mean = (of: (axis: Axis) => number) => axes.reduce((sum, axis) => sum + of(axis), 0) / axes.length;
  for (const axis of axes) say(axis, figures[axis].axis, figures[axis].overall);
  say(
    'ALL',
    mean((axis) => figures[axis].axis),
    mean((axis) => figures[axis].overall),
  );
  process.stderr.write(
    `topics unseen by the fit: ${debates_right.toFixed(3)} of the pairs of arguments in order\n`,
  );
  const axis = (name: Axis): AxisTable => ({ ...scales[name], ...fitAxis(name, rows) });
  const table: AxesTable = {
    features: featureNames,
    depth: axis('depth'),
    coherence: axis('coherence'),
    relevance: axis('relevance'),
  };
  writeTable('steps.json', written(fitStepModels(sound)));
  writeTable('axes.json', written(table));
}

/** Prints what each group of features is worth; writes no table. Takes some ten minutes on one core. */
export async function ablateAxes(folder: string): Promise<void> {
  printAblation((await readRows(folder)).rows);
}

const say = (name: string, axis: number, overall: number) =>
  process.stderr.write(
    `goals unseen by the fit: ${name} axis AUC ${axis.toFixed(3)}, overall AUC ${overall.toFixed(3)}\n`,
  );

async function readRows(folder: string): Promise<{ readonly sound: SoundText[]; readonly rows: Row[] }> {
  const sets = new Map<string, LabelledText[]>();
  for (const set of [...damagedSets, ...furtherSets, debates]) sets.set(set, await readSet(folder, set));
  const linesOf = (set: string) => sets.get(set) ?? [];
  const soundOf = (set: string) => soundTexts(linesOf(set), further_texts_max);
  const sound = [...damagedSets, ...furtherSets].flatMap(soundOf);
  const withoutHalf = (half: number) => sound.filter(({ goal }) => partOf(goal, parts) % 2 !== half);
  const halves: [StepModels, StepModels] = [
    modelsOf(fitStepModels(withoutHalf(0))),
    modelsOf(fitStepModels(withoutHalf(1))),
  ];
  const shown = progress('texts measured');
  const tick = () => shown.tick();
  const rows = [
    ...[...damagedSets, debates].flatMap((set) => rowsOfSet(linesOf(set), halves, tick)),
    ...damagedSets.flatMap((set) => rowsOfDamage(soundOf(set), 2, halves, tick)),
    ...rowsOfSet(soundLines(linesOf('prmbench'), further_texts_max), halves, tick),
    ...rowsOfDamage(soundOf('prmbench'), 1, halves, tick),
  ];
  shown.done();
  return { sound, rows };
}

const modelsOf = ({ belongs, pair, next }: StepTrees): StepModels => ({
  belongs: forestOf(belongs),
  pair: forestOf(pair),
  next: forestOf(next),
});

/** Four digits are as many as the sets can tell apart. */
const significant = (value: number): number => Number(value.toPrecision(4));

/** One tree a line, so that a change can be read. */
function written(table: AxesTable | StepsTable): Buffer {
  const text = JSON.stringify(table, (name, value) => {
    if (name === 'weights' || name === 'value') return value.map(significant);
    return name === 'bias' ? significant(value) : value;
  });
  return Buffer.from(`${text.replaceAll('{"feature"', '\n{"feature"')}\n`);
}

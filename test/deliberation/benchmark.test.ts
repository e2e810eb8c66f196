/** Keeps the scorer's accuracy on reasoning that the project did not write (D4): a third of the goals, with the evaluator. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { coreSets, partOf, readSet } from '../../commands/fit/dev-sets.ts';
import { scoreLocally } from '../../shared/deliberation/local-scorer.ts';

const data = path.resolve('../shared/data/deliberation/dev');
const evaluator = path.resolve('../shared/tools/deliberation-eval.cjs');
const present = existsSync(data) && existsSync(evaluator);
if (!present) {
  process.stderr.write(
    'The reasoning sets are not beside the project: the accuracy of the scorer is not checked.\n',
  );
}

/** Those that the evaluator cannot do without. */
const needed = ['ukp-pairs', 'prmbench', 'fbi'];

/** Figures of this sample when it was last measured, from the evaluator's own lines. */
const figures = { axis: 0.891, overall: 0.865, contradiction: 0.979 };
const slack = 0.01;

(present ? test : test.skip)(
  `a third of the goals: ALL axis AUC ${figures.axis}, overall AUC ${figures.overall}, contradiction against control ${figures.contradiction}, none lower by more than ${slack}`,
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'reasoning-'));
    const predictions: string[] = [];
    for (const set of [...coreSets, ...needed]) {
      const parts = coreSets.includes(set) ? 3 : 60;
      const texts = (await readSet(data, set)).filter(({ goal }) => partOf(goal, parts) === 0);
      writeFileSync(path.join(folder, `${set}.jsonl`), texts.map((text) => JSON.stringify(text)).join('\n'));
      for (const { id, goal, text } of texts) {
        const { depth, coherence, relevance, overall, contradiction } = scoreLocally({ goal, text });
        predictions.push(JSON.stringify({ id, set, depth, coherence, relevance, overall, contradiction }));
      }
    }
    const file = path.join(folder, 'predictions.jsonl');
    writeFileSync(file, predictions.join('\n'));
    const lines = execFileSync(process.execPath, [evaluator, folder, file], { encoding: 'utf8' }).split('\n');
    rmSync(folder, { recursive: true });
    const numberAfter = (name: string) => {
      const line = lines.find((one) => one.trimStart().startsWith(name)) ?? '';
      return Number(line.trim().slice(name.length).trim().split(/\s+/)[0]);
    };
    const heading = lines.findIndex((line) => line.startsWith('# contradiction subscore'));
    const againstControl = lines
      .slice(heading + 1, heading + 5)
      .map((line) => Number(line.trim().split(/\s+/)[1]));
    const mean = againstControl.reduce((sum, value) => sum + value, 0) / againstControl.length;
    expect(numberAfter('ALL/axis/auc')).toBeGreaterThanOrEqual(figures.axis - slack);
    expect(numberAfter('ALL/overall/auc')).toBeGreaterThanOrEqual(figures.overall - slack);
    expect(mean).toBeGreaterThanOrEqual(figures.contradiction - slack);
  },
  120_000,
);

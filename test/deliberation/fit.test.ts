import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { contradictionSets } from '../../commands/fit/contradiction.ts';
import { partOf, readSet } from '../../commands/fit/dev-sets.ts';
import { areaUnderCurve, caughtAt } from '../../commands/fit/measures.ts';
import { fitRows, type Row } from '../../commands/fit/rows.ts';
import { baseForms } from '../../commands/fit/word-forms.ts';
import { conflictNames } from '../../shared/deliberation/conflict.ts';
import { readStrengthModel } from '../../shared/deliberation/conflict-strength.ts';
import { contradictionsBetween } from '../../shared/deliberation/contradiction.ts';
import { logOddsOfTrees } from '../../shared/deliberation/trees.ts';

const data = '../shared/data/deliberation/dev';

describe('measures', () => {
  test('area under the curve is the share of pairs in order, ties counted as half', () => {
    expect(areaUnderCurve([3, 2], [1, 0])).toBe(1);
    expect(areaUnderCurve([1, 1], [1, 1])).toBe(0.5);
    expect(areaUnderCurve([2, 0], [1])).toBe(0.5);
  });

  test('what a share of false alarms catches', () => {
    const sound = Array.from({ length: 100 }, (_, at) => at);
    expect(caughtAt(0.05, [94, 95, 200, 300], sound)).toBe(0.75);
  });
});

describe('words', () => {
  test.each([
    ['women', 'noun', 'woman'],
    ['cities', 'noun', 'city'],
    ['stopped', 'verb', 'stop'],
    ['making', 'verb', 'make'],
    ['went', 'verb', 'go'],
    ['happiest', 'adj', 'happy'],
    ['bigger', 'adj', 'big'],
  ] as const)('%s, a %s, may be a form of %s', (word, part, base) => {
    expect(baseForms(word, part)).toContain(base);
  });
});

describe('a fit', () => {
  /** Comparisons of which those with the higher alignment contradict, but for noise. */
  const rows = Array.from({ length: 400 }, (_, at): Row => {
    const features = conflictNames.map((name) => (name === 'alignment' ? (at % 20) / 20 : 0));
    return { features, label: at % 20 > 9 !== (at % 7 === 0) ? 1 : 0, weight: 1 };
  });
  const options = {
    ...{ trees: 20, depth_max: 2, learning_rate: 0.2, leaf_share_min: 0.02, shrinkage: 1 },
    ...{ feature_share: 1, row_share: 0.8, bins_max: 32, seed: 1 },
  };

  test('gives the same trees from the same rows', () => {
    expect(fitRows(rows, options)).toEqual(fitRows(rows, options));
  });

  test('keeps the sign of a feature: more alignment never speaks against a contradiction', () => {
    const trees = fitRows(rows, options);
    const odds = rows.slice(0, 20).map(({ features }) => logOddsOfTrees(trees, features));
    expect(odds).toEqual(odds.toSorted((left, right) => left - right));
  });
});

describe('labelled sets', () => {
  test('a missing file and a bad line are named', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mothership-sets-'));
    try {
      await expect(readSet(folder, 'nli-x')).rejects.toThrow('nli-x.jsonl');
      writeFileSync(path.join(folder, 'nli-x.jsonl'), '{"group": 1}\n');
      await expect(readSet(folder, 'nli-x')).rejects.toThrow('nli-x.jsonl, line 1');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a model of other features is refused', () => {
    const trees = { bias: 0, trees: [] };
    const model = { features: ['length'], within: trees, denied: trees, asserted: trees };
    expect(() => readStrengthModel(JSON.stringify(model))).toThrow('npm run fit -- contradiction');
  });

  test('sets that must not be fitted are not', () => {
    const fitted = Object.values(contradictionSets).flat().join();
    expect(fitted).not.toMatch(/fbi|sick|anli/);
  });

  const present = existsSync(data);
  if (!present) process.stderr.write(`${data} is absent: the model is not measured.\n`);
  (present ? test : test.skip)('one fold of the negation set is told apart', async () => {
    const examples = (await readSet(data, 'nli-negation')).filter(({ group }) => partOf(group, 5) === 0);
    const scoresOf = (label: number) =>
      examples
        .filter((one) => (one.label === 1 ? 1 : 0) === label)
        .map(({ premise = '', text }) => contradictionsBetween([premise], [text])[0]?.strength ?? 0);
    expect(areaUnderCurve(scoresOf(1), scoresOf(0))).toBeGreaterThan(0.78);
  });
});

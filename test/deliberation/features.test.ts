import { describe, expect, test } from '@jest/globals';
import { axisModels, axisScore } from '../../shared/deliberation/axis-models.ts';
import {
  depthOnly,
  featureGroups,
  featureNames,
  featureSigns,
  measure,
  rowOf,
} from '../../shared/deliberation/features.ts';
import { tableBytes } from '../../shared/deliberation/tables.ts';
import { samples } from './samples.ts';

const models = axisModels();
const axes = ['depth', 'coherence', 'relevance'] as const;

test('the tables were fitted to the features that are measured, in their order', () => {
  expect(JSON.parse(tableBytes('axes.json').toString()).features).toEqual(featureNames);
});

test('every feature is measured, and stands in one group', () => {
  const { features } = measure(
    { goal: samples[0]?.goal ?? '', text: samples[0]?.steps.join('\n') ?? '' },
    models.steps,
  );
  expect([...featureNames].sort()).toEqual(Object.keys(features).sort());
  expect(new Set(featureNames).size).toBe(featureNames.length);
});

describe.each(axes)('%s keeps the sign of every feature', (axis) => {
  test.each(samples.map((sample) => [sample.goal, sample] as const))('%s', (_, { goal, steps }) => {
    const row = rowOf(measure({ goal, text: steps.join('\n') }, models.steps).features);
    featureSigns.forEach((sign, name) => {
      if (sign === 0) return;
      for (const change of [0.05, 0.3, 1, 5]) {
        const better = axisScore(models[axis], row.with(name, (row[name] ?? 0) + sign * change));
        const worse = axisScore(models[axis], row.with(name, (row[name] ?? 0) - sign * change));
        expect([featureNames[name], better >= worse - 1e-12]).toEqual([featureNames[name], true]);
      }
    });
  });
});

test('more words make a text deeper, neither more coherent nor more relevant', () => {
  const [sample] = samples;
  const row = rowOf(
    measure({ goal: sample?.goal ?? '', text: sample?.steps.join('\n') ?? '' }, models.steps).features,
  );
  for (const name of depthOnly) {
    const more = row.with(featureNames.indexOf(name), 9);
    expect(axisScore(models.coherence, more)).toBe(axisScore(models.coherence, row));
    expect(axisScore(models.relevance, more)).toBe(axisScore(models.relevance, row));
  }
});

test('only context has no sign', () => {
  for (const [group, features] of Object.entries(featureGroups)) {
    for (const sign of Object.values(features)) expect(sign === 0).toBe(group === 'context');
  }
});

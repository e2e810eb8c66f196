import { describe, expect, test } from '@jest/globals';
import { className, classNumber, defaultsOfPhase, priorityOf } from '../../shared/admission/priority.ts';

describe('every phase has its class, overridability and resources (A3)', () => {
  test.each([
    ['security', 0, false, 6, 24],
    ['deploy', 0, false, 4, 16],
    ['build', 1, true, 8, 32],
    ['test', 1, true, 6, 24],
    ['plan', 2, true, 2, 8],
    ['design', 2, true, 4, 16],
    ['story_loop', 2, true, 4, 16],
    ['research', 3, true, 2, 8],
    ['translate', 2, true, 4, 16],
    ['Security', 2, true, 4, 16],
    ['constructor', 2, true, 4, 16],
    ['__proto__', 2, true, 4, 16],
  ])('%s is P%i, overridable: %s, %i vCPU, %i GB', (phase, taskClass, overridable, cpu, memoryGb) => {
    expect(defaultsOfPhase(phase)).toEqual({ class: taskClass, overridable, cpu, memoryGb });
    expect(priorityOf(phase)).toEqual({ class: taskClass, overridable, reason: `phase:${phase}` });
  });
});

test.each([
  ['the class alone', 'research', { class: 'P1', reason: 'r' }, { class: 1, overridable: true }],
  [
    'a research run to P0 stays overridable',
    'research',
    { class: 'P0', reason: 'r' },
    { class: 0, overridable: true },
  ],
  [
    'whether it may be preempted',
    'deploy',
    { overridable: true, reason: 'r' },
    { class: 0, overridable: true },
  ],
  ['both', 'build', { class: 'P3', overridable: false, reason: 'r' }, { class: 3, overridable: false }],
] as const)('an operator overrides %s, and its words are kept', (_what, phase, override, expected) => {
  expect(priorityOf(phase, override)).toEqual({ ...expected, reason: 'r' });
});

test('class names and numbers are two spellings of the same', () => {
  expect(([0, 1, 2, 3] as const).map(className)).toEqual(['P0', 'P1', 'P2', 'P3']);
  expect((['P0', 'P1', 'P2', 'P3'] as const).map(classNumber)).toEqual([0, 1, 2, 3]);
  expect(() => className(4)).toThrow(RangeError);
});

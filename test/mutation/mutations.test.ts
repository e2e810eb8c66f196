import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Mutation, mutations } from './mutations.ts';
import { mutated, projectFolder, textOf } from './project-copy.ts';

describe('every mutation still breaks what it says it breaks', () => {
  test.each(mutations)('$rule $name', (mutation) => {
    const text = textOf(mutation);
    expect(mutated(mutation, text)).not.toBe(text);
    expect(mutation.tests.filter((file) => !existsSync(path.join(projectFolder, file)))).toEqual([]);
    expect(mutation.tests.length).toBeGreaterThan(0);
  });

  test('and has a name of its own', () => {
    const names = mutations.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a mutation', () => {
  const mutation: Mutation = {
    name: 'open',
    rule: 'A0',
    broken: 'the gate is open',
    file: 'gate.ts',
    find: 'shut',
    replacement: '$& open',
    tests: [],
  };

  test('replaces its text as it stands', () => {
    expect(mutated(mutation, 'the gate is shut.')).toBe('the gate is $& open.');
  });

  test.each([
    ['0', 'the gate is closed.'],
    ['2', 'shut, shut.'],
  ])('whose text is there %s times is refused with its name and file', (times, text) => {
    expect(() => mutated(mutation, text)).toThrow(`open: its text is ${times} times in gate.ts`);
  });
});

/**
 * What users of other systems were angry about, each as a test here. A test file begins with a table of them; its tests take
 * their names from it, and docs/failures.md shows it.
 */

import { describe, expect, test } from '@jest/globals';
import { sectionIn, sectionOf, updates, writeSection } from './failures-page.ts';

export type Failure = {
  /** Where users told of it: `project #number`, an issue or a pull request; or the rule, `B4`, that forbids its like. */
  readonly seenAt: readonly string[];
  /** What happened there. */
  readonly happened: string;
  /** What must be true here instead: the name of the test. */
  readonly here: string;
};

export type FailureTable<Key extends string> = {
  /** The test of a failure; `of` tells apart several tests of one. */
  test(key: Key, body: () => Promise<void>, of?: string): void;
};

/**
 * @param file `import.meta.filename` of the test file
 * @param family what the failures have in common: the section's heading on the page
 */
export function failureTable<Key extends string>(
  file: string,
  family: string,
  failures: Readonly<Record<Key, Failure>>,
): FailureTable<Key> {
  const untested = new Set(Object.keys(failures));
  describe(`the page of failures: ${family}`, () => {
    test('has a test for each', () => {
      expect([...untested]).toEqual([]);
    });

    test('is up to date', () => {
      const section = sectionOf(family, file, Object.values<Failure>(failures));
      if (updates) writeSection(family, section);
      expect(sectionIn(family)).toBe(section);
    });
  });
  return {
    test(key, body, of) {
      untested.delete(key);
      const { seenAt, here } = failures[key];
      test(`${here}${of === undefined ? '' : `: ${of}`} (${seenAt.join(', ')})`, body, 30_000);
    },
  };
}

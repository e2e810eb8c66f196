/**
 * Every pair of calls that can meet on tasks at work, both ways round and at every lock where they can meet: what is heard
 * and what is left is that of one call after the other, as the rules give it.
 */

import { expect, test } from '@jest/globals';
import { kinds } from './race-calls.ts';
import { pairsOf, racePairs } from './race-pairs.ts';
import { scenesAtWork } from './race-scenes-at-work.ts';
import { scenesInLine } from './race-scenes-in-line.ts';

racePairs(scenesAtWork);

/** Kinds that nothing brings together, and why. */
const neverMeet: Readonly<Record<string, string>> = {};

test('every kind of call meets every other one somewhere', () => {
  const met = [...scenesAtWork, ...scenesInLine]
    .flatMap(pairsOf)
    .map(([one, other]) => [one.kind, other.kind].toSorted().join(' / '));
  const every = kinds.flatMap((one, index) =>
    kinds.slice(index).map((other) => [one, other].toSorted().join(' / ')),
  );
  expect(every.filter((pair) => !met.includes(pair))).toEqual(Object.keys(neverMeet));
});

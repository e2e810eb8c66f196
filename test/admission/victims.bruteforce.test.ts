/** Minimal sets of victims (P2) against every subset there is, for up to 10 candidates in room and quota. */

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseVictims } from '../../shared/admission/victims.ts';

/** vCPU, GB and slots of the pool; vCPU, GB and runs of the newcomer's own tenant. Thousandths, so that sums are exact. */
type Candidate = { readonly id: number; readonly gives: readonly number[] };

const amount_milli = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 8 }).map((whole) => whole * 1000),
  fc.integer({ min: 1, max: 8000 }),
);
/** Another tenant's task leaves room only, its own leaves the same amounts as quota, too. */
const candidate = fc
  .record({ cpu: amount_milli, memory: amount_milli, own: fc.boolean(), endsRun: fc.boolean() })
  .map(({ cpu, memory, own, endsRun }) =>
    own ? [cpu, memory, 1000, cpu, memory, endsRun ? 1000 : 0] : [cpu, memory, 1000, 0, 0, 0],
  );
const candidates = fc
  .array(candidate, { maxLength: 10 })
  .map((list) => list.map((gives, id): Candidate => ({ id, gives })));
const slots = fc.integer({ min: 0, max: 4 }).map((count) => count * 1000);
const missing = fc.tuple(
  ...[amount_milli, amount_milli, slots, amount_milli, amount_milli, slots].map((each) =>
    fc.oneof(each, fc.constant(0)),
  ),
);

const units = (milli: readonly number[]) => milli.map((value) => value / 1000);
const choose = (list: readonly Candidate[], need: readonly number[]) =>
  chooseVictims(list, units(need), ({ gives }) => units(gives));

function suffices(set: readonly Candidate[], need: readonly number[]): boolean {
  return need.every(
    (amount, dimension) => set.reduce((sum, { gives }) => sum + (gives[dimension] ?? 0), 0) >= amount,
  );
}

function subsetsOf(list: readonly Candidate[]): Candidate[][] {
  const subsets: Candidate[][] = [[]];
  for (const one of list) subsets.push(...subsets.map((subset) => [...subset, one]));
  return subsets;
}

/** Enough, and not enough without any one of them. */
function minimalSets(list: readonly Candidate[], need: readonly number[]): Candidate[][] {
  const enough = subsetsOf(list).filter((set) => suffices(set, need));
  return enough.filter((set) =>
    set.every(
      (one) =>
        !suffices(
          set.filter((other) => other !== one),
          need,
        ),
    ),
  );
}

const keyOf = (set: readonly Candidate[]) => set.map(({ id }) => id).join();

test('the set is one of the minimal ones, and there is none exactly when all together do not suffice', () => {
  fc.assert(
    fc.property(candidates, missing, (list, need) => {
      const possible = minimalSets(list, need);
      const chosen = choose(list, need);
      if (chosen === null) {
        expect(possible).toEqual([]);
        return;
      }
      expect(possible.map(keyOf)).toContain(keyOf(chosen));
    }),
    { numRuns: 1000 },
  );
});

test('of all minimal sets it takes the earliest victims: the one whose last comes first, then the next to last', () => {
  fc.assert(
    fc.property(candidates, missing, (list, need) => {
      const latestFirst = (set: readonly Candidate[]) => set.map(({ id }) => id).toReversed();
      const [best] = minimalSets(list, need)
        .map(latestFirst)
        .sort((a, b) => {
          const differs = a.findIndex((id, index) => id !== b[index]);
          return differs < 0 ? a.length - b.length : (a[differs] ?? 0) - (b[differs] ?? -1);
        });
      const chosen = choose(list, need);
      expect(chosen === null ? undefined : latestFirst(chosen)).toEqual(best);
    }),
    { numRuns: 500 },
  );
});

import { expect, test } from '@jest/globals';
import { noUse } from '../../commands/replay/account.ts';
import { type Invariant, noBreaches } from '../../commands/replay/breaches.ts';
import { noBound, noQuota } from '../../commands/replay/conditions.ts';
import { type Allowance, createWitness, type Witness } from '../../commands/replay/witness.ts';
import { traced } from './trace-of.ts';

const allowance: Allowance = {
  pool: { ...noBound, cpu: 2 },
  quota: { ...noQuota, cpu: 2 },
  burstShare: 0.5,
  minimumRun_ms: 60_000,
  promise_ms: 60_000,
  agingStep_ms: 600_000,
  patience_ms: 600_000,
};

const minute = 60_000;
const low = traced('low', { tenantId: 'a' });
const other = traced('other', { tenantId: 'b' });
const top = traced('top', { tenantId: 'c', class: 0, overridable: false });
const middle = traced('middle', { tenantId: 'd', class: 1 });

/** A P3 task leaves for P0 and returns after it. */
function lawful(witness: Witness): void {
  witness.admitted(low, 1, false, 0);
  witness.queued(top, 'pool', 1000);
  witness.toldToLeave('low', 'top', 1000);
  witness.left('low', 'pool', 2000);
  witness.granted('top', 1, 2000);
  witness.claimed('top', 1, false, 2000);
  witness.ended('top', 3000);
  witness.granted('low', 2, 3000);
  witness.claimed('low', 2, false, 3000);
  witness.ended('low', 4000);
  witness.finish();
}

type Case = [string, (witness: Witness) => void, Invariant];

const cases: Case[] = [
  [
    'three vCPU in a pool of two',
    (witness) => {
      for (const [index, tenantId] of ['a', 'b', 'c'].entries()) {
        witness.admitted(traced(`t${index}`, { tenantId }), 1, false, 0);
      }
    },
    'pool_over',
  ],
  [
    'a tenant that holds four vCPU of two and a burst of one',
    (witness) => {
      for (let index = 0; index < 4; index += 1) witness.queued(traced(`t${index}`), 'pool', 0);
    },
    'quota_over',
  ],
  [
    'a P0 victim',
    (witness) => {
      witness.admitted(traced('p0', { class: 0 }), 1, false, 0);
      witness.queued(top, 'pool', 0);
      witness.toldToLeave('p0', 'top', minute);
    },
    'victim_is_p0',
  ],
  [
    'a victim that is not overridable',
    (witness) => {
      witness.admitted(traced('firm', { overridable: false }), 1, false, 0);
      witness.queued(top, 'pool', 0);
      witness.toldToLeave('firm', 'top', minute);
    },
    'victim_not_overridable',
  ],
  [
    'a victim of its own class',
    (witness) => {
      witness.admitted(low, 1, false, 0);
      witness.queued(other, 'pool', 0);
      witness.toldToLeave('low', 'other', minute);
    },
    'victim_of_better_or_equal_class',
  ],
  [
    'a victim of P1 within its first minute',
    (witness) => {
      witness.admitted(low, 1, false, 0);
      witness.queued(middle, 'pool', 0);
      witness.toldToLeave('low', 'middle', minute - 1);
    },
    'victim_before_minimum_run',
  ],
  [
    'a victim that is granted room while its preemptor still waits',
    (witness) => {
      witness.admitted(low, 1, false, 0);
      witness.queued(top, 'pool', 0);
      witness.toldToLeave('low', 'top', 0);
      witness.left('low', 'pool', 1000);
      witness.granted('low', 2, 1000 + minute - 1);
    },
    'victim_readmitted_before_preemptor',
  ],
  [
    'more victims for a need that has its victims',
    (witness) => {
      witness.admitted(low, 1, false, 0);
      witness.admitted(other, 1, false, 0);
      witness.queued(top, 'pool', 0);
      witness.toldToLeave('low', 'top', 0);
      witness.toldToLeave('other', 'top', 1);
    },
    'second_preemption_for_one_need',
  ],
  [
    'a second lease while the first one lasts',
    (witness) => {
      witness.admitted(low, 1, false, 0);
      witness.granted('low', 2, 0);
    },
    'task_twice',
  ],
  [
    'a lease of an epoch that has been before',
    (witness) => {
      witness.admitted(low, 1, false, 0);
      witness.queued(top, 'pool', 0);
      witness.toldToLeave('low', 'top', 0);
      witness.left('low', 'pool', 0);
      witness.granted('top', 1, 0);
      witness.ended('top', 0);
      witness.granted('low', 1, 0);
    },
    'task_twice',
  ],
  [
    'a task that ends twice',
    (witness) => {
      witness.admitted(low, 1, false, 0);
      witness.ended('low', 0);
      witness.ended('low', 0);
    },
    'task_twice',
  ],
  [
    'a task that never ends',
    (witness) => {
      witness.queued(low, 'pool', 0);
      witness.finish();
    },
    'task_lost',
  ],
];

test('a lawful preemption breaks nothing', () => {
  const witness = createWitness(allowance);
  lawful(witness);
  expect(witness.breaches).toEqual(noBreaches());
  expect(witness.room).toEqual(noUse());
});

test('borrowed room of the same class may be reclaimed', () => {
  const witness = createWitness(allowance);
  witness.admitted(low, 1, true, 0);
  witness.queued(other, 'pool', 0);
  witness.toldToLeave('low', 'other', minute);
  expect(witness.breaches).toEqual(noBreaches());
});

test('quota that a waiting task gave to one before it is held once', () => {
  // The limit is two and the burst one: a better task takes the two that `first` held while it waited.
  const first = traced('first', { cpu: 2 });
  const better = traced('better', { cpu: 2, class: 1 });
  const witness = createWitness(allowance);
  witness.queued(first, 'pool', 0);
  witness.queued(better, 'quota', 1000);
  witness.displaced('first');
  witness.displaced('better');
  witness.granted('better', 1, 2000);
  expect(witness.held.get('acme')?.cpu_milli).toBe(2000);
  witness.ended('better', 3000);
  witness.granted('first', 1, 3000);
  expect(witness.held.get('acme')?.cpu_milli).toBe(2000);
  expect(witness.breaches).toEqual(noBreaches());
});

test('borrowed room is known from the claim too', () => {
  const witness = createWitness(allowance);
  witness.queued(low, 'quota', 0);
  witness.granted('low', 1, 0);
  witness.claimed('low', 1, true, 0);
  witness.queued(other, 'pool', 0);
  witness.toldToLeave('low', 'other', minute);
  expect(witness.breaches).toEqual(noBreaches());
});

test('once the promise has run out, the victim may start before its preemptor', () => {
  const witness = createWitness(allowance);
  witness.admitted(low, 1, false, 0);
  witness.queued(top, 'pool', 0);
  witness.toldToLeave('low', 'top', 0);
  witness.left('low', 'pool', 1000);
  witness.granted('low', 2, 1000 + minute);
  expect(witness.breaches).toEqual(noBreaches());
});

test.each(cases)('%s is counted', (_, happens, invariant) => {
  const witness = createWitness(allowance);
  happens(witness);
  expect(witness.breaches).toEqual({ ...noBreaches(), [invariant]: 1 });
});

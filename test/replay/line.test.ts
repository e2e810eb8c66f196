/** Grants that the order of the line and the bound of aging forbid, told as stories to the witness. */

import { describe, expect, test } from '@jest/globals';
import { noBreaches } from '../../commands/replay/breaches.ts';
import { noBound, noQuota } from '../../commands/replay/conditions.ts';
import type { TracedTask } from '../../commands/replay/trace.ts';
import { type Allowance, createWitness, type Witness } from '../../commands/replay/witness.ts';
import { traced } from './trace-of.ts';

const minute = 60_000;
const allowance: Allowance = {
  pool: noBound,
  quota: noQuota,
  burstShare: 0.5,
  minimumRun_ms: minute,
  promise_ms: minute,
  agingStep_ms: 10 * minute,
  patience_ms: 10 * minute,
};

type Story = readonly [string, (witness: Witness) => void];

function heard(story: Story[1]): Witness['breaches'] {
  const witness = createWitness(allowance);
  story(witness);
  return witness.breaches;
}

function p(number: 0 | 1 | 2 | 3, taskId: string, facts: Partial<TracedTask> = {}): TracedTask {
  return traced(taskId, { class: number, ...facts });
}

describe('order of one tenant', () => {
  const early = p(2, 'early', { cpu: 2 });

  test.each<Story>([
    [
      'a newcomer of its class is admitted past it',
      (witness) => {
        witness.queued(early, 'pool', 0);
        witness.admitted(p(2, 'late', { cpu: 2 }), 1, false, 1000);
        witness.settle(1000);
      },
    ],
    [
      'a later one of a worse class is granted room',
      (witness) => {
        witness.queued(early, 'pool', 0);
        witness.queued(p(3, 'late', { cpu: 4 }), 'pool', 1000);
        witness.granted('late', 1, 2000);
        witness.settle(2000);
      },
    ],
    [
      'a newcomer takes quota that one no larger waits for',
      (witness) => {
        witness.queued(early, 'quota', 0);
        witness.admitted(p(2, 'late', { cpu: 2 }), 1, false, 1000);
        witness.settle(1000);
      },
    ],
  ])('broken when %s', (_, story) => {
    expect(heard(story)).toEqual({ ...noBreaches(), order_broken: 1 });
  });

  const late = p(2, 'late', { cpu: 2 });
  const waiting = (first: TracedTask, waitingFor: 'pool' | 'quota' = 'pool'): Story[1] => {
    return (witness) => {
      witness.queued(first, waitingFor, 0);
      witness.queued(late, 'pool', 1000);
      witness.granted('late', 1, 2000);
      witness.settle(2000);
    };
  };

  test.each<Story>([
    ['the one that waits is larger, and a smaller one passes it', waiting(p(2, 'early', { cpu: 3 }))],
    ['the one that waits needs more memory', waiting(p(2, 'early', { cpu: 2, memoryGb: 2 }))],
    ['the one that waits is of a worse class', waiting(p(3, 'early', { cpu: 2 }))],
    ['the one that waits is of another tenant', waiting(p(2, 'early', { cpu: 2, tenantId: 'other' }))],
    ['the one that waits does so for quota, which the other one held before', waiting(early, 'quota')],
    [
      'the one that waits does so for quota, and the other one is admitted on burst',
      (witness) => {
        witness.queued(early, 'quota', 0);
        witness.admitted(late, 1, true, 1000);
        witness.settle(1000);
      },
    ],
    [
      'both are granted at the same moment, the later one announced first',
      (witness) => {
        witness.queued(early, 'pool', 0);
        witness.queued(late, 'pool', 1000);
        witness.granted('late', 1, 2000);
        witness.granted('early', 1, 2000);
        witness.settle(2000);
      },
    ],
    [
      'the one that waits was preempted, and its preemptor has not started yet',
      (witness) => {
        witness.admitted(early, 1, false, 0);
        witness.queued(p(0, 'top', { tenantId: 'other' }), 'pool', minute);
        witness.toldToLeave('early', 'top', minute);
        witness.left('early', 'pool', minute + 1000);
        witness.admitted(late, 1, false, minute + 2000);
        witness.settle(minute + 2000);
      },
    ],
  ])('kept when %s', (_, story) => {
    expect(heard(story)).toEqual(noBreaches());
  });
});

describe('bound of aging', () => {
  // P3: 20 minutes to P1, then 10 more.
  const overdueAt = 30 * minute;
  const old = p(3, 'old', { tenantId: 'patient', cpu: 9 });
  const small = p(1, 'small', { tenantId: 'busy' });

  /** `small` comes a minute before it is admitted. */
  const admittedAt = (at_ms: number, task: TracedTask = small): Story[1] => {
    return (witness) => {
      witness.queued(old, 'pool', 0);
      witness.admitted(task, 1, false, at_ms);
      witness.settle(at_ms);
    };
  };

  test('broken when anything but P0 goes past a P3 task after 30 minutes', () => {
    expect(heard(admittedAt(overdueAt + 1))).toEqual({ ...noBreaches(), aging_bound_broken: 1 });
  });

  test.each([
    [1, 10 * minute],
    [2, 20 * minute],
  ] as const)('P%i is overdue after %i ms', (number, due_ms) => {
    const story = (at_ms: number) => (witness: Witness) => {
      witness.queued({ ...old, class: number }, 'pool', 0);
      witness.admitted(small, 1, false, at_ms);
      witness.settle(at_ms);
    };
    expect(heard(story(due_ms))).toEqual(noBreaches());
    expect(heard(story(due_ms + 1)).aging_bound_broken).toBe(1);
  });

  test.each<Story>([
    ['30 minutes are not over', admittedAt(overdueAt)],
    [
      'a P0 task stands before it and may be passed',
      (witness) => {
        witness.queued(old, 'pool', 0);
        witness.queued(p(0, 'top', { tenantId: 'third', cpu: 5 }), 'pool', overdueAt);
        witness.admitted(small, 1, false, overdueAt + 1);
        witness.settle(overdueAt + 1);
      },
    ],
    ['the newcomer is of P0', admittedAt(overdueAt + 1, p(0, 'top', { tenantId: 'busy' }))],
    [
      'something of its tenant started in the last 10 minutes',
      (witness) => {
        witness.queued(old, 'pool', 0);
        witness.admitted(p(1, 'own', { tenantId: 'patient' }), 1, false, 25 * minute);
        witness.settle(25 * minute);
        witness.admitted(small, 1, false, overdueAt + 1);
        witness.settle(overdueAt + 1);
      },
    ],
    [
      'the other one was accepted before it',
      (witness) => {
        witness.queued(small, 'pool', 0);
        witness.queued(old, 'pool', 1000);
        witness.granted('small', 1, 31 * minute);
        witness.settle(31 * minute);
      },
    ],
    [
      'the other one has waited for its own bound too',
      (witness) => {
        witness.queued(old, 'pool', 0);
        witness.queued(p(2, 'other', { tenantId: 'busy' }), 'pool', 5 * minute);
        witness.granted('other', 1, 31 * minute);
        witness.settle(31 * minute);
      },
    ],
    [
      'it waits for quota',
      (witness) => {
        witness.queued(old, 'quota', 0);
        witness.admitted(small, 1, false, overdueAt + 1);
        witness.settle(overdueAt + 1);
      },
    ],
    [
      'victims were leaving for the other one before',
      (witness) => {
        witness.admitted(p(3, 'victim', { tenantId: 'third' }), 1, false, 0);
        witness.queued(old, 'pool', 0);
        witness.queued(small, 'pool', overdueAt - 1000);
        witness.toldToLeave('victim', 'small', overdueAt - 1000);
        witness.left('victim', 'pool', overdueAt + 1000);
        witness.granted('small', 1, overdueAt + 1000);
        witness.settle(overdueAt + 1000);
      },
    ],
  ])('kept when %s', (_, story) => {
    expect(heard(story)).toEqual(noBreaches());
  });
});

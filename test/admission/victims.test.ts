import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { policy } from '../../shared/admission/policy.ts';
import {
  chooseVictims,
  compareVictims,
  mayBePreempted,
  type RunningTask,
} from '../../shared/admission/victims.ts';

const now = new Date('2026-03-11T12:00:00Z');

/** Victims for missing room of the pool. */
function choose(candidates: readonly RunningTask[], missing: { cpu: number; memoryGb: number }) {
  return chooseVictims(candidates, [missing.cpu, missing.memoryGb], ({ cpu, memoryGb }) => [cpu, memoryGb]);
}

function running(fields: Partial<RunningTask> = {}): RunningTask {
  return {
    tenantId: 'a',
    taskId: 't',
    epoch: '1',
    class: 3,
    cpu: 1,
    memoryGb: 1,
    usesBurst: false,
    firstVictim: false,
    endsRun: true,
    runningSince: '2026-03-11T11:00:00Z',
    preemptionStreak: 0,
    workSinceCheckpointNanos: '0',
    ...fields,
  };
}

describe('who may be preempted (P1, A5)', () => {
  const newcomer = (taskClass: number, usesBurst = false) => ({ class: taskClass, usesBurst });
  test.each([
    ['a P3 task by a P2 one', running({ class: 3 }), newcomer(2), true],
    ['a P1 task by a P0 one', running({ class: 1 }), newcomer(0), true],
    ['an equal class never', running({ class: 2 }), newcomer(2), false],
    ['a higher class never', running({ class: 1 }), newcomer(2), false],
    ['P0 by nobody, not even on burst', running({ class: 0, usesBurst: true }), newcomer(0), false],
    [
      'an equal class on burst, by one within its limit',
      running({ class: 2, usesBurst: true }),
      newcomer(2),
      true,
    ],
    [
      'an equal class on burst, not by another on burst',
      running({ class: 2, usesBurst: true }),
      newcomer(2, true),
      false,
    ],
    ['a higher class on burst never', running({ class: 1, usesBurst: true }), newcomer(2), false],
    ['a lower class by one on burst', running({ class: 3 }), newcomer(2, true), true],
    ['not before it has run 60 s', running({ runningSince: '2026-03-11T11:59:00.001Z' }), newcomer(1), false],
    ['from 60 s of running on', running({ runningSince: '2026-03-11T11:59:00Z' }), newcomer(1), true],
    ['by P0 at once', running({ runningSince: '2026-03-11T12:00:00Z' }), newcomer(0), true],
    ['a third time', running({ preemptionStreak: 2 }), newcomer(1), true],
    ['not a fourth time', running({ preemptionStreak: 3 }), newcomer(1), false],
    ['not a fourth time, by P0 neither', running({ preemptionStreak: 3 }), newcomer(0), false],
  ])('%s', (_what, task, by, expected) => {
    expect(mayBePreempted(task, by, policy, now)).toBe(expected);
  });
});

describe('the order of victims (P2): each criterion decides over all that follow it', () => {
  const shares: Record<string, number> = { greedy: 0.5, modest: 0.1 };
  const shareOf = (tenantId: string) => shares[tenantId] ?? 0;
  // Each row's first differs in its own criterion and is worse in every later one.
  const last = {
    tenantId: 'modest',
    taskId: 'z',
    class: 1,
    workSinceCheckpointNanos: '9',
    runningSince: '2026-03-11T10:00:00Z',
  };
  test.each([
    ['burst users first', { ...last, usesBurst: true }, { class: 3, tenantId: 'greedy', taskId: 'a' }],
    ['then the lowest class', { ...last, class: 3 }, { class: 2, tenantId: 'greedy', taskId: 'a' }],
    [
      'then the tenant furthest over its share',
      { ...last, class: 2, tenantId: 'greedy' },
      { class: 2, tenantId: 'modest', taskId: 'a' },
    ],
    [
      'then the least work to lose',
      { ...last, tenantId: 'modest', workSinceCheckpointNanos: '8' },
      { class: 1, tenantId: 'modest', taskId: 'a', workSinceCheckpointNanos: '10' },
    ],
    ['then the newest start', { ...last, runningSince: '2026-03-11T10:00:01Z' }, { ...last, taskId: 'a' }],
    ['then the id', { ...last, taskId: 'B' }, { ...last, taskId: 'a' }],
    ['then the tenant, so that the order is total', { ...last, tenantId: 'm1' }, { ...last, tenantId: 'm2' }],
  ])('%s', (_what, first, second) => {
    const a = running(first);
    const b = running(second);
    expect(compareVictims(a, b, { tenantId: 'newcomer' }, shareOf)).toBeLessThan(0);
    expect(compareVictims(b, a, { tenantId: 'newcomer' }, shareOf)).toBeGreaterThan(0);
  });

  test('work is compared exactly beyond the range of doubles', () => {
    const less = running({ workSinceCheckpointNanos: '9007199254740992' });
    const more = running({ workSinceCheckpointNanos: '9007199254740993' });
    expect(compareVictims(less, more, { tenantId: 'newcomer' }, shareOf)).toBeLessThan(0);
  });
});

describe('how many are taken (P2)', () => {
  const of = (taskId: string, cpu: number, memoryGb = 1) => running({ taskId, cpu, memoryGb });
  test.each([
    ['the first that suffices', [of('a', 4), of('b', 4)], { cpu: 4, memoryGb: 0 }, ['a']],
    ['as many as it takes', [of('a', 2), of('b', 2), of('c', 2)], { cpu: 4, memoryGb: 0 }, ['a', 'b']],
    [
      'those that a later, larger one makes needless are given back',
      [of('a', 1), of('b', 1), of('c', 8)],
      { cpu: 8, memoryGb: 0 },
      ['c'],
    ],
    [
      'given back in reverse: of two needless ones the last taken goes first',
      [of('a', 2), of('b', 2), of('c', 3)],
      { cpu: 5, memoryGb: 0 },
      ['a', 'c'],
    ],
    ['both resources count', [of('a', 8, 1), of('b', 1, 8)], { cpu: 4, memoryGb: 4 }, ['a', 'b']],
    ['decimals add up exactly', [of('a', 0.1), of('b', 0.2)], { cpu: 0.3, memoryGb: 0 }, ['a', 'b']],
    ['nobody when all together do not suffice', [of('a', 2), of('b', 2)], { cpu: 5, memoryGb: 0 }, null],
    ['nobody when there is nobody', [], { cpu: 1, memoryGb: 0 }, null],
  ])('%s', (_what, candidates, missing, expected) => {
    expect(choose(candidates, missing)?.map((victim) => victim.taskId) ?? null).toEqual(expected);
  });

  const milli = (value: number) => value / 1000;
  const amount = fc.integer({ min: 0, max: 8000 }).map(milli);
  const candidates = fc
    .array(fc.record({ cpu: amount, memoryGb: amount }), { maxLength: 10 })
    .map((list) => list.map((sizes, index) => running({ taskId: `t${index}`, ...sizes })));
  const missing = fc.record({ cpu: amount, memoryGb: amount });
  // In thousandths, so that the test's own sums are exact.
  const covers = (victims: readonly RunningTask[], need: { cpu: number; memoryGb: number }) =>
    (['cpu', 'memoryGb'] as const).every(
      (resource) =>
        victims.reduce((sum, victim) => sum + Math.round(victim[resource] * 1000), 0) >=
        Math.round(need[resource] * 1000),
    );

  test('whatever the candidates: nobody is taken who is not needed, and none only if all do not suffice', () => {
    fc.assert(
      fc.property(candidates, missing, (list, need) => {
        const victims = choose(list, need);
        if (victims === null) return !covers(list, need);
        return (
          covers(victims, need) &&
          victims.every(
            (victim) =>
              !covers(
                victims.filter((other) => other !== victim),
                need,
              ),
          )
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('whatever the candidates: they are the ones that greedy-then-give-back names', () => {
    fc.assert(
      fc.property(candidates, missing, (list, need) => {
        let taken = 0;
        while (taken < list.length && !covers(list.slice(0, taken), need)) taken += 1;
        let expected = list.slice(0, taken);
        if (!covers(expected, need)) return choose(list, need) === null;
        for (const victim of expected.toReversed()) {
          const without = expected.filter((other) => other !== victim);
          if (covers(without, need)) expected = without;
        }
        expect(choose(list, need)).toEqual(expected);
        return true;
      }),
      { numRuns: 500 },
    );
  });
});

/** The scheduler's decision on paper, in whatever scene (A10, P1, P2). */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { policy } from '../../shared/admission/policy.ts';
import { planSchedule } from '../../shared/admission/schedule.ts';
import { now, plan, running, secondsAgo, snapshotOf, waiting } from './paper-scene.ts';

describe('whatever the scene', () => {
  const task = fc.record({
    class: fc.integer({ min: 0, max: 3 }),
    cpu: fc.integer({ min: 1, max: 6 }),
    tenantId: fc.constantFrom('a', 'b', 'c'),
  });
  const scenes = fc.record({
    room: fc.integer({ min: -4, max: 12 }),
    waiting: fc.array(fc.record({ task, waited: fc.integer({ min: 0, max: 900 }) }), { maxLength: 12 }),
    running: fc.array(fc.record({ task, ran: fc.integer({ min: 0, max: 120 }), burst: fc.boolean() }), {
      maxLength: 12,
    }),
  });
  test('whatever the order in which the line is read, the plan is the same', () => {
    const line = [3, 2, 1, 3, 2, 1].map((of, index) =>
      waiting(`t${index}`, {
        class: of,
        tenantId: index % 2 ? 'a' : 'b',
        cpu: 1 + (index % 3),
        acceptedAt: secondsAgo(index % 2),
      }),
    );
    const runs = [1, 2, 3, 4].map((cpu) => running(`v${cpu}`, { cpu }));
    const expected = plan({ room: 3, line, running: runs });
    fc.assert(
      fc.property(
        fc.shuffledSubarray(line, { minLength: 6 }),
        fc.shuffledSubarray(runs, { minLength: 4 }),
        (l, r) => {
          expect(plan({ room: 3, line: l, running: r })).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('grants fit the free room, victims make room, and nobody leaves for an equal or higher class', () => {
    fc.assert(
      fc.property(scenes, ({ room, waiting: line, running: runs }) => {
        const snapshot = snapshotOf({
          room,
          line: line.map((w, i) =>
            waiting(`w${i}`, {
              ...w.task,
              effectiveClass: w.task.class,
              waitingSince: secondsAgo(w.waited),
              acceptedAt: secondsAgo(w.waited),
            }),
          ),
          running: runs.map((r, i) =>
            running(`r${i}`, { ...r.task, usesBurst: r.burst, runningSince: secondsAgo(r.ran) }),
          ),
        });
        const { grants, preemptions } = planSchedule(snapshot, policy, now);
        const granted = grants.reduce((sum, grant) => sum + grant.task.cpu, 0);
        expect(granted).toBeLessThanOrEqual(Math.max(room, 0));
        const victims = preemptions.flatMap((preemption) => preemption.victims);
        expect(new Set(victims).size).toBe(victims.length);
        for (const { task: newcomer, victims: of } of preemptions) {
          expect(grants.some((grant) => grant.task === newcomer)).toBe(false);
          for (const victim of of) {
            expect(
              victim.class > newcomer.class ||
                (victim.usesBurst && victim.class === newcomer.class && victim.class > 0),
            ).toBe(true);
          }
        }
        const freed = victims.reduce((sum, victim) => sum + victim.cpu, 0);
        const promised = preemptions.reduce((sum, preemption) => sum + preemption.task.cpu, 0);
        if (preemptions.length > 0) expect(granted + promised).toBeLessThanOrEqual(room + freed);
      }),
      { numRuns: 500 },
    );
  });
});

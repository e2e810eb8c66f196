/** The account of a plan agrees with the plan, on any snapshot: who started in which order, and who has to leave (R5). */

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { keyOf, walkLine } from '../../shared/admission/line-walk.ts';
import { policy } from '../../shared/admission/policy.ts';
import { planSchedule, type Snapshot } from '../../shared/admission/schedule.ts';
import { walkVictims } from '../../shared/admission/victim-walk.ts';

const now = new Date('2026-03-11T12:00:00Z');
const time = (ago_max: number) =>
  fc
    .integer({ min: 0, max: ago_max })
    .map((seconds) => new Date(now.getTime() - seconds * 1000).toISOString());
const tenantId = fc.constantFrom('a', 'b', 'c');
const size = { cpu: fc.constantFrom(0.1, 1, 2, 3), memoryGb: fc.constantFrom(1, 2) };
const taskClass = fc.integer({ min: 0, max: 3 });
const none = fc.constant(null);

const waiting = fc
  .record({
    ...{ tenantId, ...size, effectiveClass: taskClass, acceptedAt: time(2), waitingSince: time(700) },
    overdue: fc.nat({ max: 9 }).map((number) => number === 0),
    waitingFor: fc.constantFrom('pool' as const, 'quota' as const),
    usesBurst: fc.nat({ max: 4 }).map((number) => number === 0),
    startsRun: fc.boolean(),
    costFits: fc.nat({ max: 9 }).map((number) => number > 0),
    promised: fc.nat({ max: 9 }).map((number) => number === 0),
  })
  .map((task) => ({
    ...task,
    ...{ class: task.effectiveClass, usesBurst: task.usesBurst && task.waitingFor === 'pool' },
    promisedRoom: task.promised ? { cpu: task.cpu, memoryGb: task.memoryGb, tasks: 1 } : null,
    promisedQuota:
      task.promised && task.waitingFor === 'quota'
        ? { cpu: task.cpu, memoryGb: task.memoryGb, runs: task.startsRun ? 1 : 0 }
        : null,
  }));

const running = fc.record({
  ...{
    tenantId,
    ...size,
    class: taskClass,
    usesBurst: fc.boolean(),
    firstVictim: fc.boolean(),
    endsRun: fc.boolean(),
  },
  ...{ runningSince: time(120), preemptionStreak: fc.integer({ min: 0, max: 3 }) },
  workSinceCheckpointNanos: fc.nat({ max: 3 }).map(String),
});

const displaceable = fc.record({
  ...{ tenantId, ...size, effectiveClass: taskClass, overdue: fc.constant(false), usesBurst: fc.boolean() },
  ...{ acceptedAt: time(2), endsRun: fc.boolean() },
});

const tenant = fc.record({
  weight: fc.constantFrom(1, 2),
  cpuInUse: fc.constantFrom(0, 1, 2),
  recent: fc.constantFrom(0, 0.1),
  limit: fc.constantFrom(2, 4, 8),
  burst: fc.constantFrom(0, 2),
  runs: fc.constantFrom(2, 9),
  held: fc.constantFrom(0, 1, 3),
});

const snapshots: fc.Arbitrary<Snapshot> = fc
  .record({
    waiting: fc.array(waiting, { minLength: 2, maxLength: 9 }),
    running: fc.oneof(none, fc.array(running, { maxLength: 6 })),
    displaceable: fc.array(displaceable, { maxLength: 4 }),
    tenants: fc.tuple(tenant, tenant, tenant),
    cpuRoom: fc.oneof(none, fc.constantFrom(0, 2, 5, 9)),
    tasksRoom: fc.oneof(none, fc.constantFrom(0, 2, 4)),
    leaving: fc.constantFrom({ cpu: 0, memoryGb: 0, tasks: 0 }, { cpu: 2, memoryGb: 1, tasks: 1 }),
  })
  .map(({ cpuRoom, tasksRoom, leaving, tenants, ...lists }) => ({
    ...{
      version: '1',
      more: false,
      smallestCpu: null,
      runningTruncated: false,
      lowestRunningClass: 3,
      burstRunning: true,
    },
    pool: {
      ...{ cpu: cpuRoom === null ? null : 12, memoryGb: null, tasks: tasksRoom === null ? null : 12 },
      ...{ cpuRoom, memoryGbRoom: null, tasksRoom, leaving },
    },
    waiting: lists.waiting.map((task, index) => ({ ...task, taskId: `w${index}`, runId: `w${index}` })),
    running: lists.running?.map((task, index) => ({ ...task, taskId: `r${index}`, epoch: '1' })) ?? null,
    displaceable: lists.displaceable.map((task, index) => ({ ...task, taskId: `d${index}` })),
    tenants: tenants.map(({ limit, burst, runs, held, ...use }, index) => ({
      ...{ tenantId: 'abc'.charAt(index), memoryGbInUse: 0, tasksInUse: use.cpuInUse, ...use },
      quota: {
        limits: { cpu: { limit, burst }, concurrent_runs: { limit: runs } },
        ...{ cpuHeld: held, memoryGbHeld: held, runsHeld: held, lowestRunningClass: 3 },
        promised: { cpu: 0, memoryGb: 0, runs: 0 },
      },
    })),
  }));

test('the walk down the line starts and preempts in the order of the plan; the walk along the victims takes those of it', () => {
  const seen = { grants: 0, preemptions: 0, displaced: 0, borrowed: 0 };
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      const plan = planSchedule(snapshot, policy, now);
      const steps = walkLine(snapshot, policy, now);
      const done = (fate: string) =>
        steps.filter((step) => step.fate === fate).map(({ task }) => keyOf(task));
      expect(done('granted')).toEqual(plan.grants.map(({ task }) => keyOf(task)));
      expect(done('preempts')).toEqual(plan.preemptions.map(({ task }) => keyOf(task)));
      for (const step of steps) {
        const grant = plan.grants.find(({ task }) => keyOf(task) === keyOf(step.task));
        if (grant === undefined) continue;
        // What the walk says was there did suffice.
        expect(step.task.usesBurst).toBe(grant.task.usesBurst);
        expect(step.room.cpu).toBeGreaterThanOrEqual(step.task.cpu);
        expect(step.room.tasks).toBeGreaterThanOrEqual(1);
        seen.grants += 1;
        seen.displaced += step.displaced.length;
        if (step.task.usesBurst && step.task.waitingFor === 'quota') seen.borrowed += 1;
      }
      for (const preemption of plan.preemptions) {
        const step = steps.find(({ task }) => keyOf(task) === keyOf(preemption.task));
        if (step === undefined) throw new Error('a preemptor that never stood in the line');
        const { candidates, missing } = walkVictims(preemption, step, plan, snapshot, policy, now);
        const taken = candidates.filter(({ fate }) => fate === 'taken').map(({ task }) => keyOf(task));
        expect(taken).toEqual(preemption.victims.map(keyOf));
        expect(missing.some((amount) => amount > 0)).toBe(true);
        seen.preemptions += 1;
      }
    }),
    { numRuns: 1500 },
  );
  // Not all in vain.
  expect(Object.values(seen).every((count) => count > 20)).toBe(true);
});

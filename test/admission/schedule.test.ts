/** The scheduler's decision on paper: order (A10), passing (A11), preemption and promises (P1 to P3). */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareWaiting } from '../../shared/admission/line.ts';
import { policy } from '../../shared/admission/policy.ts';
import type { TenantQuota } from '../../shared/admission/quota.ts';
import { noRoom, type Room } from '../../shared/admission/room.ts';
import { planSchedule, type Snapshot, type WaitingTask } from '../../shared/admission/schedule.ts';
import type { RunningTask } from '../../shared/admission/victims.ts';

const now = new Date('2026-03-11T12:00:00Z');
const secondsAgo = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();

function waiting(taskId: string, fields: Partial<WaitingTask> = {}): WaitingTask {
  return {
    tenantId: 'a',
    taskId,
    runId: taskId,
    effectiveClass: fields.class ?? 2,
    class: 2,
    usesBurst: false,
    cpu: 1,
    memoryGb: 1,
    waitingFor: 'pool',
    overdue: false,
    startsRun: true,
    costFits: true,
    acceptedAt: secondsAgo(1),
    waitingSince: secondsAgo(1),
    promised: false,
    promisedRoom: null,
    promisedQuota: null,
    ...fields,
  };
}

function running(taskId: string, fields: Partial<RunningTask> = {}): RunningTask {
  return {
    tenantId: 'v',
    taskId,
    epoch: '1',
    class: 3,
    cpu: 1,
    memoryGb: 1,
    usesBurst: false,
    firstVictim: false,
    endsRun: true,
    runningSince: secondsAgo(3600),
    preemptionStreak: 0,
    workSinceCheckpointNanos: '0',
    ...fields,
  };
}

type Scene = {
  readonly room: number | null;
  readonly capacity?: number;
  readonly line: readonly WaitingTask[];
  readonly running?: readonly RunningTask[] | null;
  readonly use?: Readonly<Record<string, number>>;
  readonly weights?: Readonly<Record<string, number>>;
  readonly leaving?: Room;
};

function snapshotOf({
  room,
  capacity = 100,
  line,
  running: runs = [],
  use = {},
  weights = {},
  leaving = noRoom,
}: Scene): Snapshot {
  const names = new Set([...line, ...(runs ?? [])].map((task) => task.tenantId));
  return {
    version: '1',
    pool: {
      cpu: room === null ? null : capacity,
      memoryGb: null,
      tasks: null,
      cpuRoom: room,
      memoryGbRoom: null,
      tasksRoom: null,
      leaving,
    },
    waiting: line,
    more: false,
    smallestCpu: null,
    displaceable: [],
    tenants: [...names].map((tenantId) => ({
      tenantId,
      weight: weights[tenantId] ?? 1,
      cpuInUse: use[tenantId] ?? 0,
      memoryGbInUse: 0,
      tasksInUse: 0,
      recent: 0,
      quota: null,
    })),
    running: runs,
    runningTruncated: false,
    lowestRunningClass:
      runs === null ? 3 : runs.reduce<number | null>((low, { class: of }) => Math.max(low ?? of, of), null),
    burstRunning: runs?.some((task) => task.usesBurst) ?? false,
  };
}

function plan(scene: Scene) {
  const { grants, preemptions, needsRunning } = planSchedule(snapshotOf(scene), policy, now);
  return {
    grants: grants.map(({ task }) => task.taskId),
    preemptions: preemptions.map(({ task, victims }) => [
      task.taskId,
      victims.map((victim) => victim.taskId),
    ]),
    needsRunning,
  };
}
const grantsOf = (scene: Scene) => plan(scene).grants;

describe('the order of the line (A10): each criterion decides over all that follow it', () => {
  const shares: Record<string, number> = { greedy: 0.5, modest: 0.1 };
  const worse = { class: 2, usesBurst: true, tenantId: 'greedy', acceptedAt: secondsAgo(0) };
  test.each([
    [
      'the effective class',
      waiting('z', { ...worse, effectiveClass: 1 }),
      waiting('a', { tenantId: 'modest', acceptedAt: secondsAgo(9) }),
    ],
    [
      'within the limit before burst',
      waiting('z', { ...worse, usesBurst: false }),
      waiting('a', { usesBurst: true, tenantId: 'modest', acceptedAt: secondsAgo(9) }),
    ],
    [
      'the smallest share in use',
      waiting('z', { tenantId: 'modest', acceptedAt: secondsAgo(0) }),
      waiting('a', { tenantId: 'greedy', acceptedAt: secondsAgo(9) }),
    ],
    [
      'the earliest acceptance',
      waiting('z', { acceptedAt: secondsAgo(9) }),
      waiting('a', { acceptedAt: secondsAgo(8) }),
    ],
    ['the id, by code unit', waiting('B'), waiting('a')],
    ['the tenant', waiting('t', { tenantId: 'm1' }), waiting('t', { tenantId: 'm2' })],
  ])('%s', (_what, first, second) => {
    const standingOf = (tenantId: string) => ({ share: shares[tenantId] ?? 0, recent: 0 });
    expect(compareWaiting(first, second, standingOf)).toBeLessThan(0);
    expect(compareWaiting(second, first, standingOf)).toBeGreaterThan(0);
    expect(grantsOf({ room: 1, line: [second, first], use: { greedy: 50, modest: 10 } })).toEqual([
      first.taskId,
    ]);
  });

  test('an aged task stands among the class it has risen to, by its acceptance', () => {
    const line = [
      waiting('fresh', { class: 1, acceptedAt: secondsAgo(5) }),
      waiting('aged', { class: 3, effectiveClass: 1, acceptedAt: secondsAgo(1200) }),
    ];
    expect(grantsOf({ room: 2, line })).toEqual(['aged', 'fresh']);
  });

  test('weight divides the share: 30 in use at weight 4 goes before 10 at weight 1', () => {
    const line = [waiting('light', { tenantId: 'light' }), waiting('heavy', { tenantId: 'heavy' })];
    expect(grantsOf({ room: 1, line, use: { light: 10, heavy: 30 }, weights: { heavy: 4 } })).toEqual([
      'heavy',
    ]);
  });

  test('every grant moves its tenant back: two tenants take turns', () => {
    const of = (tenantId: string) =>
      [1, 2, 3].map((n) =>
        waiting(`${tenantId}${n}`, { tenantId, cpu: 10, acceptedAt: secondsAgo(100 - n) }),
      );
    expect(grantsOf({ room: 100, line: [...of('a'), ...of('b')] })).toEqual([
      'a1',
      'b1',
      'a2',
      'b2',
      'a3',
      'b3',
    ]);
  });

  test('a pool without bound takes everybody', () => {
    expect(grantsOf({ room: null, line: [waiting('1', { cpu: 1e6 }), waiting('2', { cpu: 1e6 })] })).toEqual([
      '1',
      '2',
    ]);
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
});

describe('passing a head that does not fit (A11)', () => {
  const head = (waited: number) =>
    waiting('head', { class: 1, cpu: 8, acceptedAt: secondsAgo(waited), waitingSince: secondsAgo(waited) });
  const small = waiting('small', { cpu: 2, acceptedAt: secondsAgo(5) });
  test.each([
    ['a smaller one may', 599.999, ['small']],
    ['not once the head has waited 10 min', 600, []],
  ])('%s', (_what, waited, expected) => {
    expect(grantsOf({ room: 4, line: [head(waited), small] })).toEqual(expected);
  });

  test('never on room that is promised: it is no part of the free room', () => {
    const promised = waiting('promised', {
      class: 0,
      cpu: 8,
      promised: true,
      promisedRoom: { cpu: 6, memoryGb: 0, tasks: 1 },
    });
    expect(grantsOf({ room: 1, line: [promised, small] })).toEqual([]);
    expect(grantsOf({ room: 2, line: [promised, small] })).toEqual(['promised']);
  });

  test('one that the whole pool cannot hold any more is no head', () => {
    const lost = { ...head(9999), cpu: 101 };
    expect(grantsOf({ room: 4, line: [lost, small] })).toEqual(['small']);
  });
});

describe('tasks that wait for quota (A16)', () => {
  /** cpu of tenant `a`: limit, burst, held. */
  const quota = (
    limit: number,
    burst: number,
    held: number,
    fields: Partial<TenantQuota> = {},
  ): TenantQuota => ({
    limits: { cpu: { limit, burst } },
    cpuHeld: held,
    memoryGbHeld: 0,
    runsHeld: 0,
    promised: { cpu: 0, memoryGb: 0, runs: 0 },
    lowestRunningClass: null,
    ...fields,
  });
  const of = (taskId: string, fields: Partial<WaitingTask> = {}) =>
    waiting(taskId, { waitingFor: 'quota', ...fields });
  const planned = (
    line: readonly WaitingTask[],
    quotaOfA: TenantQuota,
    rest: Partial<Snapshot> & { room?: number; runs?: readonly RunningTask[] } = {},
  ) => {
    const { room = 100, runs = [], ...others } = rest;
    const snapshot = snapshotOf({ room, line, running: runs });
    const tenants = snapshot.tenants.map((tenant) =>
      tenant.tenantId === 'a' ? { ...tenant, quota: quotaOfA } : tenant,
    );
    const { grants, preemptions } = planSchedule({ ...snapshot, tenants, ...others }, policy, now);
    return {
      grants: grants.map(({ task, displaced }) =>
        displaced.length === 0 ? task.taskId : [task.taskId, displaced.map(({ taskId }) => taskId)],
      ),
      preemptions: preemptions.map(({ task, victims }) => [
        task.taskId,
        victims.map((victim) => victim.taskId),
      ]),
    };
  };

  test('are granted as far as the limit goes, in the order of the line', () => {
    const line = [
      of('third', { class: 3, cpu: 1 }),
      of('first', { class: 1, cpu: 2 }),
      of('second', { cpu: 2 }),
    ];
    expect(planned(line, quota(8, 0, 4)).grants).toEqual(['first', 'second']);
  });

  test('borrow what is idle, behind all of their class that need not', () => {
    const line = [of('borrower', { acceptedAt: secondsAgo(9) }), waiting('other', { tenantId: 'b' })];
    expect(planned(line, quota(4, 2, 4)).grants).toEqual(['other', 'borrower']);
    expect(planned(line, quota(4, 2, 4), { room: 1 }).grants).toEqual(['other']);
    expect(planned([of('borrower', { cpu: 3 })], quota(4, 2, 4)).grants).toEqual([]);
  });

  test('preempt nobody to borrow', () => {
    const line = [of('borrower', { class: 0 })];
    const runs = [running('x', { tenantId: 'b' })];
    expect(planned(line, quota(0, 2, 0), { room: 0, runs })).toEqual({ grants: [], preemptions: [] });
  });

  test('whose quota fits preempt for room like anybody', () => {
    const line = [of('urgent', { class: 0, cpu: 2 })];
    const runs = [running('x', { cpu: 2 })];
    expect(planned(line, quota(4, 0, 2), { room: 0, runs }).preemptions).toEqual([['urgent', ['x']]]);
  });

  test('take the quota of running tasks of their own tenant, of a lower class only', () => {
    const line = [of('urgent', { class: 1, cpu: 2 })];
    const runs = [
      running('other', { cpu: 2 }),
      running('equal', { tenantId: 'a', class: 1, cpu: 2 }),
      running('own', { tenantId: 'a', class: 2, cpu: 2 }),
    ];
    expect(planned(line, quota(4, 0, 4), { room: 10, runs }).preemptions).toEqual([['urgent', ['own']]]);
    expect(planned(line, quota(4, 0, 4), { room: 10, runs: runs.slice(0, 2) }).preemptions).toEqual([]);
  });

  test('hand on what their tenant borrows, and borrow no more than it did', () => {
    const line = [of('urgent', { class: 1, cpu: 2 })];
    const own = (id: string, cpu: number) => running(id, { tenantId: 'a', class: 3, cpu });
    const scene = { room: 0, runs: [own('one', 1), own('two', 1), own('three', 1)] };
    expect(planned(line, quota(2, 4, 3), scene).preemptions).toEqual([['urgent', ['one', 'three']]]);
    expect(planned(line, quota(2, 4, 3), { room: 0, runs: [own('one', 1)] }).preemptions).toEqual([]);
  });

  test('take the quota of those of their tenant that wait behind them, the last first, and no more than needed', () => {
    const behind = (taskId: string, effectiveClass: number, cpu: number) => ({
      tenantId: 'a',
      taskId,
      effectiveClass,
      overdue: false,
      usesBurst: false,
      acceptedAt: secondsAgo(1),
      cpu,
      memoryGb: 1,
      endsRun: true,
    });
    const displaceable = [behind('last', 3, 1), behind('middle', 3, 2), behind('ahead', 0, 4)];
    const line = [of('urgent', { class: 1, cpu: 2 })];
    expect(planned(line, quota(4, 0, 4), { displaceable }).grants).toEqual([['urgent', ['middle']]]);
    expect(planned([of('big', { class: 1, cpu: 4 })], quota(7, 0, 7), { displaceable }).grants).toEqual([]);
  });

  test('do not pass one of their tenant that has waited 10 min', () => {
    const line = (waited: number) => [
      of('big', { cpu: 4, acceptedAt: secondsAgo(700), waitingSince: secondsAgo(waited) }),
      of('small', { cpu: 1 }),
    ];
    expect(planned(line(599), quota(4, 0, 2)).grants).toEqual(['small']);
    expect(planned(line(600), quota(4, 0, 2)).grants).toEqual([]);
  });

  test('keep what is promised to another of their tenant', () => {
    const promised = { cpu: 2, memoryGb: 0, runs: 0 };
    const other = of('other', { class: 1, cpu: 2 });
    const preemptor = of('preemptor', {
      class: 2,
      cpu: 2,
      promised: true,
      promisedRoom: { cpu: 2, memoryGb: 0, tasks: 1 },
      promisedQuota: promised,
    });
    expect(planned([other, preemptor], quota(4, 0, 2, { promised })).grants).toEqual(['preemptor']);
  });

  test('whose money does not fit are passed over, and hold up nobody', () => {
    const line = [of('poor', { class: 1, costFits: false, waitingSince: secondsAgo(9999) }), of('next')];
    expect(planned(line, quota(4, 0, 0)).grants).toEqual(['next']);
  });
});

describe('preemption (P1 to P3)', () => {
  const urgent = (fields: Partial<WaitingTask> = {}) => waiting('urgent', { class: 0, cpu: 4, ...fields });

  test('takes what free room lacks, and no more', () => {
    const runs = [running('x', { cpu: 1 }), running('y', { cpu: 3 })];
    expect(plan({ room: 1, line: [urgent()], running: runs }).preemptions).toEqual([['urgent', ['y']]]);
  });

  test('of a pool that was made smaller than what runs: also what it lacks', () => {
    const runs = ['a', 'b', 'c'].map((id) => running(id, { cpu: 4 }));
    expect(plan({ room: -4, line: [urgent()], running: runs }).preemptions).toEqual([['urgent', ['a', 'b']]]);
  });

  test('nobody for room that others are leaving anyway; and only for what that does not cover', () => {
    const runs = ['a', 'b'].map((id) => running(id, { cpu: 2 }));
    const leaving = { cpu: 2, memoryGb: 1, tasks: 1 };
    expect(plan({ room: 0, leaving, line: [urgent({ cpu: 2 })], running: runs }).preemptions).toEqual([]);
    expect(plan({ room: 0, leaving, line: [urgent({ cpu: 3 })], running: runs }).preemptions).toEqual([
      ['urgent', ['a']],
    ]);
    const line = [urgent({ cpu: 2 }), waiting('second', { class: 1, cpu: 2 })];
    expect(plan({ room: 0, leaving, line, running: runs }).preemptions).toEqual([['second', ['a']]]);
  });

  test('nobody when it would not fit all the same', () => {
    expect(plan({ room: 0, line: [urgent({ cpu: 9 })], running: [running('x', { cpu: 8 })] })).toEqual({
      grants: [],
      preemptions: [],
      needsRunning: false,
    });
  });

  test('goes by the class without aging: an aged P2 does not preempt P2', () => {
    const aged = waiting('aged', { class: 2, effectiveClass: 1, cpu: 2 });
    expect(
      plan({ room: 0, line: [aged], running: [running('x', { class: 2, cpu: 2 })] }).preemptions,
    ).toEqual([]);
  });

  test('who has a promise takes no second victim', () => {
    const line = [urgent({ promised: true, promisedRoom: { cpu: 1, memoryGb: 0, tasks: 1 } })];
    expect(plan({ room: 0, line, running: [running('x', { cpu: 8 })] }).preemptions).toEqual([]);
  });

  test('who has a promise is granted on its own room and what is free', () => {
    expect(
      grantsOf({
        room: 1,
        line: [urgent({ promised: true, promisedRoom: { cpu: 3, memoryGb: 0, tasks: 1 } })],
      }),
    ).toEqual(['urgent']);
  });

  test('two newcomers share no victim', () => {
    const line = [urgent({ cpu: 2 }), waiting('second', { class: 1, cpu: 2 })];
    const runs = [running('x', { cpu: 2 }), running('y', { cpu: 2 })];
    expect(plan({ room: 0, line, running: runs }).preemptions).toEqual([
      ['urgent', ['x']],
      ['second', ['y']],
    ]);
  });

  test('room that a newcomer waits for goes to nobody behind it', () => {
    const line = [urgent({ cpu: 4 }), waiting('small', { class: 3, cpu: 2 })];
    expect(plan({ room: 2, line, running: [running('x', { cpu: 2 })] })).toMatchObject({
      grants: [],
      preemptions: [['urgent', ['x']]],
    });
  });

  test('burst is reclaimed from an equal class by a tenant within its limit', () => {
    const line = [waiting('w', { class: 2, cpu: 2 })];
    const onBurst = running('x', { class: 2, cpu: 2, usesBurst: true });
    expect(
      planSchedule(snapshotOf({ room: 0, line, running: [onBurst] }), policy, now).preemptions,
    ).toMatchObject([{ reason: 'reclaim_burst', victims: [{ taskId: 'x' }] }]);
  });

  test('a snapshot without the running tasks is asked for again with them only where somebody could preempt', () => {
    expect(plan({ room: 0, line: [waiting('w', { class: 2 })], running: null }).needsRunning).toBe(true);
    expect(plan({ room: 0, line: [waiting('w', { class: 3 })], running: null }).needsRunning).toBe(false);
    expect(plan({ room: 1, line: [waiting('w', { class: 2 })], running: null }).needsRunning).toBe(false);
  });
});

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

/** The scheduler's decision on paper: tasks that wait for their tenant's quota (A16). */

import { describe, expect, test } from '@jest/globals';
import { policy } from '../../shared/admission/policy.ts';
import type { TenantQuota } from '../../shared/admission/quota.ts';
import { planSchedule, type Snapshot, type WaitingTask } from '../../shared/admission/schedule.ts';
import type { RunningTask } from '../../shared/admission/victims.ts';
import { now, running, secondsAgo, snapshotOf, waiting } from './paper-scene.ts';

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

  test('end the plan when they take quota: who gave it stands in the line for it from then on', () => {
    const line = [of('urgent', { class: 1, cpu: 2 }), waiting('next', { tenantId: 'b' })];
    const last = {
      ...{ tenantId: 'a', taskId: 'last', effectiveClass: 3, overdue: false, usesBurst: false },
      ...{ acceptedAt: secondsAgo(1), cpu: 2, memoryGb: 1, endsRun: true },
    };
    expect(planned(line, quota(4, 0, 4), { displaceable: [last] }).grants).toEqual([['urgent', ['last']]]);
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

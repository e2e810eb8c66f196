/** The scheduler's decision on paper: preemption and promises (P1 to P3). */

import { describe, expect, test } from '@jest/globals';
import { policy } from '../../shared/admission/policy.ts';
import { planSchedule, type WaitingTask } from '../../shared/admission/schedule.ts';
import { grantsOf, now, plan, running, snapshotOf, waiting } from './paper-scene.ts';

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

/** The scheduler's decision on paper: the order of the line (A10), and who passes a head that does not fit (A11). */

import { describe, expect, test } from '@jest/globals';
import { compareWaiting } from '../../shared/admission/line.ts';
import { grantsOf, secondsAgo, waiting } from './paper-scene.ts';

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

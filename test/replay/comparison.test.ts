import { expect, test } from '@jest/globals';
import { byClass } from '../../commands/replay/classes.ts';
import { change, compare } from '../../commands/replay/comparison.ts';
import { isInOrder } from '../../commands/replay/report.ts';
import { spreadOf } from '../../commands/replay/statistics.ts';
import { tableOf } from '../../commands/replay/table.ts';
import { reportWith } from './report-of.ts';

test.each([
  ['a figure that doubled', 2, 4, { difference: 2, ratio: 2 }],
  ['one that fell to a tenth', 10, 1, { difference: -9, ratio: 0.1 }],
  ['one that came from nothing', 0, 3, { difference: 3, ratio: null }],
  ['binary fractions', 0.3, 0.1, { difference: -0.2, ratio: 0.333333333 }],
  ['one that is missing before', null, 3, { difference: null, ratio: null }],
  ['one that is missing after', 3, null, { difference: null, ratio: null }],
])('change of %s', (_, before, after, expected) => {
  expect(change(before, after)).toEqual({ before, after, ...expected });
});

// P1 waits 1, 2, 3 s before; 10, 20, 30 s after, when a P3 task starts too and four requests are refused.
const before = reportWith({ preemptions: 5, lostWorkUSD: 0.5 });
const after = reportWith({
  waitSeconds: byClass((number) =>
    number === 1 ? spreadOf([10, 20, 30]) : number === 3 ? spreadOf([7]) : null,
  ),
  refusals: { quota_exceeded: 3, never_fits: 1 },
  utilisation: { cpu: 0.8, memory: null, tasks: null },
});

test('two replays figure by figure', () => {
  const compared = compare(before, after);
  expect(compared.waitSeconds.P0).toBeNull();
  expect(compared.waitSeconds.P1).toMatchObject({
    count: { before: 3, after: 3, difference: 0, ratio: 1 },
    mean: { before: 2, after: 20, difference: 18, ratio: 10 },
    p99: { before: 3, after: 30, difference: 27, ratio: 10 },
  });
  expect(compared.waitSeconds.P3?.max).toEqual({ before: null, after: 7, difference: null, ratio: null });
  expect(compared).toMatchObject({
    preemptions: { before: 5, after: 0, difference: -5, ratio: 0 },
    lostWorkUSD: { difference: -0.5 },
    refused: { before: 0, after: 4, difference: 4, ratio: null },
    utilisation: { cpu: { before: null, after: 0.8, difference: null }, memory: { after: null } },
  });
});

test('the table sets two replays side by side', () => {
  const whatIf = { flags: '--no-preemption', report: after, change: compare(before, after) };
  const lines = tableOf(before, whatIf).split('\n');
  const line = (start: string): string => lines.find((each) => each.startsWith(start)) ?? '';
  expect(lines[0]).toMatch(/^ +before +after --no-preemption$/);
  expect(line('refused')).toMatch(/^refused +none +3 quota_exceeded, 1 never_fits$/);
  expect(line('P1 before').split(/ +/)).toEqual(['P1', 'before', '3', '2.0', '2.0', '3.0', '3.0', '3.0']);
  expect(line('P1 after').split(/ +/)).toEqual(['P1', 'after', '3', '20.0', '20.0', '30.0', '30.0', '30.0']);
});

test.each([
  ['each class waits longer than the one before', [[1], [2], null, [3]], true],
  ['two classes wait alike', [[2], [2], [2], [2]], true],
  ['P1 waits longer than P3', [null, [4], null, [3]], false],
  ['there is one class only', [null, null, [5], null], true],
])('order of waits when %s', (_, waits, expected) => {
  const spreads = byClass((number) => spreadOf(waits[number] ?? []));
  expect(isInOrder(spreads, 'p99')).toBe(expected);
  expect(isInOrder(spreads, 'mean')).toBe(expected);
});

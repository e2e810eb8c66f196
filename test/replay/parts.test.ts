import { expect, test } from '@jest/globals';
import { createAgenda } from '../../commands/replay/agenda.ts';
import { createMeter, jainIndex, percentilesOf, spreadOf } from '../../commands/replay/statistics.ts';
import { parseTraceLine, stretched } from '../../commands/replay/trace.ts';
import { traced } from './trace-of.ts';

test('the agenda gives events by time, then rank, then in the order they came', () => {
  const agenda = createAgenda<string>();
  agenda.add(5, 1, 'later');
  agenda.add(1, 2, 'second rank');
  agenda.add(1, 1, 'first');
  agenda.add(1, 2, 'second rank, later');
  agenda.add(0, 9, 'earliest');
  const order: string[] = [];
  for (let entry = agenda.next(); entry !== undefined; entry = agenda.next()) order.push(entry.event);
  expect(order).toEqual(['earliest', 'first', 'second rank', 'second rank, later', 'later']);
});

test.each([
  ['nothing', [], null],
  ['one value', [7], { count: 1, mean: 7, p50: 7, p95: 7, p99: 7, max: 7 }],
  [
    '1 to 100 in any order',
    Array.from({ length: 100 }, (_, index) => ((index * 37) % 100) + 1),
    { count: 100, mean: 50.5, p50: 50, p95: 95, p99: 99, max: 100 },
  ],
] as const)('percentiles by nearest rank of %s', (_, values, expected) => {
  expect(spreadOf(values)).toEqual(expected);
});

test.each([
  ['equal shares', [2, 2, 2], 1],
  ['everything for one of four', [1, 0, 0, 0], 0.25],
  ['nobody served', [0, 0], null],
  ['nobody', [], null],
] as const)("Jain's index of %s", (_, values, expected) => {
  expect(jainIndex(values)).toBe(expected);
});

test('a meter integrates a level over time and keeps its peak', () => {
  const meter = createMeter();
  meter.set(10, 4);
  meter.set(15, 1);
  meter.set(25, 0);
  expect(meter).toMatchObject({ peak: 4, area: 30 });
  // 0 for 10 ms, 4 for 5, 1 for 10, then 0: in spans of 20 ms that is 4 x 5 + 1 x 5, and 1 x 5.
  expect(meter.means(20, 3)).toEqual([1.25, 0.25, 0]);
});

test('a level that is never reset lasts to the end', () => {
  const meter = createMeter();
  meter.set(5, 2);
  expect(meter.means(10, 2)).toEqual([1, 2]);
});

test('the percentiles 0 to 100 of four waits', () => {
  const percentiles = percentilesOf([40, 10, 30, 20]) ?? [];
  expect(percentiles).toHaveLength(101);
  expect([0, 25, 26, 50, 99, 100].map((percent) => percentiles[percent])).toEqual([10, 10, 20, 20, 40, 40]);
  expect(percentilesOf([])).toBeNull();
});

const line = {
  t_s: 1.5,
  tenant: 'a',
  phase: 'build',
  priority: 'P1',
  overridable: true,
  cpu: 1,
  memory_gb: 2,
  duration_s: 0.25,
};

test('a line of a trace, with tokens at nominal rates', () => {
  const text = JSON.stringify({
    ...line,
    input_tokens: 300,
    cached_input_tokens: 100,
    output_tokens: 10,
    src: 'x',
  });
  expect(parseTraceLine(text, 'trace, line 1', 't1')).toEqual({
    taskId: 't1',
    tenantId: 'a',
    phase: 'build',
    class: 1,
    overridable: true,
    cpu: 1,
    memoryGb: 2,
    arrival_ms: 1500,
    duration_ms: 250,
    // 200 x 1000 + 100 x 100 + 10 x 4000
    cost_usd_nanos: 250_000n,
  });
});

test.each([
  ['no JSON', '{', 'trace, line 1: not JSON'],
  ['a wrong field', JSON.stringify({ ...line, cpu: -1 }), 'trace, line 1: cpu: '],
  ['an unknown class', JSON.stringify({ ...line, priority: 'P9' }), 'trace, line 1: priority: '],
])('a line with %s is refused by place and name', (_, text, message) => {
  expect(() => parseTraceLine(text, 'trace, line 1', 't1')).toThrow(message);
});

test('a stretched trace has the same load: arrivals and durations grow alike', () => {
  const tasks = [traced('a'), traced('b', { arrival_ms: 333, duration_ms: 7 })];
  expect(stretched(tasks, 2.5)).toEqual([
    traced('a', { duration_ms: 25_000 }),
    traced('b', { arrival_ms: 833, duration_ms: 18 }),
  ]);
});

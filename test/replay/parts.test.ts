import { expect, test } from '@jest/globals';
import { createAgenda } from '../../commands/replay/agenda.ts';
import { parseCommandLine } from '../../commands/replay/options.ts';
import { createMeter, jainIndex, spreadOf } from '../../commands/replay/statistics.ts';
import { parseTraceLine } from '../../commands/replay/trace.ts';

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

test('the command line', () => {
  expect(
    parseCommandLine([
      'f.jsonl',
      '--pool',
      'cpu=40,memory=80',
      '--quota',
      'runs=2,burst=5',
      '--no-preemption',
      '--json',
    ]),
  ).toEqual({
    kind: 'replay',
    path: 'f.jsonl',
    tasks_max: Number.POSITIVE_INFINITY,
    json: true,
    options: {
      pool: { cpu: 40, memoryGb: 80 },
      quota: { cpu: null, memoryGb: null, cost_usd: null, runs: 2, burstShare: 5 },
      onQuota: 'refuse',
      preemption: false,
    },
  });
});

test.each([
  [[], 'Name one trace file'],
  [['f', '--pool', 'cpu=x'], '--pool: cpu=x is not an amount'],
  [['f', '--pool', 'disk=1'], '--pool: disk is not one of cpu, memory'],
  [['f', '--quota', 'cpu=-1'], '--quota: cpu=-1 is not an amount'],
  [['f', '--limit', '0'], '--limit: 0 is not a whole number'],
  [['f', '--on-quota', 'ask'], '--on-quota: ask is not one of refuse, wait'],
])('the command line %j is refused by name', (args, message) => {
  expect(() => parseCommandLine(args)).toThrow(message);
});

import { expect, test } from '@jest/globals';
import { createBacktest, type StartRange } from '../../commands/replay/backtest.ts';
import { estimateOf } from '../../commands/replay/job.ts';
import { createTimeline } from '../../commands/replay/timeline.ts';
import { traced } from './trace-of.ts';

test('estimates are held against the starts that came', () => {
  const backtest = createBacktest();
  // Foretold, and when it started.
  const starts: [StartRange | null, number][] = [
    [{ earliest_ms: 1000, latest_ms: 3000 }, 2000],
    [{ earliest_ms: 1000, latest_ms: 3000 }, 3000],
    [{ earliest_ms: 1000, latest_ms: 5000 }, 999],
    [{ earliest_ms: 1000, latest_ms: 9000 }, 9001],
    [null, 5],
  ];
  for (const [index, [range, at_ms]] of starts.entries()) {
    const task = traced(`t${index}`, { class: 2 });
    backtest.queued(task, range);
    backtest.started(task, at_ms);
  }
  backtest.started(traced('at-once', { class: 1 }), 0);
  backtest.queued(traced('never-started'), { earliest_ms: 0, latest_ms: 1 });
  expect(backtest.read()).toEqual({
    P0: null,
    P1: null,
    P2: { queued: 5, estimated: 4, inside: 2, early: 1, late: 1, share: 0.5, medianRangeSeconds: 2 },
    P3: null,
  });
});

test('only the first start counts', () => {
  const backtest = createBacktest();
  const task = traced('a');
  backtest.queued(task, { earliest_ms: 0, latest_ms: 10 });
  backtest.started(task, 5);
  backtest.started(task, 50);
  expect(backtest.read().P3).toMatchObject({ queued: 1, inside: 1, late: 0 });
});

const now = new Date('2026-01-15T00:00:00.000Z');
const place = { position: 3, aheadInTenant: 0, waitingFor: 'pool' } as const;

test("the estimate is that of the admission's answer", () => {
  // Third in line, one start in two seconds: 6 s. The second more and the factors are those of the class.
  const pace = { secondsEach: 2, classes: { 1: { low: 0.5, high: 3, samples: 100 } } };
  expect(estimateOf({ queue: { ...place, pace }, class: 1 }, now)).toEqual({
    earliest: '2026-01-15T00:00:02.500Z',
    latest: '2026-01-15T00:00:20.000Z',
  });
  expect(estimateOf({ queue: { ...place, pace: null }, class: 1 }, now)).toBeNull();
  expect(estimateOf({ queue: null, class: 1 }, now)).toBeNull();
});

test('a timeline has at most 240 steps of a length that is easy to read', () => {
  const timeline = createTimeline();
  const nobody = { 0: 0, 1: 0, 2: 0, 3: 0 };
  timeline.measure(
    { room: { cpu_milli: 2000, memoryGb_milli: 0, tasks: 1 }, waiting: { ...nobody, 3: 4 } },
    0,
  );
  timeline.preempted(0);
  timeline.preempted(1_799_999);
  timeline.measure({ room: { cpu_milli: 0, memoryGb_milli: 0, tasks: 0 }, waiting: nobody }, 900_000);
  // Half an hour: 240 steps of 7.5 s would do, the next easy length is 10 s.
  const { stepSeconds, cpu, waiting, preemptions } = timeline.read(1_800_000);
  expect(stepSeconds).toBe(10);
  expect(cpu).toEqual([...Array.from({ length: 90 }, () => 2), ...Array.from({ length: 90 }, () => 0)]);
  expect(waiting.P3[89]).toBe(4);
  expect([preemptions[0], preemptions[179], preemptions.length]).toEqual([1, 1, 180]);
});

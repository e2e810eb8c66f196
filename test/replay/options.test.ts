import { expect, test } from '@jest/globals';
import {
  type ConditionsAsked,
  conditionsFor,
  meanDemand,
  noBound,
  noQuota,
  policyUnder,
  unbounded,
} from '../../commands/replay/conditions.ts';
import { describe as inWords } from '../../commands/replay/describe.ts';
import { type CommandLine, parseCommandLine } from '../../commands/replay/options.ts';
import { policy } from '../../shared/admission/policy.ts';
import { traced } from './trace-of.ts';

function parsed(...args: string[]): Extract<CommandLine, { kind: 'replay' }> {
  const command = parseCommandLine(args);
  if (command.kind !== 'replay') throw new Error('the command line asks for help');
  return command;
}

test('every option of the command line', () => {
  expect(
    parsed(
      'f.jsonl',
      '--pool',
      'cpu=40,memory=80,tasks=9',
      '--quota',
      'runs=2,burst=5',
      '--no-preemption',
      '--on-quota',
      'wait',
      '--policy',
      'min_run_seconds=0,aging_tasks_max=3',
      '--limit',
      '50',
      '--stretch',
      '2.5',
      '--report',
      'page.html',
      '--json',
    ),
  ).toEqual({
    kind: 'replay',
    path: 'f.jsonl',
    tasks_max: 50,
    stretch: 2.5,
    json: true,
    reportPath: 'page.html',
    conditions: {
      pool: { cpu: 40, memoryGb: 80, tasks: 9 },
      quota: { ...noQuota, runs: 2, burstShare: 5 },
      onQuota: 'wait',
      preemption: false,
      checkpoint_seconds: 1,
      policy: { min_run_seconds: 0, aging_tasks_max: 3 },
    },
    whatIf: null,
  });
});

test('without options nothing is bounded, and everything is as the policy says', () => {
  expect(parsed('f.jsonl')).toMatchObject({
    conditions: unbounded,
    stretch: 1,
    json: false,
    reportPath: null,
  });
});

test.each<[string, string, Partial<ConditionsAsked>]>([
  ['one thing changed, the rest kept', '--no-preemption', { preemption: false }],
  ['several', '--pool cpu=9  --on-quota wait', { pool: { ...noBound, cpu: 9 }, onQuota: 'wait' }],
  ['a bound taken away', '--quota none', { quota: noQuota }],
  ['numbers of the policy', '--policy min_run_seconds=0', { policy: { min_run_seconds: 0 } }],
])('what if: %s', (_, flags, changed) => {
  const { conditions, whatIf } = parsed('f.jsonl', '--pool', 'cpu=4', '--quota', 'cpu=2', '--what-if', flags);
  expect(conditions).toEqual({ ...unbounded, pool: { ...noBound, cpu: 4 }, quota: { ...noQuota, cpu: 2 } });
  expect(whatIf?.conditions).toEqual({ ...conditions, ...changed });
});

test('what if preemption were allowed again', () => {
  const { conditions, whatIf } = parsed('f.jsonl', '--no-preemption', '--what-if', '--preemption');
  expect([conditions.preemption, whatIf?.conditions.preemption]).toEqual([false, true]);
});

test.each([
  [[], 'Name one trace file'],
  [['f', '--pool', 'cpu=x'], '--pool: cpu=x is not an amount'],
  [['f', '--pool', 'disk=1'], '--pool: disk is not one of cpu, memory, tasks'],
  [['f', '--pool', 'tasks=1.5'], '--pool: tasks=1.5 is not a whole number'],
  [['f', '--pool', '0x'], '--pool: 0x is not one of'],
  [['f', '--quota', 'cpu=-1'], '--quota: cpu=-1 is not an amount'],
  [['f', '--limit', '0'], '--limit: 0 is not a whole number'],
  [['f', '--stretch', '0'], '--stretch: 0 is not a number above zero'],
  [['f', '--on-quota', 'ask'], '--on-quota: ask is not one of refuse, wait'],
  [['f', '--policy', 'speed=1'], '--policy: speed is not one of'],
  [
    ['f', '--policy', 'aging_step_seconds=0'],
    '--policy: aging_step_seconds must be a whole number from 1 to 31536000',
  ],
  [['f', '--what-if', '--pool cpu=x'], '--what-if: --pool: cpu=x is not an amount'],
  [['f', '--what-if', '--json'], "Unknown option '--json'"],
  [['f', '--what-if', ' '], '--what-if: say what is changed'],
])('the command line %j is refused by name', (args, message) => {
  expect(() => parseCommandLine(args)).toThrow(message);
});

// 2 vCPU for 10 s and 1 for 30 s, within 20 s of arrivals: 50 / 20; memory 4 GB for 10 s: 40 / 20.
const two = [
  traced('a', { cpu: 2, memoryGb: 4, duration_ms: 10_000 }),
  traced('b', { cpu: 1, memoryGb: 0, duration_ms: 30_000, arrival_ms: 20_000 }),
];

test('mean demand is work over the span of arrivals', () => {
  expect(meanDemand(two)).toEqual({ cpu: 2.5, memoryGb: 2 });
});

test('a pool of 1.1 times the mean demand', () => {
  const { conditions } = parsed('f.jsonl', '--pool', '1.1x');
  expect(conditionsFor(conditions, two).pool).toEqual({ cpu: 2.75, memoryGb: 2.2, tasks: null });
});

test('what nobody asks for gets no bound', () => {
  const noMemory = two.map((task) => ({ ...task, memoryGb: 0 }));
  expect(conditionsFor({ ...unbounded, pool: { timesMeanDemand: 1 } }, noMemory).pool).toEqual({
    ...noBound,
    cpu: 2.5,
  });
});

test('tasks that all arrive at once have no mean demand', () => {
  const atOnce = [traced('a'), traced('b')];
  expect(meanDemand(atOnce)).toBeNull();
  expect(() => conditionsFor({ ...unbounded, pool: { timesMeanDemand: 1 } }, atOnce)).toThrow('give amounts');
});

test('a changed policy has a version of its own, an unchanged one is that of the stage', () => {
  expect(policyUnder(unbounded)).toBe(policy);
  const changed = policyUnder({ ...unbounded, policy: { min_run_seconds: 1 } });
  expect(changed).toEqual({
    ...policy,
    min_run_seconds: 1,
    version: expect.stringMatching(/^2026-\d+-\d+\+[0-9a-f]{12}$/),
  });
});

test('conditions in words', () => {
  expect(inWords(unbounded)).toBe('no bound of the pool; no quota; preemption');
  expect(
    inWords({
      pool: { cpu: 44, memoryGb: 88, tasks: null },
      quota: { ...noQuota, cpu: 20, burstShare: 5 },
      onQuota: 'wait',
      preemption: false,
      checkpoint_seconds: 0,
      policy: { min_run_seconds: 0 },
    }),
  ).toBe(
    'pool 44 vCPU, 88 GB; each tenant 20 vCPU, 5 x burst, over it waits; no preemption; checkpoints within 0 s; policy min_run_seconds 0',
  );
});

/** What explanations say, on paper: which criterion decided, and why each of the others did not start or stays (R5). */

import { describe, expect, test } from '@jest/globals';
import type { AdmissionAsk, AdmissionFacts, Decided } from '../../shared/admission/admission-account.ts';
import { admissionWords, lineWords, victimWords } from '../../shared/admission/explain-words.ts';
import { walkLine } from '../../shared/admission/line-walk.ts';
import { policy } from '../../shared/admission/policy.ts';
import { noRoom } from '../../shared/admission/room.ts';
import { planSchedule, type Snapshot, type WaitingTask } from '../../shared/admission/schedule.ts';
import { walkVictims } from '../../shared/admission/victim-walk.ts';
import type { RunningTask } from '../../shared/admission/victims.ts';
import { now, running, secondsAgo, waiting } from './paper-scene.ts';

const facts: AdmissionFacts = {
  tenant: {
    ...{ cpuHeld: 3, memoryGbHeld: 4, runsHeld: 1, throttledUntil: null },
  },
  limits: { cpu: { limit: 4, burst: 2 }, concurrent_runs: { limit: 5 } },
  money: [{ level: 'tenant', limitUSD: 10, spentUSD: 1.5, heldUSD: 2 }],
  promisedQuota: { cpu: 0.5, memoryGb: 0, runs: 0 },
  pool: { cpu: 8, memoryGb: null, tasks: 4, cpuRoom: 2, memoryGbRoom: null, tasksRoom: 1 },
  lineBlocks: false,
  quotaLineBlocks: false,
  run: null,
};
const ask: AdmissionAsk = { class: 2, cpu: 1, memoryGb: 2, maxCostNanos: '250000001', onQuota: 'refuse' };
const admitted: Decided = {
  decision: 'admitted',
  waitingFor: null,
  burstCpu: 0,
  burstMemoryGb: 0,
  reasons: [],
};

describe('an admission', () => {
  test('names every dimension with limit, burst, held and asked', () => {
    expect(admissionWords(facts, { ...ask, cpu: 0.5 }, admitted)).toEqual([
      'Class P2. Every dimension holds it, and nobody in the line comes before it.',
      '',
      '  tenant cpu              limit 4   burst 2  held 3.5  asked 0.5 vCPU         fits',
      '  tenant memory           no limit  burst 0  held 4    asked 2 GB             fits',
      '  tenant concurrent_runs  limit 5   burst 0  held 1    asked 1 run            fits',
      '  tenant cost             limit 10  burst 0  held 3.5  asked 0.250000001 USD  fits',
      '  pool cpu                limit 8   burst 0  held 6    asked 0.5 vCPU         fits',
      '  pool memory             no limit  burst 0  held 0    asked 2 GB             fits',
      '  pool tasks              limit 4   burst 0  held 3    asked 1 slot           fits',
    ]);
  });

  const refused = (
    code: Decided['reasons'][number]['code'],
    level: 'tenant' | 'run' | 'pool',
    resource?: string,
  ) =>
    ({
      ...admitted,
      decision: 'refused',
      reasons: [{ code, level, ...(resource === undefined ? {} : { resource }) }],
    }) as const;
  const queued = (waitingFor: 'pool' | 'quota') => ({ ...admitted, decision: 'queued', waitingFor }) as const;
  const run = { liveTasks: 1, limitUSD: 5, spentUSD: 4.9, heldUSD: 0.1 };

  test.each<[string, Partial<AdmissionFacts>, Decided, string, string | null]>([
    [
      'above the limit',
      {},
      refused('quota_exceeded', 'tenant', 'cpu'),
      'cannot be borrowed now (A4, A5)',
      'tenant cpu',
    ],
    [
      'above the run count',
      {},
      refused('quota_exceeded', 'tenant', 'concurrent_runs'),
      '(A4)',
      'tenant concurrent_runs',
    ],
    [
      'above the whole pool',
      {},
      refused('never_fits', 'pool', 'tasks'),
      'tasks of the pool: more is asked',
      'pool tasks',
    ],
    ["out of the tenant's money", {}, refused('budget_exhausted', 'tenant', 'cost'), '(B6)', 'tenant cost'],
    ["out of the run's money", { run }, refused('budget_exhausted', 'run', 'cost'), '(B5)', 'run cost'],
    ['behind the gate', {}, refused('quality_gate', 'run'), '(D5)', null],
    ['throttled', {}, refused('throttled', 'tenant'), '(A6)', null],
    [
      'waiting for its quota',
      {},
      { ...refused('quota_exceeded', 'tenant', 'cpu'), ...{ decision: 'queued', waitingFor: 'quota' } },
      'asked to wait for quota',
      'tenant cpu',
    ],
    [
      'behind its own tenant',
      { quotaLineBlocks: true },
      queued('quota'),
      'others of its tenant wait for quota',
      null,
    ],
    [
      'without room',
      { pool: { ...facts.pool, cpuRoom: 0.5, tasksRoom: 0 } },
      queued('pool'),
      'no room for it now: cpu, tasks (A10)',
      null,
    ],
    ['behind the line', { lineBlocks: true }, queued('pool'), 'somebody ahead of it in the line', null],
    ['on burst', {}, { ...admitted, burstCpu: 0.5 }, 'it borrows 0.5 vCPU and 0 GB', null],
  ])('%s: says so, and marks what led', (_what, changed, decided, sentence, leading) => {
    const [first, , ...rows] = admissionWords({ ...facts, ...changed }, ask, decided);
    expect(first).toContain(sentence);
    const marked = rows.filter((row) => row.includes('<- decided'));
    expect(marked.map((row) => row.trim().split(/ {2,}/)[0])).toEqual(leading === null ? [] : [leading]);
  });
});

function snapshotOf(room: number, line: readonly WaitingTask[], runs: readonly RunningTask[] = []): Snapshot {
  const quota = {
    limits: { cpu: { limit: 4, burst: 0 } },
    ...{
      cpuHeld: 3,
      memoryGbHeld: 3,
      runsHeld: 1,
      promised: { cpu: 0, memoryGb: 0, runs: 0 },
      lowestRunningClass: null,
    },
  };
  return {
    version: '1',
    pool: {
      cpu: 10,
      memoryGb: null,
      tasks: null,
      cpuRoom: room,
      memoryGbRoom: null,
      tasksRoom: null,
      leaving: noRoom,
    },
    ...{
      waiting: line,
      more: false,
      smallestCpu: null,
      displaceable: [],
      running: runs,
      runningTruncated: false,
    },
    tenants: ['a', 'b', 'v'].map((tenantId) => ({
      ...{
        tenantId,
        weight: 1,
        cpuInUse: tenantId === 'a' ? 4 : 2,
        memoryGbInUse: 0,
        tasksInUse: 0,
        recent: 0,
        quota,
      },
    })),
    ...{ lowestRunningClass: 3, burstRunning: false },
  };
}

describe('a grant: who stood before it, by which criterion, and why each did not start', () => {
  const promised = { promised: true, promisedRoom: { cpu: 0, memoryGb: 0, tasks: 0 } };
  test.each<[string, number, WaitingTask, string, string]>([
    [
      'does not fit',
      2,
      waiting('big', { class: 1, cpu: 5 }),
      'waits, does not fit: asks 5 vCPU, 1 GB, 1 slot, there is 2 vCPU, any GB, any slots, short of 3 vCPU, 0 GB, 0 slots',
      'criterion 1, effective class: P1, the next P2',
    ],
    [
      'waits for quota',
      2,
      waiting('over', { overdue: true, waitingFor: 'quota', cpu: 2 }),
      'waits for quota: its limits lack 1 vCPU',
      'criterion 2, overdue first: overdue, the next not overdue',
    ],
    [
      'has no money',
      2,
      waiting('poor', { tenantId: 'b', waitingFor: 'quota', costFits: false }),
      "waits: its tenant's cost quota cannot hold its run's budget now",
      'criterion 4, smallest weighted share in use: 0.2, the next 0.4',
    ],
    [
      'waits for its victims',
      2,
      waiting('patient', { acceptedAt: secondsAgo(5), cpu: 4, ...promised }),
      'waits until its victims have left: asks 4 vCPU, 1 GB, 1 slot, there is 2 vCPU, any GB, any slots',
      'criterion 6, acceptance time: 2026-03-11T11:59:55.000Z, the next 2026-03-11T11:59:59.000Z',
    ],
    [
      'is larger than the pool',
      2,
      waiting('a-giant', { cpu: 11 }),
      'waits: 11 vCPU, 1 GB, 1 slot is more than the whole pool',
      'criterion 7, task id: a-giant, the next z-own',
    ],
    [
      'starts too',
      2,
      waiting('first', { class: 0 }),
      'starts: asks 1 vCPU, 1 GB, 1 slot, there is 2 vCPU, any GB, any slots',
      'criterion 1, effective class: P0, the next P2',
    ],
  ])('%s', (_what, room, other, fate, criterion) => {
    const snapshot = snapshotOf(room, [other, waiting('z-own')]);
    const plan = planSchedule(snapshot, policy, now);
    expect(plan.grants.at(-1)?.task.taskId).toBe('z-own');
    expect(lineWords(walkLine(snapshot, policy, now))).toEqual([
      'In the order of the line, 1 before it:',
      `  1. ${other.tenantId}/${other.taskId} (P${other.effectiveClass}): ${fate}`,
      `     before the next by ${criterion}`,
      expect.stringMatching(/^ {2}2\. a\/z-own \(P2\): starts: asks 1 vCPU/),
    ]);
  });

  test('held back behind a head that has waited long, but for those with room of their own', () => {
    const head = waiting('head', {
      class: 1,
      cpu: 5,
      waitingSince: secondsAgo(600),
      acceptedAt: secondsAgo(600),
    });
    const own = {
      promised: true,
      promisedRoom: { cpu: 1, memoryGb: 1, tasks: 1 },
      acceptedAt: secondsAgo(0),
    };
    const snapshot = snapshotOf(2, [head, waiting('fits'), waiting('own', own)]);
    const steps = walkLine(snapshot, policy, now);
    expect(steps.map(({ task, fate }) => [task.taskId, fate])).toEqual([
      ['head', 'no_room'],
      ['fits', 'held_back'],
      ['own', 'granted'],
    ]);
  });

  test('alone in the line', () => {
    const snapshot = snapshotOf(2, [waiting('only')]);
    const [first] = lineWords(walkLine(snapshot, policy, now));
    expect(first).toBe('Nobody stood before it in the line.');
  });
});

test('a preemption: every candidate in the order of victims, and why it was taken or stays', () => {
  const runs = [
    running('p2', { class: 2, cpu: 9 }),
    running('large', { cpu: 4, workSinceCheckpointNanos: '5' }),
    running('small', { cpu: 1 }),
    running('idle', { cpu: 0, workSinceCheckpointNanos: '3' }),
    running('young', { runningSince: secondsAgo(59) }),
    running('shielded', { preemptionStreak: 3 }),
    running('equal', { class: 1 }),
  ];
  const snapshot = snapshotOf(0, [waiting('urgent', { tenantId: 'b', class: 1, cpu: 4 })], runs);
  const plan = planSchedule(snapshot, policy, now);
  const [preemption] = plan.preemptions;
  const [step] = walkLine(snapshot, policy, now);
  if (preemption === undefined || step === undefined) throw new Error('nobody is preempted');
  const walk = walkVictims(preemption, step, plan, snapshot, policy, now);
  expect(victimWords(walk, preemption.reason)).toEqual([
    'Those of a lower class leave for it (P1). Missing: of the pool 4 vCPU, 0 GB, 0 slots. In the order of victims (P2):',
    '  1. v/small (P3, 1 vCPU, 1 GB, 1 slot): given back: not needed once the others leave (P2)',
    '     before the next by criterion 4, least work since its last checkpoint: 0 USD, the next 0.000000003 USD',
    '  2. v/idle (P3, 0 vCPU, 1 GB, 1 slot): passed over: it has nothing of what is missing',
    '     before the next by criterion 4, least work since its last checkpoint: 0.000000003 USD, the next 0.000000005 USD',
    '  3. v/large (P3, 4 vCPU, 1 GB, 1 slot): has to leave',
    '     before the next by criterion 2, lowest class: P3, the next P2',
    '  4. v/p2 (P2, 9 vCPU, 1 GB, 1 slot): stays: those before it are enough',
    'Could not be preempted:',
    '  v/young (P3): has not run long enough (P1)',
    '  v/shielded (P3): shielded until its next checkpoint (P1)',
    '  v/equal (P1): not of a lower class, and not on burst that could be reclaimed (P1, A5)',
  ]);
});

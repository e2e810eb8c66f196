import { expect, test } from '@jest/globals';
import { noUse } from '../../commands/replay/account.ts';
import { breachCount, noBreaches } from '../../commands/replay/breaches.ts';
import { checkRows } from '../../commands/replay/checks.ts';
import { type Conditions, noBound, unbounded } from '../../commands/replay/conditions.ts';
import { replay } from '../../commands/replay/replay.ts';
import { type Report, reportOf } from '../../commands/replay/report.ts';
import type { TracedTask } from '../../commands/replay/trace.ts';
import { createTestDatabase, type TestDatabase } from '../setup/database.ts';
import { traced } from './trace-of.ts';

async function onFreshDatabase<T>(work: (database: TestDatabase) => Promise<T>): Promise<T> {
  const { database, drop } = await createTestDatabase();
  try {
    return await work(database);
  } finally {
    await drop();
  }
}

function reportFor(tasks: readonly TracedTask[], options: Partial<Conditions>): Promise<Report> {
  return onFreshDatabase(async ({ app }) => {
    const all = { ...unbounded, ...options };
    return reportOf(app, await replay(app, tasks, all), all);
  });
}

const onePlace = { pool: { ...noBound, cpu: 1 } };

test('three tasks on one place wait for each other, and the place is never idle', async () => {
  const report = await reportFor(
    [traced('a'), traced('b', { arrival_ms: 1000 }), traced('c', { arrival_ms: 2000 })],
    onePlace,
  );
  expect(breachCount(report.breaches)).toBe(0);
  expect(report).toMatchObject({ tasks: 3, admitted: 1, queued: 2, completed: 3, preemptions: 0 });
  // a runs 0-10 s, b 10-20 s after 9 s, c 20-30 s after 18 s.
  expect(report.waitSeconds.P3).toEqual({ count: 3, mean: 9, p50: 9, p95: 18, p99: 18, max: 18 });
  expect(report.waitSeconds.P0).toBeNull();
  expect(report.utilisation).toEqual({ cpu: 1, memory: null, tasks: null });
  expect(report.peak.pool.cpu).toEqual({ used: 1, share: 1 });
  expect(report.virtualSeconds).toBe(30);
  // There is one tenant only, and it was served.
  expect(report.jainIndex).toBe(1);
});

test('a better class that comes later starts first', async () => {
  const report = await reportFor(
    [traced('a'), traced('b', { arrival_ms: 1000 }), traced('c', { arrival_ms: 2000, class: 1 })],
    onePlace,
  );
  expect(report.waitSeconds.P1?.max).toBe(8);
  expect(report.waitSeconds.P3?.max).toBe(19);
});

test('P0 takes the place of a P3 task, which leaves with a checkpoint, resumes and loses nothing', async () => {
  const tasks = [
    traced('low', { duration_ms: 100_000, cost_usd_nanos: 1_000_000_000n }),
    traced('top', { class: 0, overridable: false, arrival_ms: 20_000 }),
  ];
  const report = await reportFor(tasks, onePlace);
  expect(breachCount(report.breaches)).toBe(0);
  // low leaves one second after it is told to; top runs 21-31 s; low has 79 s left then.
  expect(report).toMatchObject({
    preemptions: 1,
    resumes: 1,
    lostWorkUSD: 0,
    spentUSD: 1,
    virtualSeconds: 110,
  });
  expect(report.waitSeconds.P0?.max).toBe(1);
  expect(report.waitSeconds.P3?.max).toBe(0);
});

test('without preemption P0 waits for the place', async () => {
  const tasks = [
    traced('low', { duration_ms: 100_000 }),
    traced('top', { class: 0, overridable: false, arrival_ms: 20_000 }),
  ];
  const report = await reportFor(tasks, { ...onePlace, preemption: false });
  expect(report.preemptions).toBe(0);
  expect(report.waitSeconds.P0?.max).toBe(80);
});

test.each([
  // The scheduler looks at every whole minute: low has run for a minute when it does so next, and leaves a second later.
  ['a minute of running first, as the policy has it', {}, 41],
  ['no minimum of running', { min_run_seconds: 0 }, 1],
])('P1 takes the place of a P3 task: %s', async (_, policy, wait) => {
  const tasks = [
    traced('low', { duration_ms: 100_000 }),
    traced('mid', { class: 1, arrival_ms: 20_000, tenantId: 'beta' }),
  ];
  const report = await reportFor(tasks, { ...onePlace, policy });
  expect(breachCount(report.breaches)).toBe(0);
  expect(report.preemptions).toBe(1);
  expect(report.waitSeconds.P1?.max).toBe(wait);
});

const twoRuns = { quota: { ...unbounded.quota, runs: 2 } };

test('requests over the quota are refused, and the fifth within a minute starts the throttle', async () => {
  const tasks = Array.from({ length: 9 }, (_, index) => traced(`t${index}`, { arrival_ms: index * 100 }));
  const report = await reportFor(tasks, twoRuns);
  expect(breachCount(report.breaches)).toBe(0);
  expect(report).toMatchObject({ admitted: 2, completed: 2, refusals: { quota_exceeded: 5, throttled: 2 } });
  expect(report.peak.tenant.runs).toEqual({ used: 2, share: 1 });
});

test('requests over the quota can wait for it instead', async () => {
  const tasks = Array.from({ length: 6 }, (_, index) => traced(`t${index}`));
  const report = await reportFor(tasks, { ...twoRuns, onQuota: 'wait' });
  expect(breachCount(report.breaches)).toBe(0);
  // Two at a time, 10 s each.
  expect(report).toMatchObject({ admitted: 2, queued: 4, completed: 6, virtualSeconds: 30 });
});

test('tenants that are served alike have a Jain index of one, one that is not lowers it', async () => {
  const arrivals = { duration_ms: 1000, arrival_ms: 0 };
  const last = traced('last', { tenantId: 'late', arrival_ms: 60_000, duration_ms: 1000 });
  const alike = await reportFor(
    [traced('a', arrivals), traced('b', { ...arrivals, tenantId: 'beta' })],
    unbounded,
  );
  expect(alike.jainIndex).toBeNull();
  const unlike = await reportFor(
    [traced('a', arrivals), traced('b', { ...arrivals, tenantId: 'beta' }), last],
    unbounded,
  );
  // Shares of asked work done when the last task arrives: 1, 1 and 0.
  expect(unlike.jainIndex).toBeCloseTo(2 / 3, 4);
  const halfDone = await reportFor(
    [traced('a', arrivals), traced('b', { duration_ms: 120_000, tenantId: 'beta' }), last],
    unbounded,
  );
  // 1, half of 120 s, and 0: (1.5)² / (3 x 1.25).
  expect(halfDone.jainIndex).toBeCloseTo(0.6, 4);
});

test.each([
  ["a tenant's hold", 'update tenants set cpu_held = cpu_held + 1', 'counters_drift'],
  ['the pool', 'update pool set cpu_used = cpu_used + 1', 'counters_drift'],
  ["a run's live tasks", 'update runs set live_tasks = live_tasks + 1', 'counters_drift'],
  ["a run's spend", 'update runs set spent_usd_nanos = spent_usd_nanos + 1', 'ledger_drift'],
  ["a tenant's spend", 'update account_spend set spent_usd_nanos = spent_usd_nanos + 1', 'ledger_drift'],
] as const)('drift of %s is seen', async (_, damage, invariant) => {
  await onFreshDatabase(async ({ app, admin }) => {
    await replay(app, [traced('a', { cost_usd_nanos: 5n })], unbounded);
    const breaches = noBreaches();
    const expected = {
      ...unbounded,
      burstShare: 0.5,
      room: noUse(),
      reported_usd_nanos: 5n,
    };
    await checkRows(app, expected, new Date(), breaches);
    expect(breachCount(breaches)).toBe(0);
    await admin.query(damage);
    await checkRows(app, expected, new Date(), breaches);
    expect(breaches[invariant]).toBeGreaterThan(0);
  });
});

test('a cost that was reported and is missing from the ledger is seen', async () => {
  await onFreshDatabase(async ({ app }) => {
    await replay(app, [traced('a', { cost_usd_nanos: 5n })], unbounded);
    const breaches = noBreaches();
    const room = noUse();
    await checkRows(
      app,
      { ...unbounded, burstShare: 0.5, room, reported_usd_nanos: 6n },
      new Date(),
      breaches,
    );
    expect(breaches).toEqual({ ...noBreaches(), ledger_drift: 1 });
  });
});

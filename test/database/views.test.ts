/** The monitoring queries of the contract answer, with their columns. */

import { beforeAll, expect, test } from '@jest/globals';
import { type Numbers, passing, rejected, reviewed, store } from '../deliberation/labelled-scorer.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';

const database = withDatabase();
const api = testApi(() => database.app);
const as = { tenantId: 'tenant-abc' };

beforeAll(async () => {
  await api.call('operator', 'PUT', '/v1/tenants/tenant-abc/quotas', {
    cpu: { limit: 16 },
    cost: { limitUSD: 500 },
  });
  await api.call(as, 'POST', '/v1/runs', {
    runId: 'run-123',
    phase: 'plan',
    goal: 'Cut the build time in half.',
    budget: { maxCostUSD: 100 },
    leaseSeconds: 3600,
  });
  await api.call(as, 'POST', '/v1/runs/run-123/costs', { events: [{ eventId: 'e', costUSD: 81.5 }] });
  await api.call(as, 'POST', '/v1/runs/run-123/deliberations', {
    text: 'It is good. It is good. It is good.',
  });
  await api.call('operator', 'POST', '/v1/tasks/run-123/preempt', { reason: 'drain' });
  await api.call('operator', 'PUT', '/v1/pool', { cpu: 1, memoryGb: 1 });
  await api.call(as, 'POST', '/v1/tasks/run-123/checkpoints', { epoch: 1, sequence: 1, data: {} });
});

const one = async (sql: string) => {
  const rows = await database.app.query<Record<string, unknown>>(sql);
  expect(rows).toHaveLength(1);
  return rows[0] ?? {};
};

test('v_budget_status by run', async () => {
  expect(await one(`SELECT * FROM v_budget_status WHERE run_id = 'run-123'`)).toMatchObject({
    tenant_id: 'tenant-abc',
    run_id: 'run-123',
    limit_usd: '100.000000000',
    spent_usd: '81.500000000',
    held_usd: '18.500000000',
    percent_used: '81.500',
    level: 'throttle',
  });
});

test('v_tenant_usage_current by tenant', async () => {
  expect(await one(`SELECT * FROM v_tenant_usage_current WHERE tenant_id = 'tenant-abc'`)).toMatchObject({
    tenant_id: 'tenant-abc',
    cpu_limit: '16.000000000',
    cpu_held: '2.000',
    concurrent_runs: 1,
    cost_limit_usd: '500.000000000',
    cost_held_usd: '18.500000000',
  });
});

test('v_priority_queue of the preempted, newest first', async () => {
  expect(
    await one(`SELECT * FROM v_priority_queue WHERE preempted = true ORDER BY preempted_at DESC LIMIT 10`),
  ).toMatchObject({
    run_id: 'run-123',
    task_id: 'run-123',
    state: 'queued',
    preempted: true,
    preempted_at: api.now(),
  });
});

test('v_low_quality_reasoning: rejects and reviews, the newest first, of one time the later recorded', async () => {
  const record = async (numbers: Numbers, seconds: number) =>
    (await store(database.app, 'tenant-abc', numbers, at(seconds), { runId: 'run-low' })).scoreId;
  const at = (seconds: number) => new Date(api.now().getTime() + seconds * 1000);
  const resources = { cpu: 1, memoryGb: 1 };
  const budget = { maxCostUSD: 1 };
  await api.call(as, 'POST', '/v1/runs', { runId: 'run-low', phase: 'plan', resources, budget });
  const [first, second] = [await record(reviewed, 1), await record(rejected, 1)];
  await record(passing, 3);
  const newest = await record(reviewed, 2);
  const rows = await database.app.query<Record<string, unknown>>(
    `SELECT * FROM v_low_quality_reasoning WHERE run_id = 'run-low' LIMIT 10`,
  );
  expect(rows.map((row) => row.score_id)).toEqual([newest, second, first]);
  expect(rows[1]).toMatchObject({
    tenant_id: 'tenant-abc',
    task_id: 'run-low',
    phase: 'plan',
    overall_score: '0.460000',
    coherence_score: '0.100000',
    recommendation: 'reject',
    scorer_version: 'labelled-1',
    thresholds: { reject_coherence: 0.2, pass_overall: 0.6 },
  });
  expect(
    await one(
      `SELECT AVG(overall_score), COUNT(*) FILTER (WHERE recommendation = 'pass') FROM deliberation_scores WHERE run_id = 'run-low'`,
    ),
  ).toEqual({ avg: '0.56500000000000000000', count: 1n });
});

test('v_low_quality_reasoning of everybody', async () => {
  const rows = await database.app.query<Record<string, unknown>>(
    'SELECT * FROM v_low_quality_reasoning LIMIT 10',
  );
  expect(rows.map((row) => row.run_id)).toEqual(['run-low', 'run-low', 'run-low', 'run-123']);
});

test('budget_events of a run in the order in which they fired', async () => {
  const rows = await database.app.query<{ threshold: string; level: string }>(
    `SELECT * FROM budget_events WHERE run_id = 'run-123' ORDER BY triggered_at`,
  );
  expect(rows.map((row) => [Number(row.threshold), row.level]).toSorted()).toEqual([
    [50, 'warning'],
    [80, 'throttle'],
  ]);
});

test('deliberation_scores averaged', async () => {
  const row = await one(
    `SELECT AVG(overall_score), COUNT(*) FILTER (WHERE recommendation = 'pass')
     FROM deliberation_scores WHERE run_id = 'run-123'`,
  );
  expect(Number(row.avg)).toBeLessThan(0.4);
  expect(row.count).toBe(0n);
});

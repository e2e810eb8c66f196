/** Decisions under numbers that a tenant or a stage has of its own are made again as they were (R5). */

import { beforeEach, expect, test } from '@jest/globals';
import { explainDecision } from '../../shared/admission/explain.ts';
import { policy, policyWith } from '../../shared/admission/policy.ts';
import { putInForce } from '../../shared/admission/policy-in-force.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

beforeEach(() => startAgain(db.admin, api));

async function explained(): Promise<Record<string, unknown>[]> {
  const rows = await db.admin.query<{ decision_id: string }>('select decision_id from decisions order by at');
  return Promise.all(
    rows.map(async ({ decision_id }) => {
      const explanation = await explainDecision(db.app, decision_id);
      const { kind, result, taskId, policyVersion } = explanation?.decision ?? {};
      return { kind, result, taskId, policyVersion, same: explanation?.same };
    }),
  );
}

async function story(): Promise<void> {
  const own = {
    violationsMax: 3,
    violationWindowSeconds: 5,
    throttleSeconds: 7,
    retrySeconds: 45,
    claimSeconds: 90,
    leaseSeconds: 600,
    lapsesMax: 1,
    graceSeconds: 90,
  };
  await scene.setPool(2);
  await scene.setQuotas('own', { cpu: { limit: 2, burstShare: 0 }, policy: own });
  await scene.setQuotas('other', {});
  await scene.ask('own', 'holder', { cpu: 2 });
  await scene.ask('own', 'over', { cpu: 1 });
  api.advance(61);
  await scene.askAs('P1', 'other', 'newcomer', { cpu: 2 });
  await scene.checkpoint('own', 'holder', 1, 1);
}
const decided = [
  { kind: 'admit', result: 'admitted', taskId: 'holder' },
  { kind: 'admit', result: 'refused', taskId: 'over' },
  { kind: 'admit', result: 'queued', taskId: 'newcomer' },
  { kind: 'preempt', result: 'preempting', taskId: 'newcomer' },
  { kind: 'grant', result: 'granted', taskId: 'newcomer' },
];
function expectSame(decisions: readonly unknown[], policyVersion: string): void {
  const all = decided.map((each) => ({ ...each, policyVersion, same: true }));
  expect(decisions).toEqual(expect.arrayContaining(all));
  expect(decisions).toHaveLength(all.length);
}

test('those of a tenant, also when it has others by then', async () => {
  await story();
  await scene.setQuotas('own', { policy: { retrySeconds: 1, leaseSeconds: null, graceSeconds: null } });
  expectSame(await explained(), policy.version);
  const [refusal] = await db.admin.query<{ counters: unknown; answer: unknown; inputs: unknown }>(
    `select counters, answer, inputs from decisions where task_id = 'over'`,
  );
  expect(refusal).toMatchObject({
    counters: { policy: { retry_seconds: 45, lease_seconds: 600 } },
    inputs: { leaseSeconds: 600 },
  });
});

test('those of a tenant on a stage whose policy is not in force any more', async () => {
  const changed = policyWith({ retry_seconds: 20, min_run_seconds: 30 });
  const restore = putInForce(changed);
  try {
    await story();
  } finally {
    restore();
  }
  expectSame(await explained(), changed.version);
});

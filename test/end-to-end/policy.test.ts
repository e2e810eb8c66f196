/** A stage that overrides numbers of the policy, from cdk.json through synthesis to the answers of `npm start`. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { startTestStage, type TestStage } from './stage.ts';

const policy = { local: { lease_seconds: 120, retry_seconds: 33 }, prod: { lease_seconds: 20 } };
let stage: TestStage;

beforeAll(async () => {
  stage = await startTestStage({ context: { policy } });
}, 120_000);
afterAll(() => stage.stop());

test('its functions decide by the overrides, under a version of their own', async () => {
  const { operator } = stage;
  await operator.ask(z.unknown(), 'PUT', '/v1/tenants/a/quotas', { policy: { retrySeconds: 7 } });
  const quotas = z.looseObject({ policyInForce: z.record(z.string(), z.number()) });
  const { policyInForce } = await operator.ask(quotas, 'GET', '/v1/tenants/a/quotas');
  expect(policyInForce).toMatchObject({ leaseSeconds: 120, retrySeconds: 7, graceSeconds: 30 });

  const admitted = z.looseObject({
    decisionId: z.string(),
    lease: z.object({ epoch: z.int(), expiresAt: z.string() }),
  });
  const { decisionId, lease } = await operator.ask(admitted, 'POST', '/v1/runs', {
    tenantId: 'a',
    runId: 'r',
    phase: 'research',
    budget: { maxCostUSD: 1 },
  });
  const decision = z.looseObject({ at: z.string(), policyVersion: z.string() });
  const { at, policyVersion } = await operator.ask(decision, 'GET', `/v1/decisions/${decisionId}`);
  expect(Date.parse(lease.expiresAt) - Date.parse(at)).toBe(120_000);
  expect(policyVersion).toMatch(/\+[0-9a-f]{12}$/);
});

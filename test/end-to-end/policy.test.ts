/** A stage that overrides numbers of the policy, from cdk.json through synthesis to the answers of `npm start`. */

import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { createClient } from '../../commands/demo/client.ts';
import { type LocalStage, startLocalStage } from '../../infra/local-stage.ts';
import { mothershipApp } from '../../infra/mothership-app.ts';
import { newDataFolder } from './data-folder.ts';

const policy = { local: { lease_seconds: 120, retry_seconds: 33 }, prod: { lease_seconds: 20 } };
let dataFolder: string;
let stage: LocalStage;

beforeAll(async () => {
  dataFolder = await newDataFolder();
  const assemblyFolder = path.join(dataFolder, 'assembly');
  mothershipApp({
    stage: 'local',
    outputFolder: assemblyFolder,
    checkRules: false,
    context: { policy },
  }).synth();
  stage = await startLocalStage({
    dataFolder,
    assemblyFolder,
    port: 0,
    durable: false,
    automaticSchedules: false,
    log: () => {},
  });
}, 120_000);

afterAll(async () => {
  await stage.stop();
  await rm(dataFolder, { recursive: true, force: true });
});

test('its functions decide by the overrides, under a version of their own', async () => {
  const operator = createClient(stage.baseUrl, stage.operatorKey);
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

/** A local stage of its own for a test file: real Postgres, queues, bus, functions and HTTP. */

import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { type Client, createClient } from '../../commands/demo/client.ts';
import { type EventWatch, watchEvents } from '../../commands/demo/events.ts';
import { sqsClient } from '../../commands/demo/sqs.ts';
import { type LocalStage, startLocalStage } from '../../infra/local-stage.ts';
import { type MothershipAppOptions, mothershipApp } from '../../infra/mothership-app.ts';
import { sharedAssembly } from './assembly.ts';
import { newDataFolder } from './data-folder.ts';

export type TestTenant = {
  readonly tenantId: string;
  readonly keyId: string;
  readonly key: string;
  readonly client: Client;
};

export type TestStage = LocalStage & {
  readonly dataFolder: string;
  readonly operator: Client;
  readonly sqs: SQSClient;
  /** URL of `mothership-local-<name>`. */
  readonly queueUrl: (name: string) => string;
  /** A new tenant with a runner key. */
  readonly tenant: (tenantId: string, quotas?: object) => Promise<TestTenant>;
  /** The tenant's events, from the queue that is subscribed to all of them. One watch at a time. */
  readonly watch: (tenantId: string) => EventWatch;
};

/**
 * Starts the stage with an unbounded pool; schedules run only when a test says so.
 *
 * @param settings of its own: then it is synthesised for it
 */
export async function startTestStage(
  settings?: Pick<MothershipAppOptions, 'judge' | 'context'>,
): Promise<TestStage> {
  const dataFolder = await newDataFolder();
  const stage = await startLocalStage({
    dataFolder,
    port: 0,
    durable: false,
    automaticSchedules: false,
    assemblyFolder: settings === undefined ? await sharedAssembly() : assemblyOf(settings, dataFolder),
    log: () => {},
  });
  const operator = createClient(stage.baseUrl, stage.operatorKey);
  const sqs = sqsClient(stage.runtime);
  const queueUrl = (name: string) => stage.runtime.queueUrl(`mothership-local-${name}`);
  await operator.ask(z.unknown(), 'PUT', '/v1/pool', { cpu: null, memoryGb: null });
  return {
    ...stage,
    dataFolder,
    operator,
    sqs,
    queueUrl,
    tenant: (tenantId, quotas = {}) => makeTenant(operator, stage.baseUrl, tenantId, quotas),
    watch: (tenantId) => watchEvents(sqs, queueUrl('events-tap'), (event) => event.tenantId === tenantId),
    async stop() {
      sqs.destroy();
      await stage.stop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

function assemblyOf(settings: Pick<MothershipAppOptions, 'judge' | 'context'>, dataFolder: string): string {
  const outputFolder = path.join(dataFolder, 'assembly');
  mothershipApp({ stage: 'local', outputFolder, checkRules: false, ...settings }).synth();
  return outputFolder;
}

const madeKey = z.object({ keyId: z.string(), key: z.string() });

export async function makeTenant(
  operator: Client,
  baseUrl: string,
  tenantId: string,
  quotas: object,
): Promise<TestTenant> {
  await operator.ask(z.unknown(), 'PUT', `/v1/tenants/${tenantId}/quotas`, quotas);
  const { keyId, key } = await operator.ask(madeKey, 'POST', `/v1/tenants/${tenantId}/keys`, {
    scope: 'runner',
  });
  return { tenantId, keyId, key, client: createClient(baseUrl, key) };
}

/** Who plays in the story: two tenants made for it, and the operator who sets their quotas and the pool. */

import { randomBytes } from 'node:crypto';
import type { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { keyAnswer } from '../../shared/access/contract.ts';
import { poolAnswer, type Quotas, runList, runResult } from '../../shared/admission/contract.ts';
import type { StageFile } from '../stage-file.ts';
import { type Client, createClient } from './client.ts';
import type { EventWatch } from './events.ts';

export type Tenant = { readonly tenantId: string; readonly keyId: string; readonly client: Client };

/** What every scene is given. */
export type Cast = {
  readonly operator: Client;
  readonly a: Tenant;
  readonly b: Tenant;
  readonly sqs: SQSClient;
  readonly taskQueueUrls: StageFile['taskQueueUrls'];
  readonly events: EventWatch;
  /** Tells what happened and why. */
  readonly say: (line: string) => Promise<void>;
};

export type Pool = { readonly cpu: number | null; readonly memoryGb: number | null };

const usedPool = poolAnswer.extend({ used: z.object({ cpu: z.number(), memoryGb: z.number() }) });

export function demoTenantIds(): { readonly a: string; readonly b: string } {
  const suffix = randomBytes(3).toString('hex');
  return { a: `demo-a-${suffix}`, b: `demo-b-${suffix}` };
}

export async function makeTenant(
  operator: Client,
  baseUrl: string,
  tenantId: string,
  quotas: Quotas,
): Promise<Tenant> {
  await setQuotas(operator, tenantId, quotas);
  const { keyId, key } = await operator.ask(keyAnswer, 'POST', `/v1/tenants/${tenantId}/keys`, {
    scope: 'runner',
    label: 'demo',
  });
  if (key === null) throw new Error(`the key of ${tenantId} was made, but not shown`);
  return { tenantId, keyId, client: createClient(baseUrl, key) };
}

export async function setQuotas(operator: Client, tenantId: string, quotas: Quotas): Promise<void> {
  await operator.ask(z.unknown(), 'PUT', `/v1/tenants/${tenantId}/quotas`, quotas);
}

/** What the pool is set to now. */
export async function readPool(operator: Client): Promise<Pool> {
  const { cpu, memoryGb } = await operator.ask(poolAnswer, 'GET', '/v1/pool');
  return { cpu, memoryGb };
}

export async function setPool(operator: Client, { cpu, memoryGb }: Pool): Promise<void> {
  await operator.ask(z.unknown(), 'PUT', '/v1/pool', { cpu, memoryGb });
}

/** Sets the pool so that exactly this much of it is free, whatever other tenants use of it right now. */
export async function leaveRoom(operator: Client, room: { cpu: number; memoryGb: number }): Promise<void> {
  // Writes down what has lapsed, so that `used` is what is in use.
  await operator.ask(z.unknown(), 'POST', '/v1/sweep');
  const { used } = await operator.ask(usedPool, 'GET', '/v1/pool');
  await setPool(operator, { cpu: used.cpu + room.cpu, memoryGb: used.memoryGb + room.memoryGb });
}

/** Ends what the story left running, and its key. */
export async function dismiss(operator: Client, { tenantId, keyId }: Tenant): Promise<void> {
  const { items } = await operator.ask(runList, 'GET', `/v1/runs?tenantId=${tenantId}&limit=100`);
  for (const { runId } of items) {
    const run = await operator.ask(runResult, 'GET', `/v1/runs/${runId}?tenantId=${tenantId}`);
    for (const { taskId, state } of run.tasks) {
      if (['completed', 'failed', 'cancelled'].includes(state)) continue;
      await operator.ask(z.unknown(), 'POST', `/v1/tasks/${taskId}/cancel?tenantId=${tenantId}`);
    }
  }
  await operator.ask(z.unknown(), 'DELETE', `/v1/tenants/${tenantId}/keys/${keyId}`);
}

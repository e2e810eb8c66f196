/** Two tenants to begin with, made through the API on the first start and kept beside the data. */

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

export type Tenant = { readonly tenantId: string; readonly key: string };

/** What the two tenants may use, and the pool that they share: room for a handful of runs each. */
const quotas = {
  cpu: { limit: 32 },
  memory: { limit: 128 },
  cost: { limitUSD: 100 },
  concurrentRuns: { limit: 10 },
};
const pool = { cpu: 48, memoryGb: 192 };
const tenantIds = ['acme', 'globex'];

type Stage = { readonly baseUrl: string; readonly operatorKey: string };

/** The tenants with a runner key each; the same ones at every start on the same data. */
export async function firstTenants(stage: Stage, dataFolder: string): Promise<Tenant[]> {
  const file = path.join(dataFolder, 'tenants.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Tenant[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await send(stage, 'PUT', '/v1/pool', pool);
  const tenants: Tenant[] = [];
  for (const tenantId of tenantIds) {
    await send(stage, 'PUT', `/v1/tenants/${tenantId}/quotas`, quotas);
    const made = await send(stage, 'POST', `/v1/tenants/${tenantId}/keys`, {
      scope: 'runner',
      label: 'first key',
    });
    tenants.push({ tenantId, key: String(made.key) });
  }
  await writeFile(file, JSON.stringify(tenants, null, 2), { mode: 0o600 });
  return tenants;
}

async function send(
  stage: Stage,
  method: string,
  route: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(stage.baseUrl + route, {
    method,
    headers: { authorization: `Bearer ${stage.operatorKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${route} answered ${response.status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

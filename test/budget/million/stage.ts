/** Sets the cast up: all runs begin while nothing above them is bounded; then the bounds are set, below what is held. */

import { expect } from '@jest/globals';
import { type Api, testApi } from '../../setup/api.ts';
import type { TestDatabase } from '../../setup/database.ts';
import { type Cast, span } from './cast.ts';

/** Percentages that only alert: of tenants and, through them, of their runs; and of organisations. */
export const alerts = { tenant: [10, 33.333, 120], org: [25] } as const;

export async function setStage(database: TestDatabase, { orgs, tenants, runs }: Cast): Promise<void> {
  const api = testApi(() => database.app);
  api.at(new Date(span.from));
  const done = async (...parameters: Parameters<Api['call']>): Promise<void> => {
    expect((await api.call(...parameters)).status).toBeLessThan(300);
  };
  for (const { orgId, period } of orgs) {
    const body = { limitUSD: null, ...period, thresholds: { alerts: alerts.org }, reason: 'opened' };
    await done('operator', 'PUT', `/v1/orgs/${orgId}/budget`, body);
  }
  for (const { tenantId, orgId, period } of tenants) {
    const body = { orgId, cost: { limitUSD: null, ...period }, thresholds: { alerts: alerts.tenant } };
    await done('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, body);
  }
  for (const { tenantId, runId, period, limitUSD, taskIds } of runs) {
    const budget = { maxCostUSD: limitUSD, ...period };
    await done({ tenantId }, 'POST', '/v1/runs', { runId, phase: 'build', budget, leaseSeconds: 86_400 });
    const second = { taskId: taskIds[1], phase: 'test', leaseSeconds: 86_400 };
    await done({ tenantId }, 'POST', `/v1/runs/${runId}/tasks`, second);
  }
  for (const { orgId, limitUSD } of orgs) {
    await done('operator', 'PUT', `/v1/orgs/${orgId}/budget`, { limitUSD, reason: 'contract' });
  }
  for (const { tenantId, limitUSD } of tenants) {
    if (limitUSD !== null)
      await done('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, { cost: { limitUSD } });
  }
}

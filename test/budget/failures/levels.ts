/** One budget, on the level of a run, a tenant or an organisation, and what a caller can do under it (B4 to B6). */

import { expect } from '@jest/globals';
import type { Answer } from '../../setup/api.ts';
import type { TestDatabase } from '../../setup/database.ts';
import type { CostInput, World } from '../world.ts';

export const levels = ['run', 'tenant', 'org'] as const;
export type Level = (typeof levels)[number];

/** Members that budgets of all levels take: a period, thresholds. */
export type Terms = { readonly [member: string]: unknown };

export type LeveledBudget = {
  readonly name: string;
  readonly tenantIds: readonly string[];
  /** Tenant and id of each run under it. */
  readonly runs: readonly (readonly [tenantId: string, runId: string])[];
  /** Books one event on the next of its runs in turn. */
  spend(costUSD: number, more?: Partial<CostInput>): Promise<Answer>;
  /** Asks for money that only the budget's own level can refuse: a phase of the run, or a further run. */
  ask(name: string, costUSD?: number): Promise<Answer>;
  setLimit(limitUSD: number, more?: Terms): Promise<Answer>;
  /** Percentages of its own alerts, in the order of the outbox. */
  alerts(): Promise<number[]>;
  /** Spent in the period, and held, in USD. */
  money(): Promise<{ spentUSD: number; heldUSD: number }>;
};

/** Keeps the throttle out of it (A6): who is refused asks on. */
const patient = { policy: { violationsMax: 1000 } };

let events = 0;

/** A budget of `limitUSD` on that level, and none on the others that it could meet first. */
export async function budgetAt(
  level: Level,
  world: World,
  database: TestDatabase,
  name: string,
  limitUSD: number,
  terms: Terms = {},
): Promise<LeveledBudget> {
  const { api } = world;
  const tenantIds = level === 'org' ? [`${name}-a`, `${name}-b`] : [name];
  const runs = (level === 'org' ? tenantIds : tenantIds.flatMap((id) => [id, id])).map(
    (tenantId, index) => [tenantId, level === 'run' ? 'run' : `run-${index}`] as const,
  );
  const accounted = level === 'run' ? runs.slice(0, 1) : runs;

  const setLimit: LeveledBudget['setLimit'] = (limit, more = terms) => {
    const [tenantId = ''] = tenantIds;
    if (level === 'run') {
      const body = { maxCostUSD: limit, reason: 'more to do', ...more };
      return api.call({ tenantId }, 'PUT', `/v1/runs/run/budget`, body);
    }
    if (level === 'org') {
      return api.call('operator', 'PUT', `/v1/orgs/${name}/budget`, {
        limitUSD: limit,
        reason: 'contract',
        ...more,
      });
    }
    const { thresholds, ...period } = more;
    return api.call('operator', 'PUT', `/v1/tenants/${name}/quotas`, {
      ...patient,
      cost: { limitUSD: limit, ...period },
      ...(thresholds === undefined ? {} : { thresholds }),
    });
  };

  if (level !== 'run') expect((await setLimit(limitUSD)).status).toBe(200);
  for (const tenantId of tenantIds) {
    if (level !== 'tenant')
      await world.setQuotas(tenantId, level === 'org' ? { ...patient, orgId: name } : patient);
  }
  for (const [tenantId, runId] of accounted) {
    const budget = level === 'run' ? { maxCostUSD: limitUSD, ...terms } : { maxCostUSD: limitUSD * 0.4 };
    await world.start(tenantId, runId, limitUSD, { budget });
  }

  let turn = 0;
  return {
    name,
    tenantIds,
    runs: accounted,
    spend(costUSD, more = {}) {
      const [tenantId = '', runId = ''] = accounted[turn++ % accounted.length] ?? [];
      events += 1;
      const kind = costUSD < 0 ? { kind: 'correction' } : {};
      return world.report(tenantId, runId, { eventId: `event-${events}`, costUSD, ...kind, ...more });
    },
    ask(id, costUSD = limitUSD * 0.01) {
      const [tenantId = ''] = tenantIds;
      if (level === 'run') {
        return api.call({ tenantId }, 'POST', '/v1/runs/run/tasks', { taskId: id, phase: 'plan' });
      }
      const body = { runId: id, phase: 'plan', budget: { maxCostUSD: costUSD } };
      return api.call({ tenantId }, 'POST', '/v1/runs', body);
    },
    setLimit,
    async alerts() {
      const rows = await database.app.query<{ threshold: string; scope: string }>(
        `select body->'data'->>'threshold' as threshold, coalesce(body->'data'->>'scope', 'run') as scope from events
         where kind = 'event' and detail_type = 'budget-alert' and tenant_id = any ($1) order by event_seq`,
        [tenantIds],
      );
      return rows.filter(({ scope }) => scope === level).map(({ threshold }) => Number(threshold));
    },
    async money() {
      const [tenantId = ''] = tenantIds;
      if (level === 'tenant') return moneyOf(await world.usage(tenantId));
      const answer =
        level === 'org'
          ? await api.call('operator', 'GET', `/v1/orgs/${name}/budget`)
          : await api.call({ tenantId }, 'GET', '/v1/runs/run');
      return moneyOf(level === 'org' ? answer.body : answer.body.budget);
    },
  };
}

const moneyOf = ({ spentUSD, heldUSD }: { spentUSD: number; heldUSD: number }) => ({ spentUSD, heldUSD });

/** A tenant's runs over the API, and what the store must say of them whatever happened. */

import { expect } from '@jest/globals';
import { type Answer, type Api, testApi } from '../setup/api.ts';
import type { TestDatabase } from '../setup/database.ts';

/** Long enough for no test to let it lapse. */
const lease_seconds = 86_400;

export type CostInput = { eventId: string; costUSD?: number; [field: string]: unknown };

export type OutboxEvent = {
  event_id: string;
  detail_type: string;
  tenant_id: string;
  run_id: string | null;
  task_id: string | null;
  cause_id: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  data: any;
};

export type World = {
  readonly api: Api;
  setQuotas(tenantId: string, quotas: object): Promise<void>;
  /** Starts a run and expects it to be admitted; the run's first task has the run's id. */
  start(tenantId: string, runId: string, maxCostUSD: number, more?: object): Promise<Answer>;
  report(tenantId: string, runId: string, ...events: CostInput[]): Promise<Answer>;
  setBudget(tenantId: string, runId: string, maxCostUSD: number, reason?: string): Promise<Answer>;
  complete(tenantId: string, taskId: string, epoch?: number): Promise<Answer>;
  taskState(tenantId: string, taskId: string): Promise<string>;
  usage(tenantId: string): Promise<{ spentUSD: number; heldUSD: number }>;
  /** A tenant's events in the order in which they were written; of some types only, when named. */
  events(tenantId: string, ...types: string[]): Promise<OutboxEvent[]>;
};

export function worldOf(database: TestDatabase): World {
  const api = testApi(() => database.app);
  const runner = (tenantId: string) => ({ tenantId });
  return {
    api,
    async setQuotas(tenantId, quotas) {
      const answer = await api.call('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, quotas);
      expect(answer).toMatchObject({ status: 200 });
    },
    async start(tenantId, runId, maxCostUSD, more = {}) {
      const answer = await api.call(runner(tenantId), 'POST', '/v1/runs', {
        runId,
        phase: 'build',
        budget: { maxCostUSD },
        leaseSeconds: lease_seconds,
        ...more,
      });
      expect(answer).toMatchObject({ status: 201 });
      return answer;
    },
    report: (tenantId, runId, ...events) =>
      api.call(runner(tenantId), 'POST', `/v1/runs/${runId}/costs`, { events }),
    setBudget: (tenantId, runId, maxCostUSD, reason = 'more to do') =>
      api.call(runner(tenantId), 'PUT', `/v1/runs/${runId}/budget`, { maxCostUSD, reason }),
    complete: (tenantId, taskId, epoch = 1) =>
      api.call(runner(tenantId), 'POST', `/v1/tasks/${taskId}/complete`, { epoch, outcome: 'completed' }),
    taskState: async (tenantId, taskId) =>
      (await api.call(runner(tenantId), 'GET', `/v1/tasks/${taskId}`)).body.state,
    usage: async (tenantId) =>
      (await api.call(runner(tenantId), 'GET', `/v1/tenants/${tenantId}/usage`)).body.cost,
    events: (tenantId, ...types) =>
      database.app.query<OutboxEvent>(
        `select event_id, detail_type, tenant_id, run_id, task_id, cause_id, body->'data' as data from events
         where kind = 'event' and tenant_id = $1 and (cardinality($2::text[]) = 0 or detail_type = any ($2))
         order by event_seq`,
        [tenantId, types],
      ),
  };
}

/** Every counter beside the rows that it must equal; a name for each that differs (B1, B3, A4). */
const drift = `
  select 'run spent ' || r.tenant_id || '/' || r.run_id as drift from runs r
  where spent_usd_nanos <> (select coalesce(sum(cost_usd_nanos), 0) from cost_events c
    where c.tenant_id = r.tenant_id and c.run_id = r.run_id)
  union all
  select 'task spent ' || t.tenant_id || '/' || t.task_id from tasks t
  where spent_usd_nanos <> (select coalesce(sum(cost_usd_nanos), 0) from cost_events c
    where c.tenant_id = t.tenant_id and c.task_id = t.task_id)
  union all
  select 'tenant spend ' || tenant_id || ' ' || period_start from (
    select account_id as tenant_id, period_start, spent_usd_nanos from account_spend where scope = 'tenant'
    union all
    select tenant_id, period_start(n.cost_period, occurred_at), -cost_usd_nanos from cost_events join tenants n using (tenant_id)
  ) both_sides group by tenant_id, period_start having sum(spent_usd_nanos) <> 0
  union all
  select 'run live tasks ' || r.tenant_id || '/' || r.run_id from runs r
  where live_tasks <> (select count(*) from tasks t
    where t.tenant_id = r.tenant_id and t.run_id = r.run_id and t.quota_held)
  union all
  select 'tenant holds ' || t.tenant_id from tenants t
  where (cost_held_usd_nanos, runs_held) <> (
      select coalesce(sum(held_usd_nanos), 0), count(*) filter (where live_tasks > 0) from runs r
      where r.tenant_id = t.tenant_id)
    or (cpu_held, memory_gb_held, cpu_in_use, memory_gb_in_use) <> (
      select coalesce(sum(cpu), 0), coalesce(sum(memory_gb), 0),
        coalesce(sum(cpu) filter (where room_until is not null), 0),
        coalesce(sum(memory_gb) filter (where room_until is not null), 0)
      from tasks k where k.tenant_id = t.tenant_id and k.quota_held)
  union all
  select 'usage ledger ' || t.tenant_id from tenants t
  where (cpu_held, memory_gb_held, runs_held) <> (
    select coalesce(sum(sign * cpu), 0), coalesce(sum(sign * memory_gb), 0), coalesce(sum(sign * runs), 0)
    from (select *, case kind when 'allocate' then 1 else -1 end as sign from tenant_usage) u
    where u.tenant_id = t.tenant_id)
  union all
  select 'pool' from pool
  where (cpu_used, memory_gb_used) <> (
    select coalesce(sum(cpu_in_use), 0), coalesce(sum(memory_gb_in_use), 0) from tenants)`;

/** Counters equal the sums of their rows, for every tenant of the database. */
export async function expectNoDrift(database: TestDatabase): Promise<void> {
  expect(await database.app.query(drift)).toEqual([]);
}

/** Steps that admission tests are told in. */

import { expect } from '@jest/globals';
import type { Database } from '../../shared/platform/db.ts';
import { type Answer, type Api, testStart } from '../setup/api.ts';

export type Ask = {
  readonly phase?: string;
  readonly cpu?: number;
  readonly memoryGb?: number;
  readonly maxCostUSD?: number;
  /** Further members of the body. */
  readonly [member: string]: unknown;
};

export type Scene = ReturnType<typeof sceneOf>;

export function sceneOf(api: Api) {
  const operator = async (method: 'PUT' | 'POST' | 'GET', path: string, body?: unknown) => {
    const answer = await api.call('operator', method, path, body);
    expect({ path, status: answer.status, detail: answer.body.detail }).toMatchObject({ status: 200 });
    return answer.body;
  };
  return {
    setPool: (cpu: number | null, memoryGb: number | null = null, tasks: number | null = null) =>
      operator('PUT', '/v1/pool', { cpu, memoryGb, tasks }),
    setQuotas: (tenantId: string, quotas: object) =>
      operator('PUT', `/v1/tenants/${tenantId}/quotas`, quotas),
    usage: (tenantId: string) => operator('GET', `/v1/tenants/${tenantId}/usage`),
    sweep: () => operator('POST', '/v1/sweep'),

    /** A request for a run; research of 1 vCPU and 1 GB with 1 USD unless told. */
    ask(
      tenantId: string,
      runId: string,
      ask: Ask = {},
      headers: Record<string, string> = {},
    ): Promise<Answer> {
      return api.call({ tenantId }, 'POST', '/v1/runs', bodyOf(runId, ask), headers);
    },
    /** The same from an operator, for a class of its choosing. */
    askAs(className: string, tenantId: string, runId: string, ask: Ask = {}): Promise<Answer> {
      const priority = { class: className, overridable: className !== 'P0', reason: 'as the test says' };
      return api.call('operator', 'POST', '/v1/runs', { ...bodyOf(runId, ask), tenantId, priority });
    },
    askPhase(tenantId: string, runId: string, body: object): Promise<Answer> {
      return api.call({ tenantId }, 'POST', `/v1/runs/${runId}/tasks`, body);
    },
    task: (tenantId: string, taskId: string): Promise<Answer> =>
      api.call({ tenantId }, 'GET', `/v1/tasks/${taskId}`),
    claim: (tenantId: string, taskId: string, body: object = {}): Promise<Answer> =>
      api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/claim`, body),
    heartbeat: (tenantId: string, taskId: string, epoch: number): Promise<Answer> =>
      api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/heartbeat`, { epoch }),
    checkpoint: (tenantId: string, taskId: string, epoch: number, sequence: number, data: unknown = {}) =>
      api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/checkpoints`, { epoch, sequence, data }),
    complete: (tenantId: string, taskId: string, epoch: number, outcome = 'completed'): Promise<Answer> =>
      api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/complete`, { epoch, outcome }),
    cancel: (tenantId: string, taskId: string): Promise<Answer> =>
      api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/cancel`),
    spend: (tenantId: string, runId: string, eventId: string, costUSD: number, of: object = {}) =>
      api.call({ tenantId }, 'POST', `/v1/runs/${runId}/costs`, { events: [{ eventId, costUSD, ...of }] }),

    /** Only the state; the task must exist. */
    async stateOf(tenantId: string, taskId: string): Promise<string> {
      const { body } = await api.call({ tenantId }, 'GET', `/v1/tasks/${taskId}`);
      return body.state;
    },
    /** Detail-types of a run's timeline, in order. */
    async eventsOf(tenantId: string, runId: string): Promise<string[]> {
      const { body } = await api.call({ tenantId }, 'GET', `/v1/runs/${runId}/events?limit=100`);
      return body.items
        .filter((item: { kind?: string }) => item.kind !== 'decision')
        .map((item: { type: string }) => item.type);
    },
  };
}

export function bodyOf(
  runId: string,
  { phase = 'research', cpu = 1, memoryGb = 1, maxCostUSD = 1, ...rest }: Ask,
) {
  return { runId, phase, resources: { cpu, memoryGb }, budget: { maxCostUSD }, ...rest };
}

/** Empties what tests write and sets the pool to no bound and the clock to the start. */
export async function startAgain(admin: Database, api: Api): Promise<void> {
  api.at(testStart);
  await admin.query(
    'truncate tenants, orgs, account_spend, account_budget_events, events, decisions, idempotency_keys cascade',
  );
  await admin.query(
    `update pool set cpu = null, memory_gb = null, tasks = null, cpu_used = 0, memory_gb_used = 0, tasks_used = 0,
       version = version + 1`,
  );
}

/** Statuses with how often each came: `{201: 10, 429: 190}`. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

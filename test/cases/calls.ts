/** The calls of the HTTP contract that cases are played with. */

import type { Answer, Api } from '../setup/api.ts';

/** A run and its only task, which has the run's id. */
export type TaskRef = { readonly tenantId: string; readonly id: string };

/** Long enough for no case to need heartbeats. */
export const longLease_seconds = 86_400;

export type Calls = ReturnType<typeof callsOf>;

export function callsOf(api: Api) {
  /** @throws Error with what was answered, when that is no success */
  const must = async (...call: Parameters<Api['call']>): Promise<Answer> => {
    const answer = await api.call(...call);
    if (answer.status >= 300) {
      throw new Error(`${call[1]} ${call[2]} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer;
  };
  const read = async (tenantId: string, path: string) => (await must({ tenantId }, 'GET', path)).body;
  const readTask = ({ tenantId, id }: TaskRef): Promise<Answer> =>
    api.call({ tenantId }, 'GET', `/v1/tasks/${id}`);
  const post = ({ tenantId, id }: TaskRef, verb: string, body?: object): Promise<Answer> =>
    api.call({ tenantId }, 'POST', `/v1/tasks/${id}/${verb}`, body);
  /** Of a task that is not there, the epoch of a first lease. */
  const epochOf = async (task: TaskRef): Promise<number> => (await readTask(task)).body.lease?.epoch ?? 1;

  return {
    must,
    /** `refused` for a task that was not taken in. */
    async stateOf(task: TaskRef): Promise<string> {
      const answer = await readTask(task);
      return answer.status === 404 ? 'refused' : answer.body.state;
    },
    runOf: ({ tenantId, id }: TaskRef) => read(tenantId, `/v1/runs/${id}`),
    eventsOf: async ({ tenantId, id }: TaskRef): Promise<{ type: string; data: Record<string, unknown> }[]> =>
      (await read(tenantId, `/v1/runs/${id}/events?limit=100`)).items,
    usageOf: (tenantId: string) => read(tenantId, `/v1/tenants/${tenantId}/usage`),
    poolOf: async () => (await must('operator', 'GET', '/v1/pool')).body,

    claim: (task: TaskRef) => post(task, 'claim', { leaseSeconds: longLease_seconds }),
    heartbeat: async (task: TaskRef) => post(task, 'heartbeat', { epoch: await epochOf(task) }),
    checkpoint: async (task: TaskRef) =>
      post(task, 'checkpoints', { epoch: await epochOf(task), sequence: 1, data: {} }),
    complete: async (task: TaskRef) =>
      post(task, 'complete', { epoch: await epochOf(task), outcome: 'completed' }),
    cancel: (task: TaskRef) => post(task, 'cancel'),
    tellToLeave: ({ tenantId, id }: TaskRef) =>
      must('operator', 'POST', `/v1/tasks/${id}/preempt?tenantId=${tenantId}`, {
        reason: 'as the case says',
      }),
    report: ({ tenantId, id }: TaskRef, event: object) =>
      api.call({ tenantId }, 'POST', `/v1/runs/${id}/costs`, { events: [event] }),
    label: ({ tenantId, id }: TaskRef, labels: object) =>
      api.call({ tenantId }, 'PUT', `/v1/runs/${id}/labels`, { labels }),
    sweep: () => must('operator', 'POST', '/v1/sweep'),
  };
}

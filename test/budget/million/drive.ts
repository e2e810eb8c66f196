/** Carries out a plan over several connections at once, and notes in what order calls began and were answered. */

import { expect } from '@jest/globals';
import { type Api, testApi } from '../../setup/api.ts';
import type { TestDatabase } from '../../setup/database.ts';
import { deliver, messageOf } from '../bus.ts';
import { type Call, persistent } from '../persistent.ts';
import type { OutboxEvent } from '../world.ts';
import type { Cast } from './cast.ts';
import type { Report, Step } from './plan.ts';

/** When a tenant was in an organisation, for sure or perhaps: from the beginning of its move there to the end of the next. */
export type Stay = { readonly orgId: string | null; readonly from: number; until: number };

export type Told = {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly calls: number;
  /** Places in the order of all beginnings and answers, by step. */
  readonly began: ReadonlyMap<number, number>;
  readonly answered: ReadonlyMap<number, number>;
  /** Steps during which another with a later clock began: which of the two booked first is open. */
  readonly overtaken: ReadonlySet<number>;
  /** By tenant. */
  readonly stays: readonly (readonly Stay[])[];
  /** Every limit that a run has had, in USD, by version. */
  readonly limits: readonly ReadonlyMap<number, number>[];
};

export async function drive(
  database: TestDatabase,
  cast: Cast,
  steps: Iterator<Step>,
  connections: number,
): Promise<Told> {
  const counts = { accepted: 0, duplicates: 0, rejected: 0, calls: 0 };
  const began = new Map<number, number>();
  const answered = new Map<number, number>();
  const underWay = new Map<number, { readonly now_ms: number; readonly done: Promise<void> }>();
  const overtaken = new Set<number>();
  const stays: Stay[][] = cast.tenants.map(({ orgId }) => [
    { orgId, from: 0, until: Number.POSITIVE_INFINITY },
  ]);
  const limits = cast.runs.map(({ limitUSD }) => new Map([[1, limitUSD]]));
  /** Moves of one tenant one after the other, so that it is known which was last. */
  const moving = cast.tenants.map(() => Promise.resolve());
  let place = 0;
  let calm: Promise<unknown> = Promise.resolve();

  const report = async (call: Call, { run, events, bad, after }: Report): Promise<void> => {
    await underWay.get(after)?.done;
    const { tenantId, runId } = cast.runs[run] ?? unknown(`run ${run}`);
    const answer = await call({ tenantId }, 'POST', `/v1/runs/${runId}/costs`, { events });
    expect(answer.status).toBe(200);
    expect(answer.body.rejected).toHaveLength(bad);
    expect(answer.body.accepted + answer.body.duplicates + bad).toBe(events.length);
    counts.accepted += answer.body.accepted;
    counts.duplicates += answer.body.duplicates;
    counts.rejected += bad;
  };
  const move = async (call: Call, { tenant, orgId }: Extract<Step, { kind: 'move' }>): Promise<void> => {
    const { tenantId } = cast.tenants[tenant] ?? unknown(`tenant ${tenant}`);
    const before = moving[tenant];
    const mine = (async () => {
      await before;
      const list = stays[tenant] ?? [];
      const last = list.at(-1);
      list.push({ orgId, from: place++, until: Number.POSITIVE_INFINITY });
      expect((await call('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, { orgId })).status).toBe(200);
      if (last !== undefined) last.until = place++;
    })();
    moving[tenant] = mine;
    await mine;
  };
  const besides = async (api: Api, call: Call, step: Exclude<Step, Report>): Promise<void> => {
    switch (step.kind) {
      case 'move':
        return move(call, step);
      case 'sweep':
        expect((await call('operator', 'POST', '/v1/sweep')).status).toBe(200);
        return;
      case 'act':
        await deliver(database.app, api, (await latestOrders(database)).map(messageOf));
        return;
      case 'raise': {
        const { tenantId, runId } = cast.runs[step.run] ?? unknown(`run ${step.run}`);
        const had = Math.max(...(limits[step.run]?.values() ?? []));
        const maxCostUSD = Math.min(Math.ceil(had * step.factor * 100) / 100, 10_000_000);
        const body = { maxCostUSD, reason: 'more to do' };
        const answer = await call({ tenantId }, 'PUT', `/v1/runs/${runId}/budget`, body);
        expect([200, 402]).toContain(answer.status);
        if (answer.status === 200) limits[step.run]?.set(answer.body.version, maxCostUSD);
        return;
      }
      case 'complete': {
        const { tenantId, runId } = cast.runs[step.run] ?? unknown(`run ${step.run}`);
        const task = await call({ tenantId }, 'GET', `/v1/tasks/${runId}`);
        const body = { epoch: task.body.epoch, outcome: 'completed' };
        await call({ tenantId }, 'POST', `/v1/tasks/${runId}/complete`, body);
        return;
      }
      case 'further': {
        const { tenantId, runId } = cast.runs[step.run] ?? unknown(`run ${step.run}`);
        const body = { taskId: `${runId}-f${step.step}`, phase: 'test', leaseSeconds: 86_400 };
        const answer = await call({ tenantId }, 'POST', `/v1/runs/${runId}/tasks`, body);
        expect(answer.status).toBeLessThan(500);
      }
    }
  };

  const work = async (): Promise<void> => {
    // An API of its own, since its clock is the step's.
    const api = testApi(() => database.app);
    const call = persistent(api);
    await calm;
    for (let drawn = steps.next(); !drawn.done; drawn = steps.next()) {
      const step = drawn.value;
      if (step.calm) {
        calm = Promise.all([...underWay.values()].map(({ done }) => done));
        await calm;
      }
      for (const [other, { now_ms }] of underWay) if (now_ms < step.now_ms) overtaken.add(other);
      const { promise: done, resolve } = Promise.withResolvers<void>();
      underWay.set(step.step, { now_ms: step.now_ms, done });
      began.set(step.step, place++);
      api.at(new Date(step.now_ms));
      counts.calls += 1;
      await (step.kind === 'report' ? report(call, step) : besides(api, call, step));
      answered.set(step.step, place++);
      underWay.delete(step.step);
      resolve();
      await calm;
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return { ...counts, began, answered, overtaken, stays, limits };
}

function latestOrders(database: TestDatabase): Promise<OutboxEvent[]> {
  return database.app.query(
    `select event_id, detail_type, tenant_id, run_id, task_id, cause_id, body->'data' as data from events
     where kind = 'event' and detail_type in ('preempt-for-budget', 'run-paused-for-budget')
     order by event_seq desc limit 5`,
  );
}

function unknown(what: string): never {
  throw new Error(`the plan knows no ${what}`);
}

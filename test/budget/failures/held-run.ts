/** A tenant of an organisation, each with 24 USD, and a run in it that holds most of that: what is left of holds when it is gone. */

import { expect } from '@jest/globals';
import type { Answer } from '../../setup/api.ts';
import type { TestDatabase } from '../../setup/database.ts';
import { deliver, messageOf } from '../bus.ts';
import type { World } from '../world.ts';

const limitUSD = 24;

export type Account = {
  readonly tenantId: string;
  /** What the levels hold, in USD, and how many holds of the tenant are open. */
  held(): Promise<{ tenant: number; org: number; open: number }>;
  /** Asks for all that is settled for nobody, and `moreUSD`: granted only when nothing is held. */
  fillUp(runId: string, moreUSD: number): Promise<Answer>;
};

export type HeldRun = Account & {
  readonly runId: string;
  /** A call on its task. */
  post(verb: string, body: object): Promise<Answer>;
  /** Brings it to 95 %, and the order to pause to its consumer. */
  orderPause(): Promise<void>;
  /** Its hold is closed, it took and gave quota equally often, and nothing is held, but by `others`. */
  expectReleasedOnce(others?: readonly string[]): Promise<void>;
};

export function heldRuns(world: World, database: TestDatabase) {
  const { api } = world;

  async function account(name: string, quotas: object = {}): Promise<Account> {
    const orgId = `of-${name}`;
    const budget = { limitUSD, reason: 'contract' };
    expect((await api.call('operator', 'PUT', `/v1/orgs/${orgId}/budget`, budget)).status).toBe(200);
    // Refusals are part of it, a throttle is not (A6).
    const policy = { violationsMax: 1000 };
    await world.setQuotas(name, { orgId, cost: { limitUSD }, policy, ...quotas });
    return {
      tenantId: name,
      async held() {
        const { heldUSD: tenant } = await world.usage(name);
        const { heldUSD: org } = (await api.call('operator', 'GET', `/v1/orgs/${orgId}/budget`)).body;
        const open = await database.app.query(
          'select 1 from holds where tenant_id = $1 and released_at is null',
          [name],
        );
        return { tenant, org, open: open.length };
      },
      async fillUp(runId, moreUSD) {
        const { spentUSD } = await world.usage(name);
        const maxCostUSD = Number((limitUSD - spentUSD + moreUSD).toFixed(9));
        return api.call({ tenantId: name }, 'POST', '/v1/runs', {
          runId,
          phase: 'plan',
          budget: { maxCostUSD },
        });
      },
    };
  }

  return {
    account,
    /** A run of 20 USD with a lease of 60 s that has spent 4. */
    async start(name: string, more: object): Promise<HeldRun> {
      const its = await account(name);
      await world.start(name, 'run', 20, { leaseSeconds: 60, ...more });
      await world.report(name, 'run', { eventId: 'start', costUSD: 4 });
      return {
        ...its,
        runId: 'run',
        post: (verb, body) => api.call({ tenantId: name }, 'POST', `/v1/tasks/run/${verb}`, body),
        async orderPause() {
          await world.report(name, 'run', { eventId: 'to-95', costUSD: 15 });
          const orders = await world.events(name, 'run-paused-for-budget');
          await deliver(database.app, api, orders.map(messageOf));
        },
        async expectReleasedOnce(others = []) {
          const holds = await database.app.query<{ run_id: string; reason: string | null }>(
            'select run_id, released_reason as reason from holds where tenant_id = $1',
            [name],
          );
          const own = holds.filter(({ run_id }) => run_id === 'run');
          expect(own.map(({ reason }) => reason === null)).toEqual(own.map(() => false));
          const [moves] = await database.app.query(
            `select sum(case kind when 'allocate' then 1 else -1 end)::integer as left,
               sum(case kind when 'allocate' then runs else -runs end)::integer as runs
             from tenant_usage where tenant_id = $1 and run_id = 'run'`,
            [name],
          );
          expect(moves).toEqual({ left: 0, runs: 0 });
          if (others.length === 0) expect(await its.held()).toEqual({ tenant: 0, org: 0, open: 0 });
          else expect((await its.held()).open).toBe(others.length);
        },
      };
    },
  };
}

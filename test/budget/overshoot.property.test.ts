/**
 * B7: from its pause threshold on a budget ends at most at what was settled then, what live holds still covered, and what
 * runs spent above their holds. OVERSHOOT_ROUNDS says how often, OVERSHOOT_SEED from which draw on.
 */

import { beforeAll, expect, test } from '@jest/globals';
import { type Account, overshootOf, type Superuser, watchOvershoot } from '../../bench/overshoot-watch.ts';
import { withDatabase } from '../setup/database.ts';
import { testSeed } from '../setup/seed.ts';
import { deliver, messageOf } from './bus.ts';
import { persistent } from './persistent.ts';
import { type Random, randomOf } from './random.ts';
import { type Spender, spendAndObey } from './runner.ts';
import { expectNoDrift, type OutboxEvent, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);
const call = persistent(world.api);

const runners = 50;
const endedRun = 'ended';
const limitUSD = 100;
const rounds = Number(process.env.OVERSHOOT_ROUNDS ?? 4);
const seeds = Array.from({ length: rounds }, (_, round) => (testSeed + round) >>> 0);

const superuser: Superuser = (text, values) => database.admin.query(text, values);

beforeAll(() => watchOvershoot(superuser));

test.each(seeds.map((seed, round) => [round % 2 === 0 ? 'tenant' : 'org', seed] as const))(
  'fifty runners of one %s that hear late (seed %i)',
  async (scope, seed) => {
    const random = randomOf(seed);
    const { account, tenants } = await stage(scope, `${scope}-${seed}`);
    await world.start(tenants[0] ?? '', endedRun, 0.01);
    await world.complete(tenants[0] ?? '', endedRun);
    const spenders = await startAll(random, tenants);
    const bus = busOf(tenants);
    const joined: Promise<void>[] = [];
    const join = (spender: Spender): void => {
      joined.push(spendAndObey(call, randomOf(random.whole(0, 2 ** 31)), spender, bus));
    };
    for (const spender of spenders) join(spender);
    await Promise.all([newcomers(randomOf(seed + 1), tenants, join), raisers(randomOf(seed + 2), spenders)]);
    // Newcomers that were let in spend as well.
    await Promise.all(joined);

    const { settled, live, above, aboveEver, final } = await overshootOf(superuser, account);
    expect(settled).toBeGreaterThanOrEqual(usd(0.95 * limitUSD));
    expect(final).toBeLessThanOrEqual(settled + live + above);
    // Nobody was given money that others held: all that passes the limit is what runs spent above their holds.
    expect(final).toBeLessThanOrEqual(usd(limitUSD) + aboveEver);
    expect(above).toBeGreaterThan(0n);
    await expectNobodyGetsMore(tenants, final);
    await expectNoDrift(database);
    expect(await database.admin.query('select * from counter_drift(null)')).toEqual([]);
  },
  60_000,
);

const usd = (amount: number): bigint => BigInt(Math.round(amount * 100)) * 10_000_000n;

/**
 * Taken back to 97 % there is money that nobody holds, and yet nobody gets any of it; at 50 % everybody does. What is taken back is
 * booked on a run that has ended, and so holds nothing for it.
 */
async function expectNobodyGetsMore(tenants: readonly string[], final: bigint): Promise<void> {
  const takeBack = async (eventId: string, nanos: bigint) => {
    const correction = { eventId, kind: 'correction', costUSD: -Number(nanos) / 1e9 };
    expect((await world.report(tenants[0] ?? '', endedRun, correction)).status).toBe(200);
  };
  const askAll = async (name: string) =>
    (await Promise.all(tenants.map((tenantId) => ask(tenantId, name, 0.01)))).map(({ status }) => status);
  // Whoever was refused too often is throttled for a while (A6).
  world.api.advance(1200);
  await takeBack('to-97', final - usd(0.97 * limitUSD));
  expect(await askAll('at-97')).toEqual(tenants.map(() => 402));
  await takeBack('to-50', usd(0.47 * limitUSD));
  expect(await askAll('at-50')).toEqual(tenants.map(() => 201));
}

/** A budget of 100 USD: a tenant's, or that of an organisation of five tenants without bounds of their own. */
async function stage(
  scope: Account['scope'],
  id: string,
): Promise<{ account: Account; tenants: readonly string[] }> {
  if (scope === 'tenant') {
    await world.setQuotas(id, { cost: { limitUSD } });
    return { account: { scope, id }, tenants: [id] };
  }
  const body = { limitUSD, reason: 'contract' };
  expect(await world.api.call('operator', 'PUT', `/v1/orgs/${id}/budget`, body)).toMatchObject({
    status: 200,
  });
  const tenants = [0, 1, 2, 3, 4].map((index) => `${id}-${index}`);
  for (const tenantId of tenants) await world.setQuotas(tenantId, { orgId: id });
  return { account: { scope, id }, tenants };
}

const ask = (tenantId: string, runId: string, maxCostUSD: number) =>
  call({ tenantId }, 'POST', '/v1/runs', {
    ...{ runId, phase: 'build', budget: { maxCostUSD }, leaseSeconds: 3600 },
  });

/** Fifty runs that hold nearly all that there is, between them. */
async function startAll(random: Random, tenants: readonly string[]): Promise<Spender[]> {
  const weights = Array.from({ length: runners }, () => 1 + random.share());
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const spenders = weights.map((weight, index): Spender => {
    const limitOfRun = Math.floor((weight / sum) * limitUSD * 100) / 100;
    return { tenantId: random.pick(tenants), runId: `run-${index}`, limitUSD: limitOfRun };
  });
  const answers = await Promise.all(spenders.map((one) => ask(one.tenantId, one.runId, one.limitUSD)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(runners);
  return spenders;
}

/** Carries out what the bus would bring, all orders since it was last asked, and some of those before once more. */
function busOf(tenants: readonly string[]): () => Promise<void> {
  return async () => {
    const orders = await database.app.query<OutboxEvent>(
      `select event_id, detail_type, tenant_id, run_id, task_id, cause_id, body->'data' as data from events
       where kind = 'event' and tenant_id = any ($1) and detail_type in ('preempt-for-budget', 'run-paused-for-budget')
       order by event_seq desc limit 8`,
      [tenants],
    );
    await deliver(database.app, world.api, orders.reverse().map(messageOf));
  };
}

/** Ask for money all the while; those that get it spend it. */
async function newcomers(
  random: Random,
  tenants: readonly string[],
  join: (spender: Spender) => void,
): Promise<void> {
  for (let index = 0; index < 60; index += 1) {
    const newcomer = {
      tenantId: random.pick(tenants),
      runId: `new-${index}`,
      limitUSD: random.whole(10, 200) / 100,
    };
    const { status } = await ask(newcomer.tenantId, newcomer.runId, newcomer.limitUSD);
    if (status === 201) join(newcomer);
    else expect(status).toBeGreaterThanOrEqual(400);
  }
}

/** Ask for more for runs that there are, also for those that have left: for their limit, and for a further task. */
async function raisers(random: Random, spenders: readonly Spender[]): Promise<void> {
  for (let index = 0; index < 60; index += 1) {
    const { tenantId, runId, limitUSD: had } = random.pick(spenders);
    if (random.chance(0.5)) {
      const { status } = await world.setBudget(
        tenantId,
        runId,
        Math.round((had + random.share()) * 100) / 100,
      );
      expect([200, 402]).toContain(status);
    } else {
      const body = { taskId: `${runId}-further-${index}`, phase: 'test', leaseSeconds: 3600 };
      const { status } = await call({ tenantId }, 'POST', `/v1/runs/${runId}/tasks`, body);
      expect(status).toBeLessThan(500);
    }
  }
}

/** B2: recorded usage is priced again by corrections beside it, never by changing it. */

import { execFile } from 'node:child_process';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { repriceAll } from '../../commands/reprice.ts';
import { repriceBatch } from '../../shared/budget/repricing.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { type CostInput, expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);
afterEach(() => expectNoDrift(database));

let tenants = 0;
let tenantId = '';

beforeEach(async () => {
  tenants += 1;
  tenantId = `tenant-${tenants}`;
  await world.setQuotas(tenantId, {});
  await world.start(tenantId, 'run', 100);
});

const million = { inputTokens: 1_000_000, outputTokens: 0 };
const range = { from: '2026-01-01T00:00:00Z', to: '2026-04-01T00:00:00Z' };

/** Sets the price of a million input tokens of the model `acme`; null: it has none. */
async function priceAt(input: number | string | null): Promise<number> {
  const prices = input === null ? [] : [{ model: 'acme', unitPrices: { input, output: 0 } }];
  const answer = await world.api.call('operator', 'PUT', '/v1/prices', { prices, reason: 'test' });
  expect(answer.status).toBe(200);
  return answer.body.version;
}

async function spend(...events: CostInput[]): Promise<void> {
  const { body } = await world.report(tenantId, 'run', ...events);
  expect(body).toMatchObject({ accepted: events.length, rejected: [] });
}

const used = (eventId: string, more: object = {}) => ({ eventId, model: 'acme', usage: million, ...more });

async function reprice(more: object = {}) {
  const asked = { ...range, tenantId, reason: 'new contract', ...more };
  const answer = await world.api.call('operator', 'POST', '/v1/prices/repricings', asked);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

const ledger = () =>
  database.app.query<Record<string, unknown>>(
    `select event_id, kind, corrects, cost_usd_nanos as nanos, price_version, unit_prices, task_id, occurred_at
     from cost_events where tenant_id = $1 order by recorded_at, corrects nulls first, event_id`,
    [tenantId],
  );

const spent = async () =>
  (await world.api.call({ tenantId }, 'GET', '/v1/runs/run')).body.budget.spentUSD as number;

test('each event whose price has changed gets one correction of its own date, task and model', async () => {
  await priceAt(2);
  const occurredAt = '2026-02-03T04:05:06.000Z';
  await spend(used('a', { occurredAt, taskId: 'run' }), used('b'));
  const before = await ledger();
  const version = await priceAt('1.5');
  world.api.advance(60);
  expect(await reprice()).toEqual({
    repricingId: expect.any(String),
    dryRun: false,
    priceTableVersion: version,
    examined: 2,
    corrected: 2,
    unchanged: 0,
    unpriced: [],
    differenceUSD: -1,
    runs: [{ tenantId, runId: 'run', corrected: 2, differenceUSD: -1 }],
    nextCursor: null,
  });
  const after = await ledger();
  expect(after.slice(0, 2)).toEqual(before);
  expect(after.slice(2)).toEqual([
    {
      event_id: expect.stringMatching(/^repricing:[0-9a-f]{40}$/),
      kind: 'correction',
      corrects: 'a',
      nanos: -500_000_000n,
      price_version: `operator@${version}:acme`,
      unit_prices: { input: '1.5', output: '0' },
      task_id: 'run',
      occurred_at: new Date(occurredAt),
    },
    expect.objectContaining({ corrects: 'b', nanos: -500_000_000n, task_id: null }),
  ]);
  expect(await spent()).toBe(3);
  const kept = await database.app.query(
    'select reason, actor, price_table_version from repricings order by at desc limit 1',
  );
  expect(kept).toEqual([{ reason: 'new contract', actor: 'operator', price_table_version: version }]);
});

test('twice is once; each later table corrects against what stands by then, and back again', async () => {
  await priceAt(1);
  await spend(used('a'));
  const steps: [number | string, number][] = [
    [3, 2],
    ['2.5', -0.5],
    [1, -1.5],
    [3, 2],
  ];
  for (const [price, difference] of steps) {
    await priceAt(price);
    expect(await reprice()).toMatchObject({ examined: 1, corrected: 1, differenceUSD: difference });
    expect(await reprice()).toMatchObject({
      examined: 1,
      corrected: 0,
      unchanged: 1,
      differenceUSD: 0,
      runs: [],
    });
    expect(await spent()).toBe(Number(price));
  }
  // The event, and one correction for each table.
  expect(await ledger()).toHaveLength(5);
});

test('a dry run says the same and books nothing', async () => {
  await priceAt(2);
  await spend(used('a'), used('b'));
  await priceAt(5);
  const before = await ledger();
  const dry = await reprice({ dryRun: true });
  expect(await ledger()).toEqual(before);
  const { repricingId, ...live } = await reprice();
  expect({ ...dry, dryRun: false }).toEqual({ ...live, repricingId: null });
  expect(repricingId).not.toBeNull();
  expect(await reprice({ dryRun: true })).toMatchObject({ corrected: 0, unchanged: 2 });
});

test.each<[string, CostInput, object]>([
  ['a stated cost', { eventId: 'x', costUSD: 2 }, {}],
  ['a stated cost beside its usage', used('x', { costUSD: 2 }), {}],
  ['a correction by the runner', { eventId: 'x', costUSD: -1, kind: 'correction', model: 'acme' }, {}],
  ['an event just before the time', used('x', { occurredAt: '2025-12-31T23:59:59.999Z' }), {}],
  ['an event at the end of the time', used('x', { occurredAt: range.to }), { to: '2026-03-11T12:00:00Z' }],
  ['another model', used('x'), { model: 'other' }],
  ['another tenant', used('x'), { tenantId: 'nobody' }],
])('%s is not looked at', async (_story, event, asked) => {
  await priceAt(2);
  await spend(event);
  await priceAt(3);
  expect(await reprice(asked)).toMatchObject({ examined: 0, corrected: 0, repricingId: null });
});

test('an event that has no price any more stays as it is, and is named', async () => {
  await priceAt(2);
  await spend(used('a'), { eventId: 'b', model: 'gpt-5.2', usage: million });
  await priceAt(null);
  expect(await reprice()).toMatchObject({
    examined: 2,
    corrected: 0,
    unchanged: 1,
    unpriced: [
      {
        tenantId,
        runId: 'run',
        eventId: 'a',
        code: 'unknown_model',
        message: expect.stringContaining('"acme"'),
      },
    ],
  });
  expect(await spent()).toBe(3.75);
});

describe('budgets follow', () => {
  const alerts = async () =>
    (await world.events(tenantId, 'budget-alert')).map(({ data }) => data.threshold as number);

  test('a correction upwards fires what it reaches; one downwards, and up again, fires nothing', async () => {
    await priceAt(10);
    await spend(used('a'), used('b'));
    expect(await alerts()).toEqual([]);
    await priceAt(42);
    await reprice();
    expect(await alerts()).toEqual([50, 80]);
    await priceAt(1);
    await reprice();
    await priceAt(42);
    await reprice();
    expect(await alerts()).toEqual([50, 80]);
    expect(await spent()).toBe(84);
  });

  test('the spend of a month that is over follows in that month', async () => {
    await priceAt(10);
    await spend(used('a', { occurredAt: '2026-02-10T00:00:00Z' }));
    await priceAt(12);
    await reprice();
    const months = await database.app.query(
      'select period_start, spent_usd_nanos as nanos from account_spend where account_id = $1 and spent_usd_nanos <> 0',
      [tenantId],
    );
    expect(months).toEqual([{ period_start: new Date('2026-02-01T00:00:00Z'), nanos: 12_000_000_000n }]);
  });

  test('an event of a run that has ended is corrected too', async () => {
    await priceAt(1);
    await spend(used('a'));
    expect((await world.complete(tenantId, 'run')).status).toBe(200);
    await priceAt(2);
    expect(await reprice()).toMatchObject({ corrected: 1, differenceUSD: 1 });
  });
});

describe('in batches', () => {
  test('of 500, over several runs, each event once', async () => {
    await world.start(tenantId, 'second', 100);
    await priceAt('0.01');
    const events = Array.from({ length: 450 }, (_, index) => used(`e${index}`));
    await spend(...events);
    const second = await world.report(tenantId, 'second', ...events);
    expect(second.body).toMatchObject({ accepted: 450 });
    await priceAt('0.02');
    const first = await reprice();
    expect(first).toMatchObject({ examined: 500, corrected: 500, differenceUSD: 5 });
    expect(first.nextCursor).toEqual(expect.any(String));
    const rest = await reprice({ cursor: first.nextCursor });
    expect(rest).toMatchObject({ examined: 400, corrected: 400, differenceUSD: 4, nextCursor: null });
    const runs = [...first.runs, ...rest.runs] as { runId: string; corrected: number }[];
    const correctedOf = (runId: string) =>
      runs.filter((run) => run.runId === runId).reduce((sum, run) => sum + run.corrected, 0);
    expect([correctedOf('run'), correctedOf('second')]).toEqual([450, 450]);
    expect(await spent()).toBe(9);
  });

  test('the command goes through all of them', async () => {
    await priceAt('0.01');
    for (const part of ['a', 'b']) {
      await spend(...Array.from({ length: 300 }, (_, index) => used(`${part}${index}`)));
    }
    await priceAt('0.03');
    const asked = { ...range, tenantId, reason: 'command' };
    const expected = { examined: 600, corrected: 600, unchanged: 0, unpriced: [], differenceUSD: 12 };
    const runs = [{ tenantId, runId: 'run', corrected: 600, differenceUSD: 12 }];
    const now = world.api.now();
    expect(await repriceAll(database.app, { ...asked, dryRun: true }, now)).toEqual({ ...expected, runs });
    expect(await repriceAll(database.app, asked, now)).toEqual({ ...expected, runs });
    expect(await repriceAll(database.app, asked, now)).toMatchObject({
      corrected: 0,
      unchanged: 600,
      runs: [],
    });
  });
});

test('re-pricings at once, with prices that move meanwhile, end at the prices in force', async () => {
  await priceAt(1);
  await spend(...Array.from({ length: 20 }, (_, index) => used(`e${index}`)));
  const apis = [database.open(2), database.open(2), database.open(2)].map((other) => testApi(() => other));
  for (const price of [2, 3]) {
    const asked = { ...range, tenantId, reason: 'race' };
    const calls = apis.map((api) => api.call('operator', 'POST', '/v1/prices/repricings', asked));
    await Promise.all([priceAt(price), ...calls, spend(used(`during-${price}`))]);
  }
  await reprice();
  // 22 events of a million tokens at 3
  expect(await spent()).toBe(66);
  expect(await reprice()).toMatchObject({ examined: 22, corrected: 0 });
});

test('one that finds another at work on the run waits for it, and corrects what is left', async () => {
  await priceAt(1);
  await spend(used('a'));
  await priceAt(2);
  const asked = { ...range, tenantId, reason: 'in turns' };
  const now = world.api.now();
  const other = database.open(1);
  const second = await database.open(1).transaction(async (tx) => {
    expect(await repriceBatch(tx, asked, 'first', now)).toMatchObject({ corrected: 1, differenceUSD: 1 });
    await priceAt(5);
    const waiting = repriceBatch(other, asked, 'second', now);
    await untilSomebodyWaits();
    // Handed out in an object, since the transaction would wait for a promise.
    return { waiting };
  });
  // From 2 to 5, since the first has come to 2 by now.
  expect(await second.waiting).toMatchObject({ corrected: 1, differenceUSD: 3 });
  expect(await spent()).toBe(5);
});

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const [{ waiting } = { waiting: 0n }] = await database.admin.query<{ waiting: bigint }>(
      `select count(*) as waiting from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting > 0n) return;
  }
}

test('a runner cannot take the id of a correction beforehand', async () => {
  const { body } = await world.report(tenantId, 'run', { eventId: 'repricing:1', costUSD: 0 });
  expect(body).toMatchObject({
    accepted: 0,
    rejected: [{ code: 'bad_event', message: expect.stringMatching(/^eventId: .*repricing/) }],
  });
});

describe('npm run reprice', () => {
  function run(...args: string[]) {
    const command = path.join(import.meta.dirname, '../../commands/reprice.ts');
    const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: database.adminUrl };
    return new Promise<{ code: number; out: string; err: string }>((resolve) => {
      execFile(process.execPath, [command, ...args], { env }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err });
      });
    });
  }

  test('looks first, books when told to and why, and names what is missing', async () => {
    await priceAt(1);
    await spend(used('a'));
    await priceAt('1.25');
    const asked = ['--from', range.from, '--to', range.to, '--tenant', tenantId];
    const looked = await run(...asked);
    expect(looked).toMatchObject({
      code: 0,
      out: expect.stringMatching(/1 by \+0\.25 USD would be corrected/),
    });
    expect(await spent()).toBe(1);
    expect(await run(...asked, '--book')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^--reason is required/),
    });
    const booked = await run(...asked, '--book', '--reason', 'invoice', '--json');
    expect(JSON.parse(booked.out)).toMatchObject({ examined: 1, corrected: 1, differenceUSD: 0.25 });
    expect(await spent()).toBe(1.25);
  });
});

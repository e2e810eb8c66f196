/** B2: the operator's own prices, for contracts and for models that the price library does not know. */

import { describe, expect, test } from '@jest/globals';
import type { PriceTableAnswer } from '../../shared/budget/price-contract.ts';
import { setPrices } from '../../shared/budget/price-table.ts';
import { openDatabase } from '../../shared/platform/db.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

let names = 0;

/** A tenant with one run named `run`. */
async function newTenant(name = 'tenant'): Promise<string> {
  names += 1;
  const tenantId = `${name}-${names}`;
  await world.setQuotas(tenantId, {});
  await world.start(tenantId, 'run', 1_000_000);
  return tenantId;
}

async function setTable(prices: readonly object[], more: object = {}): Promise<PriceTableAnswer> {
  const answer = await world.api.call('operator', 'PUT', '/v1/prices', { prices, reason: 'test', ...more });
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

const million = { inputTokens: 1_000_000, outputTokens: 0 };

type Booked = {
  cost_usd_nanos: bigint;
  price_version: string | null;
  unit_prices: Record<string, string> | null;
  price_mismatch: boolean;
};

/** Reports one event and gives back what the ledger has of it. */
async function book(tenantId: string, event: object): Promise<Booked> {
  names += 1;
  const eventId = `e${names}`;
  const { body } = await world.report(tenantId, 'run', { eventId, ...event });
  expect(body).toMatchObject({ accepted: 1, rejected: [] });
  const [row] = await database.app.query<Booked>(
    `select cost_usd_nanos, price_version, unit_prices, price_mismatch from cost_events
     where tenant_id = $1 and event_id = $2`,
    [tenantId, eventId],
  );
  if (row === undefined) throw new Error(`${eventId} is not in the ledger`);
  return row;
}

test('before the first table there is version 0, and the library prices', async () => {
  const { body } = await world.api.call('operator', 'GET', '/v1/prices');
  expect(body).toMatchObject({ version: 0, prices: [], setBy: null });
  const booked = await book(await newTenant(), { model: 'gpt-5.2', usage: million });
  expect(booked.price_version).toMatch(/^genai-prices@/);
});

describe('a table', () => {
  test('is kept with who and why, version by version, amounts to the last digit', async () => {
    const first = await setTable(
      [{ model: 'acme-70b', unitPrices: { input: '0.100000000001', output: 2.5, request: 1e-3 } }],
      { reason: 'contract of March' },
    );
    const second = await setTable([], { reason: 'contract ended' });
    expect(second.version).toBe(first.version + 1);
    const { body } = await world.api.call('operator', 'GET', `/v1/prices?version=${first.version}`);
    expect(body).toEqual({
      version: first.version,
      prices: [
        {
          tenantId: null,
          provider: null,
          model: 'acme-70b',
          from: null,
          to: null,
          unitPrices: { input: '0.100000000001', output: '2.5', request: '0.001' },
          tiers: [],
        },
      ],
      reason: 'contract of March',
      setBy: 'operator',
      setAt: world.api.now().toISOString(),
      library: expect.stringMatching(/^genai-prices \d/),
    });
    expect((await world.api.call('operator', 'GET', '/v1/prices?version=999999')).status).toBe(404);
  });

  test('can be read, changed and set again as it is', async () => {
    const { prices } = await setTable([
      {
        provider: 'openai',
        model: 'gpt-5.2',
        to: '2026-05-01T00:00:00+02:00',
        unitPrices: { input: 1, output: 2 },
        tiers: [{ aboveInputTokens: 10, unitPrices: { input: 3 } }],
      },
      { tenantId: 'somebody', model: 'acme-70b', unitPrices: { input: 1, output: 2 } },
    ]);
    expect((await setTable(prices)).prices).toEqual(prices);
    expect(prices[0]).toMatchObject({ from: null, to: '2026-04-30T22:00:00.000Z' });
  });

  test('made from an older version is refused and changes nothing', async () => {
    const { version } = await setTable([]);
    const stale = { prices: [], reason: 'test', madeFromVersion: version - 1 };
    const answer = await world.api.call('operator', 'PUT', '/v1/prices', stale);
    expect(answer).toMatchObject({ status: 409, body: { code: 'price_table_changed' } });
    expect((await setTable([], { madeFromVersion: version })).version).toBe(version + 1);
  });

  test('twenty at once get twenty versions', async () => {
    const { version } = await setTable([]);
    const set = await Promise.all(Array.from({ length: 20 }, () => setTable([])));
    expect(set.map((table) => table.version).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => version + 1 + index),
    );
  });

  test('cannot be changed in the store', async () => {
    await setTable([]);
    await expect(database.app.query(`update price_tables set reason = 'other'`)).rejects.toThrow(
      /permission/,
    );
    await expect(database.app.query('delete from price_tables')).rejects.toThrow(/permission/);
  });

  const unitPrices = { input: 1, output: 1 };
  const at = (month: number) => `2026-0${month}-01T00:00:00Z`;

  test.each<[string, object[], string | null]>([
    ['the same model twice', [{ model: 'm' }, { model: 'm' }], 'prices[1].from'],
    [
      'times that meet in one instant',
      [
        { model: 'm', from: at(1), to: at(3) },
        { model: 'm', from: at(2), to: at(4) },
      ],
      'prices[1].from',
    ],
    [
      'a time within a longer one, with another between',
      [{ model: 'm', from: at(1), to: at(9) }, { model: 'n' }, { model: 'm', from: at(3), to: at(4) }],
      'prices[2].from',
    ],
    [
      'times that follow each other',
      [
        { model: 'm', to: at(2) },
        { model: 'm', from: at(2) },
      ],
      null,
    ],
    ['another tenant', [{ model: 'm' }, { model: 'm', tenantId: 't' }], null],
    ['another provider', [{ model: 'm' }, { model: 'm', provider: 'p' }], null],
  ])('holding one price at a time: %s', async (_story, entries, refused) => {
    const prices = entries.map((entry) => ({ ...entry, unitPrices }));
    const { status, body } = await world.api.call('operator', 'PUT', '/v1/prices', {
      prices,
      reason: 'test',
    });
    expect(body.errors?.map((error: { path: string }) => error.path) ?? null).toEqual(
      refused === null ? null : [refused],
    );
    expect(status).toBe(refused === null ? 200 : 400);
  });
});

describe('whose price counts', () => {
  test("the operator's goes before the library's, and the event says which version it was", async () => {
    const { version } = await setTable([
      {
        provider: 'openai',
        model: 'gpt-5.2',
        unitPrices: { input: '1.25', cachedInput: '0.1', output: '10' },
      },
    ]);
    // 600,000 x 1.25 + 400,000 x 0.1 + 1,000 x 10, per million
    const usage = {
      inputTokens: 1_000_000,
      cachedInputTokens: 400_000,
      outputTokens: 1000,
      reasoningTokens: 900,
    };
    expect(await book(await newTenant(), { model: 'gpt-5.2', usage })).toEqual({
      cost_usd_nanos: 800_000_000n,
      price_version: `operator@${version}:openai/gpt-5.2`,
      unit_prices: { input: '1.25', cachedInput: '0.1', output: '10' },
      price_mismatch: false,
    });
  });

  test("a tenant's contract goes before the stage's price, and is nobody else's", async () => {
    const [big, small] = [await newTenant('big'), await newTenant('small')];
    const { version } = await setTable([
      { provider: 'openai', model: 'gpt-5.2', unitPrices: { input: 1, output: 1 } },
      // Less exact about the provider, and still the tenant's own.
      { tenantId: big, model: 'gpt-5.2', unitPrices: { input: '0.5', output: 1 } },
    ]);
    expect(await book(big, { model: 'gpt-5.2', usage: million })).toMatchObject({
      cost_usd_nanos: 500_000_000n,
      price_version: `operator@${version}:gpt-5.2;tenant=${big}`,
    });
    expect(await book(small, { model: 'gpt-5.2', usage: million })).toMatchObject({
      cost_usd_nanos: 1_000_000_000n,
    });
  });

  test.each<[string, object]>([
    ['by provider and model', { provider: 'openai', model: 'gpt-5.2' }],
    ['by model alone', { model: 'gpt-5.2' }],
    ['as provider/model', { model: 'openai/gpt-5.2' }],
    ['by the name of a snapshot that the library takes for it', { model: 'gpt-5.2-2025-12-11' }],
  ])('a model named %s is the same model', async (_story, name) => {
    await setTable([{ provider: 'openai', model: 'gpt-5.2', unitPrices: { input: 3, output: 3 } }]);
    expect(await book(await newTenant(), { ...name, usage: million })).toMatchObject({
      cost_usd_nanos: 3_000_000_000n,
    });
  });

  test('a model that the library does not know has the price that the operator gives it, or is refused by name', async () => {
    const tenantId = await newTenant();
    await setTable([]);
    const event = { eventId: 'unknown', model: 'acme-70b', usage: million };
    const refused = await world.report(tenantId, 'run', event);
    expect(refused.body).toMatchObject({
      accepted: 0,
      rejected: [
        { eventId: 'unknown', code: 'unknown_model', message: expect.stringContaining('"acme-70b"') },
      ],
    });
    await setTable([{ model: 'acme-70b', unitPrices: { input: '0.2', output: '0.4', request: '0.01' } }]);
    // A million at 0.2 and one call at 0.01
    expect(await book(tenantId, { model: 'acme-70b', usage: million })).toMatchObject({
      cost_usd_nanos: 210_000_000n,
      unit_prices: { input: '0.2', output: '0.4', request: '0.01' },
    });
  });

  test("a stated cost is held against the operator's price", async () => {
    const tenantId = await newTenant();
    await setTable([{ model: 'gpt-5.2', unitPrices: { input: 2, output: 2 } }]);
    const at = (costUSD: number) => book(tenantId, { model: 'gpt-5.2', usage: million, costUSD });
    expect(await at(2.1)).toMatchObject({ cost_usd_nanos: 2_100_000_000n, price_mismatch: false });
    expect(await at(2.11)).toMatchObject({ cost_usd_nanos: 2_110_000_000n, price_mismatch: true });
  });
});

describe('tiers and dates', () => {
  test.each<[string, object, bigint]>([
    // 200,000 x 1 per million
    ['at the tier the lower price holds', { inputTokens: 200_000, outputTokens: 0 }, 200_000_000n],
    // 200,001 x 2 + 10 x 5 (a kind that the tier leaves out keeps its price)
    [
      'one token above it the whole call costs more',
      { inputTokens: 200_001, outputTokens: 10 },
      400_052_000n,
    ],
    // 150,000 x 2 + 60,000 x 0.2 + 40,000 x 2.5
    [
      'cached and written tokens count towards the tier',
      { inputTokens: 250_000, cachedInputTokens: 60_000, cacheWriteTokens: 40_000, outputTokens: 0 },
      412_000_000n,
    ],
    // 1,000,001 x 4
    ['the highest tier reached holds', { inputTokens: 1_000_001, outputTokens: 0 }, 4_000_004_000n],
    // 30 x 5 + 70 x 8
    ['reasoning has its own price', { inputTokens: 0, outputTokens: 100, reasoningTokens: 70 }, 710_000n],
  ])('%s', async (_story, usage, expected) => {
    await setTable([
      {
        model: 'tiered',
        unitPrices: { input: 1, cachedInput: '0.1', cacheWrite: '1.25', output: 5, reasoning: 8 },
        tiers: [
          { aboveInputTokens: 1_000_000, unitPrices: { input: 4 } },
          { aboveInputTokens: 200_000, unitPrices: { input: 2, cachedInput: '0.2', cacheWrite: '2.5' } },
        ],
      },
    ]);
    expect((await book(await newTenant(), { model: 'tiered', usage })).cost_usd_nanos).toBe(expected);
  });

  test.each([
    ['a millisecond before the new price', '2026-03-01T00:59:59.999Z', 1_000_000_000n],
    ['from its first instant on', '2026-03-01T01:00:00.000Z', 2_000_000_000n],
    ['until just before its end', '2026-03-09T23:59:59.999Z', 2_000_000_000n],
    // gpt-5.2 is at 1.75 in the library.
    ["after it the library's", '2026-03-10T00:00:00.000Z', 1_750_000_000n],
  ])('%s', async (_story, occurredAt, expected) => {
    await setTable([
      { model: 'gpt-5.2', to: '2026-03-01T02:00:00+01:00', unitPrices: { input: 1, output: 1 } },
      {
        model: 'gpt-5.2',
        from: '2026-03-01T01:00:00Z',
        to: '2026-03-10T00:00:00Z',
        unitPrices: { input: 2, output: 2 },
      },
    ]);
    const booked = await book(await newTenant(), { model: 'gpt-5.2', usage: million, occurredAt });
    expect(booked.cost_usd_nanos).toBe(expected);
  });

  test('what would cost more than one event may is refused', async () => {
    await setTable([{ model: 'gold', unitPrices: { input: 1_000_000, output: 0 } }]);
    const { body } = await world.report(await newTenant(), 'run', {
      eventId: 'e',
      model: 'gold',
      usage: { inputTokens: 10_000_001, outputTokens: 0 },
    });
    expect(body.rejected).toMatchObject([
      { code: 'impossible_usage', message: expect.stringContaining('10000001') },
    ]);
  });
});

describe('a process that has seen an older table', () => {
  const price = (input: number) => [{ model: 'moving', unitPrices: { input, output: input } }];

  test('prices again and books once', async () => {
    const tenantId = await newTenant();
    await setTable(price(1));
    await book(tenantId, { model: 'moving', usage: million });
    // Another process sets the prices: this one is told only by its next booking.
    const { version } = await setTable(price(2));
    expect(await book(tenantId, { model: 'moving', usage: million })).toMatchObject({
      cost_usd_nanos: 2_000_000_000n,
      price_version: `operator@${version}:moving`,
    });
    await expectNoDrift(database);
  });

  test('hears of a model that it had no price for', async () => {
    const tenantId = await newTenant();
    await setTable([]);
    await book(tenantId, { model: 'gpt-5.2', usage: million });
    await setTable([{ model: 'brand-new', unitPrices: { input: 1, output: 1 } }]);
    expect(await book(tenantId, { model: 'brand-new', usage: million })).toMatchObject({
      cost_usd_nanos: 1_000_000_000n,
    });
  });

  test('under a race each event is booked once, at the price of the version that it names', async () => {
    const tenantId = await newTenant();
    const first = await setTable(price(1));
    const others = [database.open(4), database.open(4)];
    const apis = others.map((other) => testApi(() => other));
    const inputOf = (version: number) => version - first.version + 1;
    const setting = (async () => {
      for (let round = 1; round <= 10; round += 1) {
        await setTable(price(inputOf(first.version + round)));
      }
    })();
    const reports = Array.from({ length: 60 }, (_, index) => index).map(async (index) => {
      const answer = await apis[index % 2]?.call({ tenantId }, 'POST', '/v1/runs/run/costs', {
        events: [{ eventId: `race-${index}`, model: 'moving', usage: million }],
      });
      expect(answer?.body).toMatchObject({ accepted: 1, rejected: [] });
    });
    await Promise.all([setting, ...reports]);
    const booked = await database.app.query<Booked>(
      `select cost_usd_nanos, price_version, unit_prices from cost_events where tenant_id = $1`,
      [tenantId],
    );
    expect(booked).toHaveLength(60);
    for (const { cost_usd_nanos, price_version } of booked) {
      const version = Number(/^operator@(\d+):/.exec(price_version ?? '')?.[1]);
      expect(cost_usd_nanos).toBe(BigInt(inputOf(version)) * 1_000_000_000n);
    }
    await expectNoDrift(database);
  });

  test('takes the table of the store that it talks to, whatever another store has', async () => {
    const elsewhere = openDatabase({ connectionString: database.adminUrl });
    try {
      await setTable(price(7));
      const tenantId = await newTenant();
      const answer = await testApi(() => elsewhere).call({ tenantId }, 'POST', '/v1/runs/run/costs', {
        events: [{ eventId: 'fresh', model: 'moving', usage: million }],
      });
      expect(answer.body).toMatchObject({ accepted: 1, budget: { spentUSD: 7 } });
      const change = { prices: [], reason: 'gone' };
      expect(await setPrices(elsewhere, change, 'somebody', world.api.now())).toMatchObject({ kind: 'set' });
      const { body } = await world.report(tenantId, 'run', { eventId: 'e', model: 'moving', usage: million });
      expect(body.rejected).toMatchObject([{ code: 'unknown_model' }]);
    } finally {
      await elsewhere.close();
    }
  });
});

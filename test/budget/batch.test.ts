/** Many events in one report: what each of them would have come to alone. */

import { afterEach, expect, test } from '@jest/globals';
import { priceUsage } from '../../shared/budget/prices.ts';
import { withDatabase } from '../setup/database.ts';
import { type CostInput, expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(() => expectNoDrift(database));

async function started(tenantId: string, ...runIds: string[]): Promise<void> {
  await world.setQuotas(tenantId, { cost: { limitUSD: 100 } });
  for (const runId of runIds) await world.start(tenantId, runId, 40);
}

const ledgerOf = (tenantId: string, runId: string) =>
  database.app.query(
    `select event_id, task_id, kind, cost_usd_nanos, provider, model, usage, price_version, unit_prices, price_mismatch, stale_epoch,
       occurred_at, cost_stated
     from cost_events where tenant_id = $1 and run_id = $2 order by event_id`,
    [tenantId, runId],
  );

test('events of several price lists, tiers and kinds are booked together as they are one by one', async () => {
  await started('mixed', 'together', 'alone');
  const usage = (inputTokens: number) => ({ inputTokens, outputTokens: 10 });
  const events: CostInput[] = [
    { eventId: 'a', model: 'gpt-4o', usage: usage(1000) },
    { eventId: 'b', model: 'gemini-2.5-pro', usage: usage(200_000) },
    { eventId: 'c', costUSD: 0.5 },
    { eventId: 'd', model: 'gemini-2.5-pro', usage: usage(200_001) },
    { eventId: 'e', model: 'gpt-4o', usage: usage(7) },
    { eventId: 'f', model: 'gpt-4o', usage: usage(1000), costUSD: 3 },
    { eventId: 'g', kind: 'correction', costUSD: -0.25 },
    { eventId: 'h', provider: 'openai', model: 'no-such-model', usage: usage(1), costUSD: 0.1 },
    { eventId: 'i', model: 'gpt-4o', usage: usage(2), occurredAt: '2026-02-28T23:59:59.999Z' },
  ];
  expect(await world.report('mixed', 'together', ...events)).toMatchObject({ body: { accepted: 9 } });
  for (const event of events) await world.report('mixed', 'alone', event);
  const together = await ledgerOf('mixed', 'together');
  expect(together).toHaveLength(9);
  expect(together).toEqual(await ledgerOf('mixed', 'alone'));
});

test('of events of two months each month has its own, and thresholds fire on this one', async () => {
  await started('months', 'run');
  const lastMonth = (eventId: string, costUSD: number) => ({
    eventId,
    costUSD,
    occurredAt: '2026-02-10T00:00:00.000Z',
  });
  await world.report('months', 'run', lastMonth('old-1', 95), { eventId: 'new-1', costUSD: 49 });
  const tenantAlerts = async () =>
    (await world.events('months', 'budget-alert'))
      .filter(({ data }) => data.scope === 'tenant')
      .map(({ data }) => [data.threshold, data.spentUSD]);
  expect(await world.usage('months')).toMatchObject({ spentUSD: 49 });
  expect(await tenantAlerts()).toEqual([]);
  await world.report('months', 'run', { eventId: 'new-2', costUSD: 1 }, lastMonth('old-2', 95));
  expect(await world.usage('months')).toMatchObject({ spentUSD: 50 });
  expect(await tenantAlerts()).toEqual([[50, 50]]);
});

test('a tier holds for the calls above its start, whichever was priced before', () => {
  const inputPrice = (inputTokens: number) => {
    const price = priceUsage({
      model: 'gemini-2.5-pro',
      at: new Date('2026-03-01T00:00:00Z'),
      usage: { inputTokens, outputTokens: 0 },
    });
    return price.kind === 'priced' ? price.unitPrices.input : price.message;
  };
  // USD per million tokens: 1.25, and 2.50 above 200,000 tokens.
  expect([200_001, 200_000, 1, 900_000, 200_000].map(inputPrice)).toEqual([
    '2.5',
    '1.25',
    '1.25',
    '2.5',
    '1.25',
  ]);
});

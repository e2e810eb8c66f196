import { beforeAll, expect, test } from '@jest/globals';
import { envelope } from '../../shared/coordination/events.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';

const database = withDatabase();
const api = testApi(() => database.app);
const as = { tenantId: 'tenant' };

type Item = { kind: string; id: string; type: string; at: string; sequence: number };

async function page(query: string): Promise<{ items: Item[]; nextCursor: string | null }> {
  return (await api.call(as, 'GET', `/v1/runs/run/events${query}`)).body;
}

beforeAll(async () => {
  await api.call('operator', 'PUT', '/v1/tenants/tenant/quotas', {});
  const start = (runId: string) =>
    api.call(as, 'POST', '/v1/runs', {
      runId,
      phase: 'build',
      budget: { maxCostUSD: 100 },
      leaseSeconds: 3600,
    });
  await start('run');
  await start('other');
  api.advance(1);
  await api.call(as, 'POST', '/v1/tasks/run/checkpoints', { epoch: 1, sequence: 1, data: {} });
  await api.call(as, 'POST', '/v1/runs/run/costs', { events: [{ eventId: 'e', costUSD: 96 }] });
  await api.call(as, 'POST', '/v1/runs/other/costs', { events: [{ eventId: 'e', costUSD: 50 }] });
  api.advance(1);
  await api.call(as, 'POST', '/v1/tasks/run/complete', { epoch: 1, outcome: 'completed' });
});

test('tells the run from its decision to its end, and nothing of other runs', async () => {
  expect((await page('')).items.map((item) => `${item.kind} ${item.type}`)).toEqual([
    'decision admit:admitted',
    'event run-admitted',
    'event task-started',
    'event checkpoint-saved',
    'event budget-alert',
    'event budget-alert',
    'event preempt-for-budget',
    'event budget-alert',
    'event run-paused-for-budget',
    'event run-completed',
  ]);
});

test('the sequence of its events rises by one, without gaps', async () => {
  const events = (await page('')).items.filter((item) => item.kind === 'event');
  expect(events.map((item) => item.sequence)).toEqual(events.map((_, index) => index + 1));
});

test.each([1, 2, 3, 9, 10])('pages of %d, put together, are the whole, each item once', async (limit) => {
  const whole = (await page('')).items;
  const collected: Item[] = [];
  let cursor: string | null = null;
  do {
    const next = await page(`?limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`);
    expect(next.items.length).toBeLessThanOrEqual(limit);
    collected.push(...next.items);
    cursor = next.nextCursor;
  } while (cursor !== null);
  expect(collected).toEqual(whole);
});

test('every event in the outbox has the envelope of the contract (E1)', async () => {
  const rows = await database.app.query<{ body: unknown; event_id: string }>(
    `select body, event_id from events where kind = 'event'`,
  );
  for (const { body, event_id } of rows) expect(envelope.parse(body).id).toBe(event_id);
});

test('of an unknown run there is none', async () => {
  expect(await api.call(as, 'GET', '/v1/runs/nobody/events')).toMatchObject({ status: 404 });
});

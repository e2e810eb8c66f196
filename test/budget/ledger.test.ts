import { afterEach, describe, expect, test } from '@jest/globals';
import { withDatabase } from '../setup/database.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(() => expectNoDrift(database));

/** A fresh tenant with one run of 100 USD. */
async function run(tenantId: string, maxCostUSD = 100) {
  await world.setQuotas(tenantId, { cost: { limitUSD: 1000 } });
  await world.start(tenantId, 'run', maxCostUSD);
  return (...events: Parameters<typeof world.report>[2][]) => world.report(tenantId, 'run', ...events);
}

const ledger = (tenantId: string) =>
  database.app.query<{ event_id: string; cost_usd_nanos: bigint; stale_epoch: boolean; kind: string }>(
    'select event_id, cost_usd_nanos, stale_epoch, kind from cost_events where tenant_id = $1 order by event_id',
    [tenantId],
  );

describe('an event counts once (B1)', () => {
  test('an id twice in one report is one event and one duplicate; the first one counts', async () => {
    const report = await run('twice-in-one');
    const answer = await report({ eventId: 'e', costUSD: 1 }, { eventId: 'e', costUSD: 5 });
    expect(answer.body).toMatchObject({ accepted: 1, duplicates: 1, rejected: [], budget: { spentUSD: 1 } });
  });

  test('a repeated report is all duplicates and changes nothing', async () => {
    const report = await run('repeated');
    const events = [1, 2, 3].map((costUSD) => ({ eventId: `e${costUSD}`, costUSD }));
    expect((await report(...events)).body).toMatchObject({ accepted: 3, duplicates: 0 });
    expect((await report(...events)).body).toMatchObject({
      accepted: 0,
      duplicates: 3,
      budget: { spentUSD: 6 },
    });
  });

  test('fifty reports of the same event at once book it once', async () => {
    const report = await run('parallel');
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => report({ eventId: 'e', costUSD: 0.1 })),
    );
    expect(answers.map((answer) => answer.body.accepted).filter((accepted) => accepted === 1)).toHaveLength(
      1,
    );
    expect((await world.usage('parallel')).spentUSD).toBe(0.1);
  });

  test('the same id in another run is another event', async () => {
    const report = await run('two-runs');
    await world.start('two-runs', 'other', 10);
    await report({ eventId: 'e', costUSD: 1 });
    const other = await world.report('two-runs', 'other', { eventId: 'e', costUSD: 2 });
    expect(other.body).toMatchObject({ accepted: 1, duplicates: 0, budget: { spentUSD: 2 } });
    expect((await world.usage('two-runs')).spentUSD).toBe(3);
  });
});

describe('whenever an event comes, the total is the same (B1)', () => {
  const events = [
    { eventId: 'a', costUSD: 0.1, occurredAt: '2026-03-11T11:00:00Z' },
    { eventId: 'b', costUSD: 0.2, occurredAt: '2026-03-11T11:30:00Z' },
    { eventId: 'c', costUSD: 0.3, occurredAt: '2026-03-11T11:59:00Z' },
  ] as const;

  test.each([
    ['in order', [0, 1, 2]],
    ['backwards', [2, 1, 0]],
    ['with a repeat in between', [1, 1, 0, 2, 0]],
  ] as const)('%s', async (name, order) => {
    const tenantId = `order-${name.replaceAll(' ', '-')}`;
    const report = await run(tenantId);
    let last: unknown;
    for (const index of order) last = (await report(events[index] ?? events[0])).body.budget.spentUSD;
    expect(last).toBe(0.6);
  });

  test('a late event is spent in the month in which it occurred', async () => {
    const report = await run('late');
    await report({ eventId: 'late', costUSD: 7, occurredAt: '2026-02-28T23:59:59.999Z' });
    await report({ eventId: 'now', costUSD: 2 });
    expect((await world.usage('late')).spentUSD).toBe(2);
    expect((await world.api.call({ tenantId: 'late' }, 'GET', '/v1/runs/run')).body.costs.totalUSD).toBe(9);
  });

  test('an event from the future is spent now: nobody spends out of a month to come', async () => {
    const report = await run('future');
    await report({ eventId: 'e', costUSD: 3, occurredAt: '9999-12-31T23:59:59Z' });
    expect((await world.usage('future')).spentUSD).toBe(3);
  });

  test('after the run has ended it is booked all the same, and the caller hears stop', async () => {
    const report = await run('after-the-end');
    await world.complete('after-the-end', 'run');
    const answer = await report({ eventId: 'e', taskId: 'run', epoch: 1, costUSD: 4 });
    expect(answer).toMatchObject({
      status: 200,
      body: { accepted: 1, budget: { spentUSD: 4, heldUSD: 0 }, directive: { action: 'stop' } },
    });
  });

  test('the cost of an old epoch is booked and flagged (A13)', async () => {
    const report = await run('old-epoch');
    await database.admin.query(`update tasks set epoch = 3 where tenant_id = 'old-epoch'`);
    await report(
      { eventId: 'old', taskId: 'run', epoch: 2, costUSD: 1 },
      { eventId: 'current', taskId: 'run', epoch: 3, costUSD: 1 },
      { eventId: 'unsaid', taskId: 'run', costUSD: 1 },
    );
    expect((await ledger('old-epoch')).map((row) => [row.event_id, row.stale_epoch])).toEqual([
      ['current', false],
      ['old', true],
      ['unsaid', false],
    ]);
  });
});

describe('money is exact (B1)', () => {
  test.each([
    ['a tenth decimal of five goes up', [0.0000000005], 1n],
    ['a tenth decimal below five goes down', [0.00000000049], 0n],
    ['what floats cannot add', [0.1, 0.2, 0.7], 1_000_000_000n],
    ['the smallest and the largest together', [999_999.999999999, 0.000000001], 1_000_000_000_000_000n],
  ])('%s', async (name, costs, nanos) => {
    const tenantId = name.replaceAll(' ', '-');
    const report = await run(tenantId);
    await report(...costs.map((costUSD, index) => ({ eventId: `e${index}`, costUSD })));
    const rows = await ledger(tenantId);
    expect(rows.reduce((sum, row) => sum + row.cost_usd_nanos, 0n)).toBe(nanos);
  });

  test('a correction lowers the total, and only a correction may be negative', async () => {
    const report = await run('correction');
    await report({ eventId: 'e', costUSD: 10 });
    const answer = await report(
      { eventId: 'fix', costUSD: -4, kind: 'correction' },
      { eventId: 'sneaky', costUSD: -6 },
    );
    expect(answer.body).toMatchObject({
      accepted: 1,
      budget: { spentUSD: 6, heldUSD: 94 },
      rejected: [{ eventId: 'sneaky', code: 'bad_event', message: expect.stringContaining('costUSD') }],
    });
  });
});

describe('a bad event does not hold up the others', () => {
  test('each is refused by name', async () => {
    const report = await run('mixed');
    const answer = await report(
      { eventId: 'good', costUSD: 1 },
      { eventId: 'nothing' },
      { eventId: 'text', costUSD: '1' as unknown as number },
      { eventId: 'stray', costUSD: 1, colour: 'red' },
      { eventId: 'nobody', costUSD: 1, taskId: 'no-such-task' },
      { eventId: 'mystery', model: 'no-such-model', usage: { inputTokens: 1, outputTokens: 1 } },
      {
        eventId: 'impossible',
        model: 'gpt-4o',
        usage: { inputTokens: 1, cachedInputTokens: 2, outputTokens: 0 },
      },
      { eventId: 'also good', costUSD: 1 },
      { eventId: 'also-good', costUSD: 2 },
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ accepted: 2, duplicates: 0, budget: { spentUSD: 3 } });
    const refused = new Map(
      (answer.body.rejected as { eventId: string; code: string; message: string }[]).map((each) => [
        each.eventId,
        each,
      ]),
    );
    expect([...refused].map(([eventId, { code }]) => [eventId, code]).toSorted()).toEqual([
      ['also good', 'bad_event'],
      ['impossible', 'bad_event'],
      ['mystery', 'unknown_model'],
      ['nobody', 'unknown_task'],
      ['nothing', 'bad_event'],
      ['stray', 'bad_event'],
      ['text', 'bad_event'],
    ]);
    expect(refused.get('impossible')?.message).toContain('cachedInputTokens');
    expect(refused.get('mystery')?.message).toContain('no-such-model');
    expect(refused.get('stray')?.message).toContain('colour');
  });

  test('a report of bad events only changes nothing and is answered', async () => {
    const report = await run('all-bad');
    const answer = await report({ eventId: 'x' });
    expect(answer.body).toMatchObject({ accepted: 0, duplicates: 0, budget: { spentUSD: 0 } });
  });

  test('an id sent for an unknown task and for a known one is one of each', async () => {
    const report = await run('both-ways');
    const answer = await report(
      { eventId: 'e', taskId: 'no-such-task', costUSD: 1 },
      { eventId: 'e', taskId: 'run', costUSD: 2 },
    );
    expect(answer.body).toMatchObject({
      accepted: 1,
      duplicates: 0,
      rejected: [{ eventId: 'e', code: 'unknown_task' }],
      budget: { spentUSD: 2 },
    });
  });

  test('five hundred events fit one report, and are booked together', async () => {
    const report = await run('many');
    const answer = await report(
      ...Array.from({ length: 500 }, (_, index) => ({ eventId: `e${index}`, costUSD: 0.01 })),
    );
    expect(answer.body).toMatchObject({ accepted: 500, budget: { spentUSD: 5 } });
  });
});

describe('prices (B2)', () => {
  const usage = { inputTokens: 1_000_000, outputTokens: 0 };

  test('a stated cost more than 5 % off is booked as given and flagged', async () => {
    const report = await run('mismatch');
    const priced = await report({ eventId: 'priced', model: 'gpt-4o', usage });
    const price = priced.body.budget.spentUSD as number;
    await report(
      { eventId: 'close', model: 'gpt-4o', usage, costUSD: price * 1.05 },
      { eventId: 'far', model: 'gpt-4o', usage, costUSD: price * 1.06 },
    );
    const rows = await database.app.query(
      `select event_id, price_mismatch, price_version is not null as versioned, unit_prices is not null as unit_priced
       from cost_events where tenant_id = 'mismatch' order by event_id`,
    );
    const stored = { versioned: true, unit_priced: true };
    expect(rows).toEqual([
      { event_id: 'close', price_mismatch: false, ...stored },
      { event_id: 'far', price_mismatch: true, ...stored },
      { event_id: 'priced', price_mismatch: false, ...stored },
    ]);
    expect((await world.usage('mismatch')).spentUSD).toBe(price + price * 1.05 + price * 1.06);
  });
});

describe('the directive of a report', () => {
  test('a report that names no task speaks for what is at work', async () => {
    const report = await run('unnamed');
    expect((await report({ eventId: 'e', costUSD: 1 })).body.directive).toEqual({ action: 'continue' });
    await world.api.call('operator', 'POST', '/v1/tasks/run/preempt?tenantId=unnamed', { reason: 'drain' });
    expect((await report({ eventId: 'f', costUSD: 1 })).body.directive).toMatchObject({
      action: 'checkpoint',
      deadline: expect.any(String),
    });
  });

  test('a run past its duration is told to stop (B9)', async () => {
    await world.setQuotas('overdue', {});
    await world.start('overdue', 'run', 1, { budget: { maxCostUSD: 1, maxDurationMs: 60_000 } });
    const start = world.api.now();
    world.api.at(new Date(start.getTime() + 59_999));
    expect((await world.report('overdue', 'run', { eventId: 'a', costUSD: 0 })).body.directive.action).toBe(
      'continue',
    );
    world.api.at(new Date(start.getTime() + 60_000));
    expect((await world.report('overdue', 'run', { eventId: 'b', costUSD: 0 })).body.directive).toMatchObject(
      { action: 'stop', reason: 'max_duration' },
    );
    await world.api.call('operator', 'POST', '/v1/sweep');
    expect((await world.api.call({ tenantId: 'overdue' }, 'GET', '/v1/tasks/run')).body).toMatchObject({
      state: 'failed',
      failCode: 'max_duration',
    });
    world.api.at(start);
  });
});

/** The consumer of the queue `cost-events`, on Postgres; the queue itself is in test/end-to-end/cost-events. */

import { afterEach, describe, expect, test } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import { meter } from '../../functions/budget/meter.ts';
import { costMessageBodies } from '../../shared/budget/cost-message.ts';
import type { OutgoingDeadLetter, PutAside } from '../../shared/coordination/dead-letters.ts';
import { type Database, openDatabase } from '../../shared/platform/db.ts';
import { withDatabase } from '../setup/database.ts';
import { type CostInput, expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);
const patience = { receives_max: 8, unknownRunReceives_max: 3 };

afterEach(() => expectNoDrift(database));

type Sent = { readonly body: string; readonly receives?: number };

type Delivery = {
  /** Places of the messages that come again. */
  readonly again: readonly string[];
  readonly letters: readonly OutgoingDeadLetter[];
};

/** One batch; message ids are the places in it. */
async function deliver(
  messages: readonly (string | Sent)[],
  {
    store = database.app,
    putAside = async (sent) => sent.map(() => null),
    afterCommit = async () => {},
    remaining_ms = 30_000,
  }: {
    store?: Database;
    putAside?: PutAside;
    afterCommit?: () => Promise<unknown>;
    remaining_ms?: number;
  } = {},
): Promise<Delivery> {
  const letters: OutgoingDeadLetter[] = [];
  const consume = meter({
    database: async () => store,
    afterCommit,
    putAside: (sent) => {
      letters.push(...sent);
      return putAside(sent);
    },
    patience,
    clock: world.api.now,
  });
  const { batchItemFailures } = await consume(
    { Records: messages.map(recordOf) },
    { getRemainingTimeInMillis: () => remaining_ms },
  );
  return { again: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier), letters };
}

function recordOf(sent: string | Sent, place: number): SQSRecord {
  const { body, receives = 1 } = typeof sent === 'string' ? { body: sent } : sent;
  return {
    messageId: String(place),
    receiptHandle: `receipt-${place}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: '0',
      SenderId: 'AROACOLLECTOR',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:mothership-test-cost-events',
    awsRegion: 'eu-central-1',
  };
}

const messageOf = (tenantId: string, runId: string, ...events: CostInput[]): string =>
  JSON.stringify({ version: 1, tenantId, runId, events });

/** Exact: 1e-9 USD. */
async function spentNanos(tenantId: string, runId: string): Promise<bigint | undefined> {
  const [row] = await database.app.query<{ spent: bigint }>(
    'select spent_usd_nanos as spent from runs where tenant_id = $1 and run_id = $2',
    [tenantId, runId],
  );
  return row?.spent;
}

async function started(tenantId: string, ...runIds: string[]): Promise<void> {
  await world.setQuotas(tenantId, {});
  for (const runId of runIds) await world.start(tenantId, runId, 100);
}

const dollar = 1_000_000_000n;
const done: Delivery = { again: [], letters: [] };

describe('what is good is booked', () => {
  test('events of a message, as over HTTP: dollars as given, tokens by their price', async () => {
    await started('plain', 'queued', 'http');
    const events = [
      { eventId: 'money', costUSD: 1.25 },
      { eventId: 'tokens', model: 'gpt-4o', usage: { inputTokens: 40_000, outputTokens: 4_000 } },
    ];
    expect(await deliver([messageOf('plain', 'queued', ...events)])).toEqual(done);
    await world.report('plain', 'http', ...events);
    expect(await spentNanos('plain', 'queued')).toBe(await spentNanos('plain', 'http'));
    const booked = await database.app.query(
      `select event_id, cost_usd_nanos, model, usage, price_version, unit_prices, kind, occurred_at, recorded_at
       from cost_events where tenant_id = 'plain' and run_id = $1 order by event_id`,
      ['queued'],
    );
    expect(booked).toEqual(
      await database.app.query(
        `select event_id, cost_usd_nanos, model, usage, price_version, unit_prices, kind, occurred_at, recorded_at
         from cost_events where tenant_id = 'plain' and run_id = $1 order by event_id`,
        ['http'],
      ),
    );
  });

  test('once, however often a message or an event comes: in a message, in a batch, over batches, over HTTP', async () => {
    await started('twice', 'run');
    const one = { eventId: 'one', costUSD: 1 };
    const two = { eventId: 'two', costUSD: 2 };
    const both = messageOf('twice', 'run', one, two, one);
    expect(await deliver([both, both, messageOf('twice', 'run', two)])).toEqual(done);
    expect(await deliver([both])).toEqual(done);
    expect((await world.report('twice', 'run', one, two)).body).toMatchObject({ accepted: 0, duplicates: 2 });
    expect(await spentNanos('twice', 'run')).toBe(3n * dollar);
  });

  test('thresholds fire, and their orders go out, as after a report', async () => {
    await started('alarmed', 'run');
    let relayed = 0;
    await deliver([messageOf('alarmed', 'run', { eventId: 'much', costUSD: 80 })], {
      afterCommit: async () => {
        relayed += 1;
      },
    });
    const alerts = await world.events('alarmed', 'budget-alert', 'preempt-for-budget');
    expect(alerts.map(({ detail_type, data }) => [detail_type, data.threshold])).toEqual([
      ['budget-alert', 50],
      ['budget-alert', 80],
      ['preempt-for-budget', 80],
    ]);
    expect(relayed).toBe(1);
    expect(await world.usage('alarmed')).toMatchObject({ spentUSD: 80 });
  });

  test('messages of one run are booked by one call, at most 500 events each; other runs by their own', async () => {
    await started('hot', 'a', 'b');
    const calls: number[] = [];
    const store: Database = {
      ...database.app,
      query: (text, values) => {
        if (text.includes('record_costs')) calls.push((JSON.parse(String(values?.[2])) as unknown[]).length);
        return database.app.query(text, values);
      },
    };
    const events = (name: string, count: number) =>
      Array.from({ length: count }, (_, index) => ({ eventId: `${name}-${index}`, costUSD: 0.001 }));
    const bodies = [
      messageOf('hot', 'a', ...events('first', 200)),
      messageOf('hot', 'b', ...events('other', 7)),
      messageOf('hot', 'a', ...events('second', 300)),
      messageOf('hot', 'a', ...events('third', 1)),
    ];
    expect(await deliver(bodies, { store })).toEqual(done);
    expect(calls).toEqual([500, 7, 1]);
    expect(await spentNanos('hot', 'a')).toBe(501_000_000n);
  });

  test('a failure of the outbox afterwards does not bring the messages again', async () => {
    await started('outbox-away', 'run');
    const body = messageOf('outbox-away', 'run', { eventId: 'e', costUSD: 1 });
    const afterCommit = () => Promise.reject(new Error('bus away'));
    expect(await deliver([body], { afterCommit })).toEqual(done);
  });
});

describe('what can never be booked is put aside at once, and counts as done', () => {
  const good = { version: 1, tenantId: 'a', runId: 'r', events: [{ eventId: 'e', costUSD: 1 }] };
  const poison = [
    { name: 'no JSON', body: 'hello', detail: '$: must be valid JSON' },
    { name: 'no object', body: '[]', detail: '$: must be a JSON object' },
    { name: 'half a message', body: JSON.stringify(good).slice(0, -3), detail: '$: must be valid JSON' },
    {
      name: 'an empty object',
      body: '{}',
      detail: 'events: is required; version: must be 1; tenantId: is required; runId: is required',
    },
    {
      name: 'another version',
      body: JSON.stringify({ ...good, version: 2 }),
      detail: expect.stringMatching(/^version: /),
    },
    {
      name: 'an unknown field',
      body: JSON.stringify({ ...good, run: 'r' }),
      detail: 'run: is not a known field',
    },
    {
      name: 'a run id that no run can have',
      body: JSON.stringify({ ...good, runId: 'a/b' }),
      detail: expect.stringMatching(/^runId: /),
    },
    {
      name: 'no events',
      body: JSON.stringify({ ...good, events: [] }),
      detail: expect.stringMatching(/^events: /),
    },
    {
      name: '501 events',
      body: JSON.stringify({ ...good, events: Array.from({ length: 501 }, () => good.events[0]) }),
      detail: expect.stringMatching(/^events: /),
    },
    {
      name: 'an event without an id',
      body: JSON.stringify({ ...good, events: [...good.events, { costUSD: 1 }] }),
      detail: 'events[1].eventId: is required',
    },
    {
      name: 'a character that the store does not take',
      body: JSON.stringify({ ...good, events: [{ eventId: 'e\u0000', costUSD: 1 }] }),
      detail: 'events[0].eventId: must not hold NUL characters or unpaired surrogates',
    },
  ];
  test.each(poison)('$name: as it came, with the fields that are wrong', async ({ body, detail }) => {
    expect(await deliver([body])).toEqual({
      again: [],
      letters: [
        {
          body,
          attributes: { reason: 'bad_message', detail, originalMessageId: '0', senderId: 'AROACOLLECTOR' },
        },
      ],
    });
  });

  test('a message whose events are all rejected, with the code of each', async () => {
    await started('all-bad', 'run');
    const events = [
      { eventId: 'who', model: 'no-such-model', usage: { inputTokens: 1, outputTokens: 1 } },
      { eventId: 'below', costUSD: -1 },
      { eventId: 'stray', costUSD: 1, taskId: 'not-there' },
    ];
    const { again, letters } = await deliver([messageOf('all-bad', 'run', ...events)]);
    expect(again).toEqual([]);
    expect(letters.map(({ attributes }) => attributes)).toEqual([
      expect.objectContaining({
        reason: 'rejected_events',
        detail: expect.stringMatching(
          /^3 of 3 events: unknown_model 1, bad_event 1, unknown_task 1\. First: who: /,
        ),
      }),
    ]);
    expect(JSON.parse(letters[0]?.body ?? '')).toEqual({
      version: 1,
      tenantId: 'all-bad',
      runId: 'run',
      events,
      rejected: ['unknown_model', 'bad_event', 'unknown_task'].map((code, index) => ({
        eventId: events[index]?.eventId,
        code,
        message: expect.any(String),
      })),
    });
    expect(await spentNanos('all-bad', 'run')).toBe(0n);
  });
});

describe('of a message that is partly bad', () => {
  const unpriced = {
    eventId: 'unpriced',
    model: 'no-such-model',
    usage: { inputTokens: 1, outputTokens: 1 },
  };

  test('the good events are booked and the bad ones put aside, though booked with other messages', async () => {
    await started('mixed', 'run');
    const { again, letters } = await deliver([
      messageOf('mixed', 'run', { eventId: 'a', costUSD: 1 }, unpriced, { eventId: 'b', costUSD: 2 }),
      messageOf('mixed', 'run', { eventId: 'c', costUSD: 4 }),
      messageOf('mixed', 'run', { eventId: 'd', costUSD: 8 }, { eventId: 'minus', costUSD: -1 }),
    ]);
    expect(again).toEqual([]);
    expect(await spentNanos('mixed', 'run')).toBe(15n * dollar);
    expect(letters.map(({ body }) => JSON.parse(body).events)).toEqual([
      [unpriced],
      [{ eventId: 'minus', costUSD: -1 }],
    ]);
    expect(letters.map(({ attributes }) => attributes.originalMessageId)).toEqual(['0', '2']);
  });

  test('an id that is bad in one message and good in the next is booked, and put aside for the one', async () => {
    await started('corrected', 'run');
    const { letters } = await deliver([
      messageOf('corrected', 'run', { eventId: 'e', costUSD: -1 }),
      messageOf('corrected', 'run', { eventId: 'e', costUSD: 1 }),
    ]);
    expect(letters.map(({ attributes }) => attributes.originalMessageId)).toEqual(['0']);
    expect(await spentNanos('corrected', 'run')).toBe(dollar);
  });

  test('the letter may go back as it is: still bad, it is put aside again, else it is booked', async () => {
    await started('redriven', 'run');
    const first = await deliver([
      messageOf(
        'redriven',
        'run',
        { eventId: 'e', costUSD: 1, taskId: 'later' },
        { eventId: 'f', costUSD: 1 },
      ),
    ]);
    const letter = first.letters[0]?.body ?? '';
    const second = await deliver([letter]);
    expect(second.letters.map(({ body }) => body)).toEqual([letter]);
    const attached = await world.api.call({ tenantId: 'redriven' }, 'POST', '/v1/runs/run/tasks', {
      taskId: 'later',
      phase: 'build',
    });
    expect(attached.status).toBe(201);
    expect(await deliver([letter])).toEqual(done);
    expect(await spentNanos('redriven', 'run')).toBe(2n * dollar);
  });

  test('a model that nobody had a price for: booked from the letter once the operator has set one', async () => {
    await started('priced-later', 'run');
    const usage = { inputTokens: 1_000_000, outputTokens: 0 };
    const { letters } = await deliver([
      messageOf('priced-later', 'run', { eventId: 'e', model: 'house-model', usage }),
    ]);
    const answer = await world.api.call('operator', 'PUT', '/v1/prices', {
      prices: [{ model: 'house-model', unitPrices: { input: 2, output: 4 } }],
      reason: 'our own model',
    });
    expect(answer.status).toBe(200);
    expect(await deliver(letters.map(({ body }) => body))).toEqual(done);
    expect(await spentNanos('priced-later', 'run')).toBe(2n * dollar);
  });

  test('the letter keeps every digit that was sent', async () => {
    await started('digits', 'run');
    const amount = '-9007199.254740993';
    const { letters } = await deliver([
      `{"version": 1, "tenantId": "digits", "runId": "run", "events": [{"eventId": "e", "costUSD": ${amount}}]}`,
    ]);
    expect(letters[0]?.body).toContain(`{"eventId":"e","costUSD":${amount}}`);
  });

  test('500 events rejected with long words still fit into one letter', async () => {
    await started('wordy', 'run');
    const events = Array.from({ length: 500 }, (_, index) => ({
      eventId: `event-${index}`,
      model: '模'.repeat(256),
      usage: { inputTokens: 1, outputTokens: 1 },
    }));
    const [body = '', ...others] = costMessageBodies('wordy', 'run', events);
    expect(others).toEqual([]);
    const { letters } = await deliver([body]);
    expect(JSON.parse(letters[0]?.body ?? '').events).toEqual(events);
    const bytes =
      Buffer.byteLength(letters[0]?.body ?? '') + Buffer.byteLength(JSON.stringify(letters[0]?.attributes));
    expect(bytes).toBeLessThan(1024 * 1024);
  });
});

describe('what cannot be booked now comes again, alone', () => {
  test('a message of a run that is not there yet; after its last attempt it is put aside', async () => {
    await started('early', 'there');
    const good = messageOf('early', 'there', { eventId: 'e', costUSD: 1 });
    const early = messageOf('early', 'not-yet', { eventId: 'e', costUSD: 1 });
    expect(await deliver([early, good])).toEqual({ again: ['0'], letters: [] });
    expect(await deliver([{ body: early, receives: 2 }])).toEqual({ again: ['0'], letters: [] });
    expect(await deliver([{ body: early, receives: 3 }])).toEqual({
      again: [],
      letters: [
        {
          body: early,
          attributes: {
            reason: 'unknown_run',
            detail: 'Tenant early has no run not-yet; received 3 times.',
            originalMessageId: '0',
            senderId: 'AROACOLLECTOR',
          },
        },
      ],
    });
    await world.start('early', 'not-yet', 10);
    expect(await deliver([{ body: early, receives: 2 }])).toEqual(done);
    expect(await spentNanos('early', 'not-yet')).toBe(dollar);
  });

  test("another tenant's run is not there", async () => {
    await started('owner', 'theirs');
    await started('other', 'own');
    const stray = messageOf('other', 'theirs', { eventId: 'e', costUSD: 1 });
    expect((await deliver([stray])).again).toEqual(['0']);
    expect(await spentNanos('owner', 'theirs')).toBe(0n);
  });

  test('every message while the store is away; poison is put aside all the same', async () => {
    await started('store-away', 'run');
    const unreachable = openDatabase({ connectionString: 'postgres://127.0.0.1:1/nowhere' });
    const body = messageOf('store-away', 'run', { eventId: 'e', costUSD: 1 });
    const { again, letters } = await deliver([body, 'poison', body], { store: unreachable });
    expect(again).toEqual(['0', '2']);
    expect(letters.map(({ attributes }) => attributes.reason)).toEqual(['bad_message']);
    const last = await deliver([{ body, receives: 8 }], { store: unreachable });
    expect(last.again).toEqual([]);
    expect(last.letters).toEqual([
      {
        body,
        attributes: expect.objectContaining({
          reason: 'store_unavailable',
          detail: expect.stringMatching(/^Received 8 times: The store cannot be reached/),
        }),
      },
    ]);
    expect(await deliver([body])).toEqual(done);
  });

  test('a deadlock is tried once more at once, and a message that the store does not take fails alone', async () => {
    await started('troubled', 'run');
    let deadlocks = 0;
    const store: Database = {
      ...database.app,
      query: (text, values) => {
        if (String(values?.[2]).includes('"cursed"')) return Promise.reject(new Error('value out of range'));
        if (deadlocks++ === 0) return Promise.reject(new Error('deadlock'));
        return database.app.query(text, values);
      },
    };
    const bodies = ['a', 'cursed', 'b'].map((eventId) =>
      messageOf('troubled', 'run', { eventId, costUSD: 1 }),
    );
    expect((await deliver(bodies.toSpliced(1, 1), { store })).again).toEqual([]);
    expect((await deliver(bodies, { store })).again).toEqual(['1']);
    expect(await spentNanos('troubled', 'run')).toBe(2n * dollar);
  });

  test('what there is no time left for; nothing is begun that the time-out would cut off', async () => {
    await started('late', 'run');
    const body = messageOf('late', 'run', { eventId: 'e', costUSD: 1 });
    expect(await deliver([body], { remaining_ms: 5_000 })).toEqual({ again: ['0'], letters: [] });
    expect(await spentNanos('late', 'run')).toBe(0n);
  });

  test('a message whose letter is not taken: its good events are not booked again', async () => {
    await started('no-letters', 'run');
    const body = messageOf(
      'no-letters',
      'run',
      { eventId: 'e', costUSD: 1 },
      { eventId: 'minus', costUSD: -1 },
    );
    const putAside: PutAside = async (letters) => letters.map(() => new Error('queue away'));
    expect((await deliver([body, 'poison'], { putAside })).again).toEqual(['0', '1']);
    expect((await deliver([body, 'poison'])).again).toEqual([]);
    expect(await spentNanos('no-letters', 'run')).toBe(dollar);
  });
});

describe('bodies for senders', () => {
  test('hold at most 500 events and 512 KiB each, all events once and in order', () => {
    const events = Array.from({ length: 1201 }, (_, index) => ({ eventId: `e${index}`, costUSD: 0.1 }));
    const read = (bodies: readonly string[]) => bodies.map((body) => JSON.parse(body));
    const few = read(costMessageBodies('t', 'r', events));
    expect(few.map((message) => message.events.length)).toEqual([500, 500, 201]);
    expect(few.flatMap((message) => message.events)).toEqual(events);
    expect(few[0]).toMatchObject({ version: 1, tenantId: 't', runId: 'r' });
    const large = events.slice(0, 300).map((event) => ({ ...event, model: 'é'.repeat(1000) }));
    const bodies = costMessageBodies('t', 'r', large);
    expect(read(bodies).flatMap((message) => message.events)).toEqual(large);
    expect(bodies).toHaveLength(2);
    for (const body of bodies) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(512 * 1024);
    expect(costMessageBodies('t', 'r', [])).toEqual([]);
  });

  test('name an event that fits into none', () => {
    const event = { eventId: 'huge', model: 'x'.repeat(512 * 1024) };
    expect(() => costMessageBodies('t', 'r', [event])).toThrow(/Event huge does not fit/);
  });
});

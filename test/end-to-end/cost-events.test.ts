/** Costs over the queue: real SQS messages, the mapping of the template, the bundled function, Postgres. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { sendBodies, sendCostEvents } from '../../commands/cost-sender.ts';
import { askToStart } from '../../commands/demo/runner.ts';
import { remove } from '../../commands/demo/sqs.ts';
import { type PostgresServer, startPostgres } from '../../infra/local/postgres.ts';
import { type Database, openDatabase } from '../../shared/platform/db.ts';
import { eventually } from './eventually.ts';
import { startTestStage, type TestStage, type TestTenant } from './stage.ts';

let stage: TestStage;
let database: Database;
let restarted: PostgresServer | undefined;

const queue = () => stage.queueUrl('cost-events');
const deadLetters = () => stage.queueUrl('cost-events-dead-letters');

beforeAll(async () => {
  stage = await startTestStage();
  database = openDatabase({ connectionString: stage.databaseUrl, max: 4 });
}, 180_000);

afterEach(async () => {
  await eventually('the queue to be empty', async () => (await held(queue())) === 0);
});

afterAll(async () => {
  await database?.close();
  await stage?.stop();
  await restarted?.stop();
});

/** What fails comes again after a second; in the template after three minutes. */
async function repeatSoon(): Promise<void> {
  await stage.sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: queue(), Attributes: { VisibilityTimeout: '1' } }),
  );
}

/** Messages in a queue, those in flight included. */
async function held(queueUrl: string): Promise<number> {
  const { Attributes = {} } = await stage.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }),
  );
  return (
    Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible)
  );
}

/** Waits for as many dead letters and takes them off the queue. */
async function lettersTaken(count: number): Promise<Message[]> {
  const taken: Message[] = [];
  await eventually(`${count} dead letters`, async () => {
    const { Messages = [] } = await stage.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: deadLetters(),
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['All'],
      }),
    );
    taken.push(...Messages);
    await remove(stage.sqs, deadLetters(), Messages);
    return taken.length >= count;
  });
  return taken;
}

const attributesOf = ({ MessageAttributes = {} }: Message) =>
  Object.fromEntries(Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]));

async function startRuns(tenantId: string, ...runIds: string[]): Promise<TestTenant> {
  const tenant = await stage.tenant(tenantId);
  for (const runId of runIds)
    await askToStart(tenant.client, { runId, phase: 'plan', budget: { maxCostUSD: 100 } });
  return tenant;
}

type Ledger = { readonly events: number; readonly nanos: bigint; readonly spent: bigint };

/** A run's events, their sum, and what the run is said to have spent. */
async function ledgerOf(tenantId: string, runId: string): Promise<Ledger | undefined> {
  const [row] = await database.query<Ledger>(
    `select (select count(*)::int from cost_events c where c.tenant_id = r.tenant_id and c.run_id = r.run_id) as events,
       (select coalesce(sum(cost_usd_nanos), 0)::bigint from cost_events c
         where c.tenant_id = r.tenant_id and c.run_id = r.run_id) as nanos,
       spent_usd_nanos as spent
     from runs r where r.tenant_id = $1 and r.run_id = $2`,
    [tenantId, runId],
  );
  return row;
}

/** Waits until the ledger has as many events of a run, then expects it to be exact. */
async function expectLedger(tenantId: string, runId: string, events: number, nanos: bigint): Promise<void> {
  await eventually(
    `${events} events of ${runId}`,
    async () => ((await ledgerOf(tenantId, runId))?.events ?? 0) >= events,
  );
  expect(await ledgerOf(tenantId, runId)).toEqual({ events, nanos, spent: nanos });
}

const cents = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ eventId: `${name}-${index}`, costUSD: 0.01 }));
const cent = 10_000_000n;

test('a batch of good, partly bad, bad and repeated messages: each gets its due', async () => {
  await startRuns('mixed', 'run-a', 'run-b');
  const run = { tenantId: 'mixed', runId: 'run-a' };
  const bodyOf = (runId: string, events: unknown) =>
    JSON.stringify({ version: 1, tenantId: 'mixed', runId, events });
  const partly = [
    ...cents('partly', 2),
    { eventId: 'unpriced', model: 'no-such', usage: { inputTokens: 1, outputTokens: 1 } },
  ];
  await sendBodies(stage.sqs, queue(), 'mixed', [
    bodyOf('run-a', cents('good', 3)),
    'not json',
    bodyOf('run-a', partly),
    bodyOf('run-a', cents('good', 3)),
    bodyOf('run-b', cents('good', 5)),
    bodyOf('run-b', [{ eventId: 'minus', costUSD: -1 }]),
  ]);
  const letters = await lettersTaken(3);
  const byReason = letters
    .map((letter) => ({ body: letter.Body, ...attributesOf(letter) }))
    .sort((one, other) => String(one.body).localeCompare(String(other.body)));
  expect(byReason).toEqual([
    {
      body: expect.stringContaining('"code":"bad_event"'),
      reason: 'rejected_events',
      detail: expect.stringMatching(/^1 of 1 events: bad_event 1\. First: minus: /),
      originalMessageId: expect.any(String),
      senderId: expect.any(String),
    },
    {
      body: expect.stringContaining('"code":"unknown_model"'),
      reason: 'rejected_events',
      detail: expect.stringMatching(/^1 of 3 events: unknown_model 1\. First: unpriced: .*no-such/),
      originalMessageId: expect.any(String),
      senderId: expect.any(String),
    },
    {
      body: 'not json',
      reason: 'bad_message',
      detail: '$: must be valid JSON',
      originalMessageId: expect.any(String),
      senderId: expect.any(String),
    },
  ]);
  await expectLedger('mixed', 'run-a', 5, 5n * cent);
  await expectLedger('mixed', 'run-b', 5, 5n * cent);
  await sendCostEvents(stage.sqs, queue(), run, cents('good', 3));
  await eventually('the repeat to be consumed', async () => (await held(queue())) === 0);
  await expectLedger('mixed', 'run-a', 5, 5n * cent);
  expect(await held(deadLetters())).toBe(0);
});

test('500 events in one message, and 1,200 in three', async () => {
  await startRuns('bulk', 'one', 'three');
  await sendCostEvents(stage.sqs, queue(), { tenantId: 'bulk', runId: 'one' }, cents('e', 500));
  await sendCostEvents(stage.sqs, queue(), { tenantId: 'bulk', runId: 'three' }, cents('e', 1200));
  await expectLedger('bulk', 'one', 500, 500n * cent);
  await expectLedger('bulk', 'three', 1200, 1200n * cent);
});

test('a message larger than a report over HTTP is refused by the queue', async () => {
  const large = new SendMessageCommand({ QueueUrl: queue(), MessageBody: 'x'.repeat(512 * 1024 + 1) });
  await expect(stage.sqs.send(large)).rejects.toThrow(/524288/);
});

test('ten messages of a hot run among reports over HTTP, some events by both roads: the total is exact', async () => {
  const { client } = await startRuns('hot', 'run');
  const both = cents('both', 10);
  const byQueue = Array.from({ length: 10 }, (_, index) =>
    sendCostEvents(stage.sqs, queue(), { tenantId: 'hot', runId: 'run' }, [
      ...cents(`queue-${index}`, 30),
      ...both,
    ]),
  );
  for (let index = 0; index < 10; index++) {
    const events = [...cents(`http-${index}`, 20), ...both];
    expect(await client.send('POST', '/v1/runs/run/costs', { events })).toMatchObject({ status: 200 });
  }
  await Promise.all(byQueue);
  await expectLedger('hot', 'run', 10 * 30 + 10 * 20 + 10, 510n * cent);
});

test('costs that come before their run is admitted are booked once it is', async () => {
  const { client } = await startRuns('early');
  await repeatSoon();
  await sendCostEvents(stage.sqs, queue(), { tenantId: 'early', runId: 'run' }, cents('e', 20));
  await eventually('a first attempt', async () => {
    const log = await readFile(path.join(stage.dataFolder, 'functions.log'), 'utf8');
    return log.includes('"outcome":"unknown_run"');
  });
  await askToStart(client, { runId: 'run', phase: 'plan', budget: { maxCostUSD: 100 } });
  await expectLedger('early', 'run', 20, 20n * cent);
  expect(await held(deadLetters())).toBe(0);
});

test('the store goes away and comes back: what came meanwhile is booked, once', async () => {
  await startRuns('outage', 'run');
  const run = { tenantId: 'outage', runId: 'run' };
  const { port } = stage.postgres;
  await repeatSoon();
  await stage.postgres.stop();
  try {
    await sendCostEvents(stage.sqs, queue(), run, cents('a', 200));
    await sendBodies(stage.sqs, queue(), 'outage', ['poison']);
    await sendCostEvents(stage.sqs, queue(), run, [...cents('a', 200), ...cents('b', 100)]);
    // Poison needs no store. Its letter also tells that the batch has been tried without one.
    expect((await lettersTaken(1)).map(attributesOf)).toEqual([
      expect.objectContaining({ reason: 'bad_message' }),
    ]);
    expect(await held(queue())).toBeGreaterThan(0);
  } finally {
    restarted = await startPostgres({
      dataFolder: path.join(stage.dataFolder, 'postgres'),
      port,
      durable: false,
      log: () => {},
    });
  }
  await expectLedger('outage', 'run', 300, 300n * cent);
  expect(await held(deadLetters())).toBe(0);
});

test('the function dies in the middle of a batch: what it had booked is not booked again, the rest is', async () => {
  await startRuns('dying', 'first', 'second');
  await repeatSoon();
  await database.transaction(async (tx) => {
    // The second booking waits for this row, the first one is through.
    await tx.query(`select 1 from runs where tenant_id = 'dying' and run_id = 'second' for update`);
    await sendBodies(stage.sqs, queue(), 'dying', [
      JSON.stringify({ version: 1, tenantId: 'dying', runId: 'first', events: cents('e', 50) }),
      JSON.stringify({ version: 1, tenantId: 'dying', runId: 'second', events: cents('e', 50) }),
    ]);
    await eventually('the first to be booked and the second to wait', async () => {
      const [waiting] = await database.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%record_costs%'`,
      );
      return waiting !== undefined && (await ledgerOf('dying', 'first'))?.events === 50;
    });
    await stage.runtime.crash('BudgetMeter');
  });
  await expectLedger('dying', 'first', 50, 50n * cent);
  await expectLedger('dying', 'second', 50, 50n * cent);
  await eventually('both to be consumed', async () => (await held(queue())) === 0);
  await expectLedger('dying', 'first', 50, 50n * cent);
  await expectLedger('dying', 'second', 50, 50n * cent);
});

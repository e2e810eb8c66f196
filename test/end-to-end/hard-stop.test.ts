/** Budgets that stop runs over bus, rule, queue and function of the template, on the whole local stage (B5, E2). */

import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import * as z from 'zod';
import { type EventWatch, watchEvents } from '../../commands/demo/events.ts';
import {
  askToStart,
  claimAtDoorbell,
  heartbeatUntilLeaving,
  heldOf,
  spend,
  storeCheckpoint,
} from '../../commands/demo/runner.ts';
import { type Database, openDatabase } from '../../shared/platform/db.ts';
import { failureTable } from '../budget/failures/failure-table.ts';
import { eventually } from './eventually.ts';
import { startTestStage, type TestStage, type TestTenant } from './stage.ts';

const failures = failureTable(import.meta.filename, 'Hard stops over bus and queue', {
  urgentToo: {
    seenAt: ['paperclip #11276', 'paperclip #6516'],
    happened: 'The run ends when it has spent ten times its budget; the stop comes to the next one',
    here: 'a P0 run that nobody may preempt passes 80 %, is paused at 95 %, and resumes once when it is approved',
  },
  hitAgain: {
    seenAt: ['B5', 'E2'],
    happened:
      'Preempted for its budget, a run comes back into the same threshold and is preempted again, by every repeat',
    here: 'an overridable run is preempted at 80 %, is seen running as P3, and no repeated order or sweep hits it again',
  },
  neverComesBack: {
    seenAt: ['litellm #27639', 'hatchet #4494'],
    happened: 'Whoever held the money is killed, and nobody gives it back',
    here: 'a runner killed before it obeys is paused at its deadline by the sweep, and holds nothing',
  },
  alertsOnce: {
    seenAt: ['litellm #3738', 'cycles'],
    happened: 'Subscribers get an alert with each request, or none at all',
    here: 'forty reports at once over two tenants bring a subscriber three alerts of their organisation, in order',
  },
});

let stage: TestStage;
let database: Database;
let watch: EventWatch | undefined;

beforeAll(async () => {
  stage = await startTestStage();
  database = openDatabase({ connectionString: stage.databaseUrl, max: 2 });
}, 180_000);

afterEach(async () => {
  await watch?.stop();
  watch = undefined;
});

afterAll(async () => {
  await database?.close();
  await stage?.stop();
});

const answered = z.looseObject({});
const runOf = ({ client }: TestTenant, runId: string) => client.ask(answered, 'GET', `/v1/runs/${runId}`);
const taskOf = ({ client }: TestTenant, taskId: string) => client.ask(answered, 'GET', `/v1/tasks/${taskId}`);
const raise = ({ client }: TestTenant, runId: string, maxCostUSD: number) =>
  client.ask(answered, 'PUT', `/v1/runs/${runId}/budget`, { maxCostUSD, reason: 'ticket 12' });
const actedBy = (runId: string) =>
  database.query('select level, acted_by from budget_events where run_id = $1 order by threshold', [runId]);

/** The stage's sweep at a time of the caller's choosing. */
async function sweepAt(time: number): Promise<void> {
  const response = await fetch(`${stage.baseUrl}/v1/sweep`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.operatorKey}`, 'mothership-now': new Date(time).toISOString() },
  });
  expect(response.status).toBe(200);
}

/** Brings every order of the run to the queue of actions again, three times each, and waits until they are consumed. */
async function repeatOrders(runId: string): Promise<void> {
  const QueueUrl = stage.queueUrl('budget-actions');
  const orders = await database.query<{ body: object; detail_type: string }>(
    `select detail_type, body from events where run_id = $1 and detail_type in ('preempt-for-budget', 'run-paused-for-budget')`,
    [runId],
  );
  for (const { body, detail_type } of [...orders, ...orders, ...orders]) {
    const message = { version: '0', source: 'mothership', 'detail-type': detail_type, detail: body };
    await stage.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }));
  }
  await eventually('the repeated orders to be consumed', async () => {
    const { Attributes = {} } = await stage.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    const left = [Attributes.ApproximateNumberOfMessages, Attributes.ApproximateNumberOfMessagesNotVisible];
    return left.every((count) => Number(count) === 0);
  });
}

failures.test('urgentToo', async () => {
  const tenant = await stage.tenant('urgent', { cost: { limitUSD: 100 } });
  const { tenantId, client } = tenant;
  const seen = stage.watch(tenantId);
  watch = seen;
  const runId = 'urgent-run';
  const first = heldOf(await askToStart(client, { runId, phase: 'security' }));
  expect(await taskOf(tenant, runId)).toMatchObject({ priority: { class: 'P0', overridable: false } });

  await spend(client, first, { costUSD: 8 });
  await seen.until('budget-alert', ({ data }) => data.threshold === 80);
  await spend(client, first, { costUSD: 1.5 });
  await seen.until('run-paused-for-budget');
  expect((await heartbeatUntilLeaving(client, first)).directive).toMatchObject({ action: 'pause' });
  const stored = await storeCheckpoint(client, first, 1, { page: 7 });
  expect(await runOf(tenant, runId)).toMatchObject({
    status: 'paused',
    budget: { heldUSD: 0, spentUSD: 9.5 },
  });
  expect(seen.seen.map(({ name }) => name)).not.toContain('preempt-for-budget');
  expect(await actedBy(runId)).toContainEqual({ level: 'pause', acted_by: 'bus' });

  await Promise.all([raise(tenant, runId, 20), raise(tenant, runId, 20), raise(tenant, runId, 20)]);
  const resumed = await claimAtDoorbell(client, stage.sqs, stage.queueUrl('tasks-p0'), {
    tenantId,
    taskId: runId,
  });
  expect(resumed.held.epoch).toBe(2);
  expect(resumed.task.checkpoint).toMatchObject({ checkpointId: stored.checkpointId });
  await repeatOrders(runId);
  await seen.until('task-resumed');
  expect(seen.seen.filter(({ name }) => name === 'run-resumed')).toHaveLength(1);
  expect(await taskOf(tenant, runId)).toMatchObject({ state: 'running', priority: { class: 'P0' } });
  expect(await runOf(tenant, runId)).toMatchObject({
    budget: { heldUSD: 10.5, approved: { by: tenant.keyId, reason: 'ticket 12' } },
  });
});

failures.test('hitAgain', async () => {
  const tenant = await stage.tenant('demoted');
  const { tenantId, client } = tenant;
  const seen = stage.watch(tenantId);
  watch = seen;
  const runId = 'demoted-run';
  const first = heldOf(await askToStart(client, { runId, phase: 'build' }));
  await spend(client, first, { costUSD: 8 });
  expect((await heartbeatUntilLeaving(client, first)).directive).toMatchObject({ action: 'checkpoint' });
  await storeCheckpoint(client, first, 1, { page: 7 });
  const { held } = await claimAtDoorbell(client, stage.sqs, stage.queueUrl('tasks-p3'), {
    tenantId,
    taskId: runId,
  });
  await seen.until('task-resumed');
  const asP3 = { state: 'running', preemptions: 1, priority: { class: 'P3' }, lease: { epoch: 2 } };
  expect(await taskOf(tenant, runId)).toMatchObject(asP3);

  for (const costUSD of [0.5, 0.5, 0.4]) await spend(client, held, { costUSD });
  await repeatOrders(runId);
  for (const minutes of [1, 2, 5]) await sweepAt(Date.now() + minutes * 60_000);
  expect(await taskOf(tenant, runId)).toMatchObject(asP3);
  const names = seen.seen.map(({ name }) => name);
  expect(names.filter((name) => name === 'preempt-requested')).toHaveLength(1);
  expect(names.filter((name) => name === 'task-preempted')).toHaveLength(1);

  await raise(tenant, runId, 100);
  expect(await taskOf(tenant, runId)).toMatchObject({ state: 'running', priority: { class: 'P1' } });
});

failures.test('neverComesBack', async () => {
  const tenant = await stage.tenant('killed', { cost: { limitUSD: 12 } });
  const { tenantId, client } = tenant;
  const seen = stage.watch(tenantId);
  watch = seen;
  const runId = 'killed-run';
  const held = heldOf(await askToStart(client, { runId, phase: 'deploy' }));
  await spend(client, held, { costUSD: 9.5 });
  const { data } = await seen.until('preempt-requested');
  await sweepAt(Date.parse(String(data.deadline)) + 1000);
  expect(await runOf(tenant, runId)).toMatchObject({ status: 'paused', budget: { heldUSD: 0 } });
  expect(
    await database.query(`select 1 from holds where run_id = $1 and released_at is null`, [runId]),
  ).toEqual([]);
  await askToStart(client, { runId: 'newcomer', phase: 'plan', budget: { maxCostUSD: 2.5 } });
});

failures.test('alertsOnce', async () => {
  const limit = { limitUSD: 100, reason: 'contract' };
  await stage.operator.ask(answered, 'PUT', '/v1/orgs/of-both/budget', limit);
  const tenants = [
    await stage.tenant('both-a', { orgId: 'of-both' }),
    await stage.tenant('both-b', { orgId: 'of-both' }),
  ];
  const ids = tenants.map(({ tenantId }) => tenantId);
  const seen = watchEvents(stage.sqs, stage.queueUrl('events-tap'), ({ tenantId }) => ids.includes(tenantId));
  watch = seen;
  const held = await Promise.all(
    tenants.map(async ({ client }, index) =>
      heldOf(
        await askToStart(client, { runId: `both-${index}`, phase: 'security', budget: { maxCostUSD: 50 } }),
      ),
    ),
  );
  await Promise.all(
    Array.from({ length: 40 }, (_, index) => {
      const [tenant, task] = [tenants[index % 2], held[index % 2]];
      if (tenant === undefined || task === undefined) throw new Error('there are two of each');
      return spend(tenant.client, task, { costUSD: 2.4 });
    }),
  );
  const ofOrg = ({ data }: { data: Record<string, unknown> }) => data.scope === 'org';
  await seen.until('budget-alert', (event) => ofOrg(event) && event.data.threshold === 95);
  await sweepAt(Date.now() + 60_000);
  const alerts = seen.seen.filter((event) => event.name === 'budget-alert' && ofOrg(event));
  expect(alerts.map(({ data }) => data.threshold).toSorted()).toEqual([50, 80, 95]);
  const told = await database.query(
    `select body->'data'->'threshold' as threshold from events
     where detail_type = 'budget-alert' and body->'data'->>'scope' = 'org' order by event_seq`,
  );
  expect(told).toEqual([{ threshold: 50 }, { threshold: 80 }, { threshold: 95 }]);
});

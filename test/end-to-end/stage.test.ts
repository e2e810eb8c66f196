/** The wired system over HTTP, the bus and the queues: what no part can show by itself. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import * as z from 'zod';
import { createClient } from '../../commands/demo/client.ts';
import type { EventWatch, SeenEvent } from '../../commands/demo/events.ts';
import {
  askToStart,
  claimAtDoorbell,
  heartbeatUntilLeaving,
  heldOf,
  spend,
  storeCheckpoint,
} from '../../commands/demo/runner.ts';
import { shownEvents, tellStory } from '../../commands/demo/story.ts';
import { envelopeOf, events } from '../../shared/coordination/events.ts';
import { routes } from '../../shared/platform/routes.ts';
import { publicListeners } from './sockets.ts';
import { startTestStage, type TestStage } from './stage.ts';

let stage: TestStage;
let watch: EventWatch | undefined;

beforeAll(async () => {
  stage = await startTestStage();
}, 180_000);

afterEach(async () => {
  await watch?.stop();
  watch = undefined;
});

afterAll(() => stage?.stop());

describe('who gets in', () => {
  const statusOf = async (path: string, authorization?: string): Promise<number> => {
    const headers = authorization === undefined ? {} : { authorization };
    return (await fetch(stage.baseUrl + path, { headers })).status;
  };

  test('without a key: 401', async () => {
    expect(await statusOf('/v1/runs')).toBe(401);
  });

  const strangers = [
    { name: 'no key at all', authorization: 'Bearer hello' },
    { name: 'an unknown key', authorization: 'Bearer msk_0123456789abcdef_secret' },
    { name: 'another scheme', authorization: 'Basic dXNlcjpwYXNz' },
  ];
  test.each(strangers)('with $name: 403', async ({ authorization }) => {
    expect(await statusOf('/v1/runs', authorization)).toBe(403);
  });

  test('with a revoked key: 403, while the second key of the tenant goes on', async () => {
    const { tenantId, keyId, client } = await stage.tenant('rotating');
    const { key } = await stage.operator.ask(
      z.looseObject({ key: z.string() }),
      'POST',
      `/v1/tenants/${tenantId}/keys`,
      { scope: 'runner' },
    );
    // The first key is not used before: the authorizer's answer for it would be cached for a minute.
    expect(await stage.operator.send('DELETE', `/v1/tenants/${tenantId}/keys/${keyId}`)).toMatchObject({
      status: 200,
    });
    expect(await client.send('GET', '/v1/runs')).toMatchObject({ status: 403 });
    expect(await createClient(stage.baseUrl, key).send('GET', '/v1/runs')).toMatchObject({ status: 200 });
  });

  test('with a runner key on an operator route: 403', async () => {
    const { client } = await stage.tenant('curious');
    expect(await client.send('PUT', '/v1/pool', { cpu: 1, memoryGb: 1 })).toMatchObject({ status: 403 });
  });

  test('with a key of another tenant the run is not there: 404', async () => {
    const owner = await stage.tenant('owner');
    const other = await stage.tenant('other');
    await askToStart(owner.client, { runId: 'private', phase: 'plan' });
    expect(await other.client.send('GET', '/v1/runs/private')).toMatchObject({ status: 404 });
    expect(await owner.client.send('GET', '/v1/runs/private')).toMatchObject({ status: 200 });
  });
});

test('GET /v1/openapi.json needs no key and describes every route of the contract, and no other', async () => {
  const response = await fetch(`${stage.baseUrl}/v1/openapi.json`);
  const { openapi, paths } = z
    .object({ openapi: z.string(), paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
    .parse(await response.json());
  expect(openapi).toMatch(/^3\./);
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const called = routes.filter(({ path }) => path.startsWith('/v1/'));
  expect(described.sort()).toEqual(called.map(({ method, path }) => `${method} ${path}`).sort());
});

test('nothing listens beyond this machine', async () => {
  expect(stage.runtime.addresses.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1']);
  expect(new URL(stage.databaseUrl).hostname).toBe('127.0.0.1');
  const [database] = await query<{ listen_addresses: string }>('show listen_addresses');
  expect(database?.listen_addresses).toBe('127.0.0.1');
  if (process.platform === 'linux') expect(publicListeners([process.pid])).toEqual([]);
});

describe('doorbells', () => {
  const phases = [
    { phase: 'security', class: 'P0' },
    { phase: 'build', class: 'P1' },
    { phase: 'plan', class: 'P2' },
    { phase: 'research', class: 'P3' },
  ] as const;
  test.each(phases)('a $phase run is called on the queue of $class', async ({ phase, class: taskClass }) => {
    const { tenantId, client } = await stage.tenant(`bell-${taskClass}`);
    const runId = `bell-${phase}`;
    await askToStart(client, { runId, phase, start: 'queue' });
    const url = stage.queueUrl(`tasks-${taskClass.toLowerCase()}`);
    const { doorbell, held } = await claimAtDoorbell(client, stage.sqs, url, { tenantId, taskId: runId });
    expect(doorbell).toEqual({ taskId: runId, runId, tenantId, class: taskClass, epoch: 1, kind: 'start' });
    expect(held.epoch).toBe(1);
  });
});

test('a run at 80 % of its budget is preempted over the bus and comes back as P3 with its checkpoint', async () => {
  const { tenantId, client } = await stage.tenant('spender');
  const seen = stage.watch(tenantId);
  watch = seen;
  const runId = 'spender-run';
  const first = heldOf(await askToStart(client, { runId, phase: 'story_loop', budget: { maxCostUSD: 10 } }));

  await spend(client, first, { costUSD: 8 });
  const requested = await seen.until('preempt-requested');
  expect((await heartbeatUntilLeaving(client, first)).directive).toMatchObject({
    action: 'checkpoint',
    reason: 'budget_exceeded',
    deadline: requested.data.deadline,
  });
  const stored = await storeCheckpoint(client, first, 1, { page: 7 });
  expect(stored.state).not.toBe('preempting');

  const { doorbell, held, task } = await claimAtDoorbell(client, stage.sqs, stage.queueUrl('tasks-p3'), {
    tenantId,
    taskId: runId,
  });
  expect(doorbell).toEqual({ taskId: runId, runId, tenantId, class: 'P3', epoch: 2, kind: 'resume' });
  expect(held.epoch).toBeGreaterThan(first.epoch);
  expect(task.checkpoint).toMatchObject({ checkpointId: stored.checkpointId, sequence: 1 });
  await seen.until('task-resumed');

  const names = seen.seen.map(({ name }) => name);
  for (const once of ['preempt-for-budget', 'preempt-requested', 'task-preempted', 'task-resumed']) {
    expect(names.filter((name) => name === once)).toHaveLength(1);
  }
  const [warning, throttle] = seen.seen.filter(({ name }) => name === 'budget-alert');
  expect([warning?.data.threshold, throttle?.data.threshold]).toEqual([50, 80]);
  const order = await seen.until('preempt-for-budget');
  expect(order.causeId).toBe(throttle?.id);
  // The consumer names the message that made it act: the chain went over the bus.
  expect(requested.causeId).toBe(order.id);
  const [action] = await query<{ acted_by: string }>(
    `select acted_by from budget_events where tenant_id = $1 and run_id = $2 and threshold = 80`,
    [tenantId, runId],
  );
  expect(action?.acted_by).toBe('bus');

  const stale = await client.send('POST', `/v1/tasks/${runId}/heartbeat`, { epoch: first.epoch });
  expect(stale).toMatchObject({ status: 409, body: { code: 'stale_epoch' } });
});

test('every event of the original system reaches a subscriber, in its schema and in the order of its run', async () => {
  const told: SeenEvent[] = [];
  const { runtime } = stage;
  const taskQueueUrls = {
    P0: stage.queueUrl('tasks-p0'),
    P1: stage.queueUrl('tasks-p1'),
    P2: stage.queueUrl('tasks-p2'),
    P3: stage.queueUrl('tasks-p3'),
  };
  const counts = await tellStory(
    {
      url: stage.baseUrl,
      operatorKey: stage.operatorKey,
      awsEndpointUrl: runtime.awsEndpointUrl,
      region: runtime.region,
      credentials: runtime.credentials,
      eventsQueueUrl: stage.queueUrl('events-tap'),
      costEventsQueueUrl: stage.queueUrl('cost-events'),
      taskQueueUrls,
    },
    { scene: () => {}, say: async () => {}, event: (event) => void told.push(event) },
  );
  expect(shownEvents.filter((name) => counts.get(name) === 0)).toEqual([]);
  for (const { name, ...detail } of told) {
    const { error } = envelopeOf(events[name].data).safeParse(detail);
    expect({ name, error }).toEqual({ name, error: undefined });
  }
  const alerts = told.filter(({ name }) => name === 'budget-alert').map(({ data }) => data.threshold);
  expect(alerts).toEqual([50, 80, 95]);
  const pool = await stage.operator.send('GET', '/v1/pool');
  expect(pool.body).toMatchObject({ cpu: null, memoryGb: null });
}, 60_000);

test('the schedule runs the sweep: a task whose runner fell silent an hour ago is called again', async () => {
  const { tenantId, client } = await stage.tenant('silent');
  const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();
  const response = await fetch(`${stage.baseUrl}/v1/runs`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stage.operatorKey}`,
      'content-type': 'application/json',
      'mothership-now': anHourAgo,
    },
    body: JSON.stringify({ tenantId, runId: 'silent-run', phase: 'plan', budget: { maxCostUSD: 1 } }),
  });
  expect(response.status).toBe(201);

  const [schedule = ''] = stage.runtime.scheduleIds;
  expect(stage.runtime.scheduleIds).toHaveLength(1);
  await stage.runtime.runSchedule(schedule);

  const { doorbell } = await claimAtDoorbell(client, stage.sqs, stage.queueUrl('tasks-p2'), {
    tenantId,
    taskId: 'silent-run',
  });
  expect(doorbell).toMatchObject({ epoch: 2, kind: 'resume' });
});

async function query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client(stage.databaseUrl);
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}

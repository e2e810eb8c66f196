/** The stage and its Postgres are killed in the middle of 200 requests for 10 places, and start again. */

import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { type Answer, type Client, createClient } from '../../commands/demo/client.ts';
import { watchEvents } from '../../commands/demo/events.ts';
import { sqsClient } from '../../commands/demo/sqs.ts';
import { stageFileOf } from '../../commands/stage-file.ts';
import type { EventName } from '../../shared/coordination/events.ts';
import { type Database, openDatabase } from '../../shared/platform/db.ts';
import { brokenInvariants } from '../setup/invariants.ts';
import { sharedAssembly } from './assembly.ts';
import { type ChildStage, startChildStage } from './child-stage.ts';
import { newDataFolder } from './data-folder.ts';
import { makeTenant } from './stage.ts';

const places = 10;
const runIds = Array.from({ length: 200 }, (_, index) => `run-${index}`);
/** Admissions that runners have heard of when the stage is killed. */
const heardBeforeKill = 4;

let dataFolder: string;
let running: ChildStage | undefined;

beforeAll(async () => {
  dataFolder = await newDataFolder();
  // The stage finds its own sources synthesised and need not do it again.
  await cp(await sharedAssembly(), path.join(dataFolder, 'assembly'), { recursive: true });
}, 180_000);

afterAll(async () => {
  await running?.stop();
  await rm(dataFolder, { recursive: true, force: true });
}, 30_000);

test('kill -9 of everything amid 200 requests: exactly ten are admitted, and no answer or event is lost', async () => {
  const before = await startChildStage(dataFolder);
  running = before;
  const operator = createClient(before.stage.url, before.stage.operatorKey);
  await operator.ask(z.unknown(), 'PUT', '/v1/pool', { cpu: null, memoryGb: null });
  const { tenantId, key, client } = await makeTenant(operator, before.stage.url, 'crowd', {
    concurrentRuns: { limit: places },
  });
  const heard = await killWhileAsking(before, client);
  expect(heard.size).toBeGreaterThanOrEqual(heardBeforeKill);
  const unpublished = await withDatabase(before.stage.databaseUrl, async (database) => {
    const rows = await leaveUnpublished(database, tenantId);
    process.kill(await postmasterOf(database), 'SIGKILL');
    return rows;
  });

  const after = await startChildStage(dataFolder);
  running = after;
  expect(after.stage).toMatchObject({
    operatorKey: before.stage.operatorKey,
    tenants: before.stage.tenants,
  });
  const sqs = sqsClient(after.stage);
  const events = watchEvents(sqs, after.stage.eventsQueueUrl, (event) => event.tenantId === tenantId);
  const again = createClient(after.stage.url, key);
  const answers = await Promise.all(runIds.map(async (runId) => ({ runId, ...(await ask(again, runId)) })));

  const admitted = new Map(
    answers
      .filter(({ status }) => status === 201)
      .map(({ runId, body }) => [runId, admission.parse(body).decisionId]),
  );
  expect(admitted.size).toBe(places);
  expect(answers.filter(({ status }) => status !== 201 && status !== 429)).toEqual([]);
  // Whoever heard of an admission before the crash hears the very same after it.
  for (const [runId, decisionId] of heard) expect([runId, admitted.get(runId)]).toEqual([runId, decisionId]);

  await withDatabase(after.stage.databaseUrl, async (database) => {
    expect(await brokenInvariants(database, new Date())).toEqual([]);
    const [rows] = await database.query('select count(*)::int as runs from runs where tenant_id = $1', [
      tenantId,
    ]);
    expect(rows).toEqual({ runs: places });
    // As if the half minute had passed for which the killed relay had claimed what it was sending.
    await database.query('update events set claimed_until = null where published_at is null');
  });
  await createClient(after.stage.url, after.stage.operatorKey).ask(z.unknown(), 'POST', '/v1/sweep');
  for (const { event_id, detail_type } of unpublished) {
    await events.until(detail_type, ({ id }) => id === event_id);
  }
  await events.stop();
  sqs.destroy();
}, 120_000);

test('50 copies of one request at once make one run', async () => {
  if (running === undefined) throw new Error('the stage did not start');
  const { url, operatorKey, databaseUrl } = running.stage;
  const { tenantId, client } = await makeTenant(createClient(url, operatorKey), url, 'echo', {});
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(client, 'echo-run')));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(answers.map(({ body }) => admission.parse(body).decisionId)).size).toBe(1);
  const counts = await withDatabase(databaseUrl, (database) =>
    database.query(
      `select (select count(*)::int from runs where tenant_id = $1) as runs,
        (select count(*)::int from tasks where tenant_id = $1) as tasks,
        (select runs_held from tenants where tenant_id = $1) as held,
        (select count(*)::int from events where tenant_id = $1 and detail_type = 'run-admitted') as admitted`,
      [tenantId],
    ),
  );
  expect(counts).toEqual([{ runs: 1, tasks: 1, held: 1, admitted: 1 }]);
});

test('Ctrl-C ends the stage in order and leaves no stage.json behind', async () => {
  expect(existsSync(stageFileOf(dataFolder))).toBe(true);
  expect(await running?.stop()).toBe(0);
  expect(existsSync(stageFileOf(dataFolder))).toBe(false);
});

const admission = z.looseObject({ decision: z.literal('admitted'), decisionId: z.string() });

function ask(client: Client, runId: string): Promise<Answer> {
  const budget = { maxCostUSD: 1 };
  return client.send('POST', '/v1/runs', { runId, phase: 'plan', budget, leaseSeconds: 3600 });
}

/** Sends every request at once, kills the runtime amid the answers, and tells the decisions that were heard by then. */
async function killWhileAsking(
  { killRuntime }: ChildStage,
  client: Client,
): Promise<ReadonlyMap<string, string>> {
  const heard = new Map<string, string>();
  let killed: Promise<void> | undefined;
  await Promise.allSettled(
    runIds.map(async (runId) => {
      const { status, body } = await ask(client, runId);
      if (status === 201) heard.set(runId, admission.parse(body).decisionId);
      if (heard.size >= heardBeforeKill) killed ??= killRuntime();
    }),
  );
  await killed;
  return heard;
}

/** What was committed and not published when the runtime died; the store outlived it so far. Never empty. */
async function leaveUnpublished(
  database: Database,
  tenantId: string,
): Promise<{ readonly event_id: string; readonly detail_type: EventName }[]> {
  // The killed relay may have been through with its work, so there is one more: written as the functions write it.
  await database.query(
    `select emit_event($1, run_id, null, 'run-resumed', jsonb_build_object('runId', run_id), null, now())
     from runs where tenant_id = $1 order by run_id limit 1`,
    [tenantId],
  );
  return database.query(
    `select event_id, detail_type from events where kind = 'event' and tenant_id = $1 and published_at is null`,
    [tenantId],
  );
}

/** Process id of the server, whose death is a power cut to the store. */
async function postmasterOf(database: Database): Promise<number> {
  const [row] = await database.query<{ pid: number }>(
    `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid`,
  );
  if (row === undefined) throw new Error('the server does not tell its process id');
  return row.pid;
}

async function withDatabase<T>(
  connectionString: string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = openDatabase({ connectionString });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

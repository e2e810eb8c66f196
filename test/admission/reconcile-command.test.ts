/** `npm run reconcile` at a terminal: where it finds the database, what it says, how it ends. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { databaseUrlOf, reportOf } from '../../commands/reconcile.ts';
import type { Drift } from '../../shared/admission/reconcile.ts';
import { withDatabase } from '../setup/database.ts';

const db = withDatabase();

function run(args: readonly string[], databaseUrl: string) {
  const command = path.join(import.meta.dirname, '../../commands/reconcile.ts');
  const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: databaseUrl };
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [command, ...args], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

test('drift is reported with exit code 1, repaired with 0, and then there is none', async () => {
  await db.admin.query('update pool set cpu_used = 2.5');
  expect(await run([], db.adminUrl)).toEqual({
    code: 1,
    out: 'pool: cpu_used is 2.5, its rows say: 0\n\n1 counter differs; nothing was changed. To repair: npm run reconcile -- --repair\n',
    err: '',
  });
  const repaired = await run(['--repair', '--json'], db.adminUrl);
  expect(repaired).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(repaired.out)).toEqual({
    drift: [
      {
        ...{ what: 'pool', tenantId: null, runId: null, taskId: null, part: null },
        ...{ counter: 'cpu_used', stored: '2.5', derived: '0', repaired: true },
      },
    ],
    repaired: 1,
    left: 0,
  });
  expect(await run([], db.adminUrl)).toEqual({
    code: 0,
    out: 'No drift: every counter equals the rows that it counts.\n',
    err: '',
  });
});

test('a database that does not answer ends it with 1 and a reason, an unknown option too', async () => {
  const [unreachable, unknown, help] = await Promise.all([
    run([], 'postgres://nobody@127.0.0.1:9/none'),
    run(['--fix'], db.adminUrl),
    run(['--help'], db.adminUrl),
  ]);
  expect(unreachable).toMatchObject({ code: 1, out: '', err: expect.stringContaining('127.0.0.1:9') });
  expect(unknown).toMatchObject({ code: 1, out: '', err: expect.stringContaining('--fix') });
  expect(help).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: npm run reconcile/), err: '' });
});

test('the database is that of DATABASE_URL, else of the stage on the data folder', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'reconcile-'));
  await expect(databaseUrlOf(folder, {})).rejects.toThrow(/DATABASE_URL is not set.*npm start/);
  expect(await databaseUrlOf(folder, { DATABASE_URL: 'postgres://a' })).toBe('postgres://a');
  const address = 'http://127.0.0.1:1';
  const stage = {
    ...{ url: address, operatorKey: 'k', tenants: [], databaseUrl: 'postgres://b' },
    ...{ awsEndpointUrl: address, region: 'r', credentials: { accessKeyId: 'a', secretAccessKey: 's' } },
    ...{ eventsQueueUrl: address, costEventsQueueUrl: address },
    ...{ taskQueueUrls: { P0: address, P1: address, P2: address, P3: address } },
  };
  await writeFile(path.join(folder, 'stage.json'), JSON.stringify(stage));
  expect(await databaseUrlOf(folder, {})).toBe('postgres://b');
  expect(await databaseUrlOf(folder, { DATABASE_URL: 'postgres://a' })).toBe('postgres://a');
  await rm(folder, { recursive: true });
});

test.each<[string, Partial<Drift>, string]>([
  ['a tenant', { what: 'tenants' }, 'tenant a: '],
  ['a run', { what: 'runs', runId: 'r' }, 'run r of tenant a: '],
  ['a task', { what: 'tasks', runId: 'r', taskId: 't' }, 'task t of tenant a: '],
  ['marks', { what: 'burst_marks' }, 'burst marks of tenant a: '],
  ['the usage ledger', { what: 'tenant_usage', runId: 'r' }, 'usage ledger of run r of tenant a: '],
  [
    'one of several rows',
    { what: 'account_spend', part: 'tenant a, period from 2026-03-01T00:00:00.000Z' },
    'account_spend of tenant a, tenant a, period from 2026-03-01T00:00:00.000Z: ',
  ],
])('names the place: %s', (_what, place, words) => {
  const drift: Drift = {
    ...{ what: '', tenantId: 'a', runId: null, taskId: null, part: null, counter: 'c' },
    ...{ stored: null, derived: '1', repaired: false },
    ...place,
  };
  expect(reportOf([drift], false)).toMatch(new RegExp(`^${words}c is nothing, its rows say: 1\\n`));
});

test('says how many it repaired, and how many it could not', () => {
  const drift: Drift = {
    ...{ what: 'pool', tenantId: null, runId: null, taskId: null, part: null, counter: 'cpu_used' },
    ...{ stored: '3', derived: '1', repaired: true },
  };
  expect(reportOf([drift, drift], true)).toBe(
    'pool: cpu_used was 3, repaired to what its rows say: 1\n'.repeat(2) +
      '\n2 counters differed; repaired, and on record.',
  );
  expect(reportOf([drift, { ...drift, repaired: false }], true)).toMatch(
    /2 counters differ; 1 could not be repaired\./,
  );
});

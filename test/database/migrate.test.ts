import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { migrate } from '../../migrations/migrate.ts';
import { appRole, databaseUrlVariable, operatorSecret } from '../setup/names.ts';

const serverUrl = process.env[databaseUrlVariable] ?? '';
const databases: string[] = [];
let folder: string;
let url: string;

async function onServer(sql: string): Promise<void> {
  const server = new pg.Client(serverUrl);
  await server.connect();
  await server.query(sql);
  await server.end();
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function up(from = folder): Promise<string[]> {
  const lines: string[] = [];
  await migrate({
    client: { connectionString: url },
    appRole,
    operatorKeySecret: operatorSecret,
    folder: from,
    log: (line) => lines.push(line),
  });
  return lines;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  await cp(join(import.meta.dirname, '../../migrations'), folder, { recursive: true });
});

beforeEach(async () => {
  const name = `migrate_${process.pid}_${databases.length}`;
  await onServer(`create database ${name}`);
  databases.push(name);
  const target = new URL(serverUrl);
  target.pathname = `/${name}`;
  url = target.href;
});

afterAll(async () => {
  for (const name of databases) await onServer(`drop database if exists ${name} with (force)`);
  await rm(folder, { recursive: true, force: true });
});

const functionCount = async () =>
  (await query(`select count(*)::int as n from pg_proc where pronamespace = 'public'::regnamespace`))[0]?.n;

test('an empty database is brought up, and a repeat does nothing', async () => {
  const first = await up();
  expect(first[0]).toMatch(/^migration 0001_/);
  expect(first.at(-1)).toMatch(/^\d+ SQL functions replaced$/);
  expect(await query('select count(*)::int as pools from pool')).toEqual([{ pools: 1 }]);
  expect(await up()).toEqual([]);
  expect(await query('select count(*)::int as pools from pool')).toEqual([{ pools: 1 }]);
});

test('two at once both succeed, and each step is taken once', async () => {
  const lines = (await Promise.all([up(), up()])).flat();
  const migrations = lines.filter((line) => line.startsWith('migration '));
  expect(migrations.length).toBeGreaterThan(0);
  expect(new Set(migrations).size).toBe(migrations.length);
  expect(lines.filter((line) => line.endsWith('replaced'))).toHaveLength(1);
});

test('a function whose arguments change replaces the old one, without an overload', async () => {
  await up();
  const before = await functionCount();
  const changed = await mkdtemp(join(tmpdir(), 'migrations-'));
  await cp(folder, changed, { recursive: true });
  const file = join(changed, 'functions/usd.sql');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('p_nanos bigint', 'p_nanos bigint, p_more integer default 0'));
  expect(await up(changed)).toEqual(['1 SQL functions replaced']);
  expect(await functionCount()).toBe(before);
  expect(await query(`select pronargs::int as args from pg_proc where proname = 'usd'`)).toEqual([
    { args: 2 },
  ]);
  await rm(changed, { recursive: true, force: true });
});

test('the application may call the functions after they were replaced', async () => {
  await up();
  expect(
    await query(
      `select count(*)::int as closed from pg_proc where pronamespace = 'public'::regnamespace
       and not has_function_privilege('${appRole.name}', oid, 'execute')`,
    ),
  ).toEqual([{ closed: 0 }]);
});

test("the stage's operator key is stored as a hash, and follows the secret", async () => {
  await up();
  const [first] = await query(`select secret_hash from api_keys where key_id = 'operator'`);
  expect(JSON.stringify(first)).not.toContain(operatorSecret);
  await migrate({
    client: { connectionString: url },
    appRole,
    operatorKeySecret: 'another-secret-of-the-operator-0000000000000',
    folder,
  });
  const [second] = await query(`select secret_hash from api_keys where key_id = 'operator'`);
  expect(second).not.toEqual(first);
});

test('scores from before the gate had an order get one, by time and then by id (0019)', async () => {
  const earlier = await mkdtemp(join(tmpdir(), 'migrations-'));
  await cp(folder, earlier, { recursive: true });
  for (const file of await readdir(earlier)) {
    if (/^\d{4}_/.test(file) && file >= '0019') await rm(join(earlier, file));
  }
  await up(earlier);
  const rows = [
    ['s3', 'plan', '2026-01-02'],
    ['s2', 'research', '2026-01-01'],
    ['s1', 'story_loop', '2026-01-01'],
    ['s0', null, '2026-01-03'],
  ].map(
    ([id, phase, day]) =>
      `('${id}', 'a', 'r', ${phase === null ? 'null' : `'${phase}'`}, 0.5, 0.5, 0.5, 0.5, 'review', 'v', '{}', '{}', '[]', '[]', '', '${day}')`,
  );
  // Without the rows that they belong to.
  await query(`set session_replication_role = replica;
    insert into deliberation_scores (score_id, tenant_id, run_id, phase, overall_score, depth_score, coherence_score, relevance_score,
      recommendation, scorer_version, thresholds, evidence, contradictions, recommendations, text_sha256, created_at)
    values ${rows.join(', ')}`);
  await up();
  const columns = 'score_id as id, score_number::int as number, counts_for_gate as counts';
  expect(await query(`select ${columns} from deliberation_scores order by score_number`)).toEqual([
    { id: 's1', number: 1, counts: true },
    { id: 's2', number: 2, counts: false },
    { id: 's3', number: 3, counts: true },
    { id: 's0', number: 4, counts: true },
  ]);
  const [next] = await query(
    `select nextval(pg_get_serial_sequence('deliberation_scores', 'score_number'))::int as number`,
  );
  expect(next).toEqual({ number: 5 });
  await rm(earlier, { recursive: true, force: true });
});

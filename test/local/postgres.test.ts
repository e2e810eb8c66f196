import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { type PostgresServer, startPostgres } from '../../infra/local/postgres.ts';
import { eventually } from './fixture.ts';

let folder: string;
const servers: PostgresServer[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mothership-postgres-test-'));
  // As a checkout would be; mkdtemp makes folders that only their owner can reach.
  chmodSync(folder, 0o755);
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<Parameters<typeof startPostgres>[0]> = {}): Promise<PostgresServer> {
  const server = await startPostgres({
    dataFolder: path.join(folder, 'data'),
    durable: false,
    log: () => {},
    ...options,
  });
  servers.push(server);
  return server;
}

async function query(server: PostgresServer, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test('data outlives a stop, a power cut and a second start', async () => {
  const first = await start({ durable: true });
  await query(first, 'create table notes (text text)');
  await query(first, "insert into notes values ('one')");
  await first.stop();

  const second = await start({ durable: true });
  expect(await query(second, 'select text from notes')).toEqual([{ text: 'one' }]);
  await query(second, "insert into notes values ('two')");
  await second.kill();

  const third = await start({ durable: true });
  expect(await query(third, 'select text from notes order by text')).toEqual([
    { text: 'one' },
    { text: 'two' },
  ]);
});

test('it listens on the loopback address, without a socket file, with room for 200 sessions', async () => {
  const server = await start();
  const settings = await query(
    server,
    `select name, setting from pg_settings
     where name in ('fsync', 'listen_addresses', 'max_connections', 'unix_socket_directories') order by name`,
  );
  expect(settings).toEqual([
    { name: 'fsync', setting: 'off' },
    { name: 'listen_addresses', setting: '127.0.0.1' },
    { name: 'max_connections', setting: '200' },
    { name: 'unix_socket_directories', setting: '' },
  ]);
  expect(await query(server, 'show server_version_num')).toEqual([
    { server_version_num: expect.stringMatching(/^17\d{4}$/) },
  ]);
});

test('a folder whose server has a living parent is refused', async () => {
  await start();
  await expect(start()).rejects.toThrow(`in use by process ${process.pid}`);
});

test('a server that lost its parent is ended, and its data is there for the next one', async () => {
  const parent = spawnParent(path.join(folder, 'data'));
  const gone = new Promise((resolve) => parent.once('exit', resolve));
  const orphan = Number(await firstLine(parent).finally(() => parent.kill('SIGKILL')));
  await gone;
  expect(isAlive(orphan)).toBe(true);

  const lines: string[] = [];
  const server = await start({ log: (line) => lines.push(line) });
  expect(isAlive(orphan)).toBe(false);
  expect(lines).toEqual([`ending the Postgres server ${orphan}, whose parent is gone`]);
  expect(await query(server, 'select count(*)::int as notes from notes')).toEqual([{ notes: 2 }]);
});

test('what a dead server left behind does not hold up the next, even when its process id lives again', async () => {
  const pidFile = path.join(folder, 'data', 'cluster', 'postmaster.pid');
  writeFileSync(pidFile, `${process.pid}\n${path.join(folder, 'data', 'cluster')}\n`);
  await start();
  expect(Number(readFileSync(pidFile, 'utf8').split('\n')[0])).not.toBe(process.pid);
});

test('a port that is taken is named', async () => {
  const occupant = createServer();
  await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
  const address = occupant.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  await expect(start({ ...(port !== undefined && { port }) })).rejects.toThrow(`port ${port} is taken`);
  await new Promise((resolve) => occupant.close(resolve));
});

test('a cluster of another major version is named', async () => {
  const dataFolder = path.join(folder, 'old');
  mkdirSync(path.join(dataFolder, 'cluster'), { recursive: true });
  writeFileSync(path.join(dataFolder, 'cluster', 'PG_VERSION'), '16\n');
  await expect(start({ dataFolder })).rejects.toThrow('is of Postgres 16, this is 17');
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('as root, a folder that the postgres user cannot reach is replaced by one that it can', async () => {
  const secret = path.join(folder, 'secret');
  mkdirSync(secret, { mode: 0o700 });
  const lines: string[] = [];
  const server = await start({ dataFolder: path.join(secret, 'data'), log: (line) => lines.push(line) });
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.stop();
  expect(lines).toEqual([
    expect.stringContaining(`cannot reach ${path.join(secret, 'data')}: its data is in `),
  ]);
  rmSync(lines[0]?.split('its data is in ')[1] ?? '', { recursive: true });
});

/** A process that starts the server, prints the server's process id and waits. */
function spawnParent(dataFolder: string): ChildProcess {
  const module = new URL('../../infra/local/postgres.ts', import.meta.url).href;
  const program = `
    import { readFileSync } from 'node:fs';
    import { startPostgres } from ${JSON.stringify(module)};
    const dataFolder = ${JSON.stringify(dataFolder)};
    await startPostgres({ dataFolder, durable: false, log: () => {} });
    console.log(readFileSync(dataFolder + '/cluster/postmaster.pid', 'utf8').split('\\n')[0]);
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  await eventually(() => text.includes('\n'), 20_000);
  return text.trim();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

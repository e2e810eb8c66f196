import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from './fixture.ts';

/** The temporary folder of the processes of a test. */
let temporary: string;
const owners: ChildProcess[] = [];

beforeEach(() => {
  temporary = mkdtempSync(path.join(tmpdir(), 'mothership-throwaway-test-'));
  chmodSync(temporary, 0o777);
});

afterEach(async () => {
  for (const owner of owners.splice(0)) await ended(owner, () => owner.kill('SIGTERM'));
  rmSync(temporary, { recursive: true });
});

/** A process that starts a server, and does `program` when it is written to. */
async function startOwner(program = ''): Promise<{ owner: ChildProcess; port: number; folder: string }> {
  const module = new URL('../../infra/local/throwaway-postgres.ts', import.meta.url).href;
  const owner = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { startThrowawayPostgres } from ${JSON.stringify(module)};
       const server = await startThrowawayPostgres({ durable: false });
       console.log('started');
       process.stdin.once('data', async () => { ${program} });`,
    ],
    { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, TMPDIR: temporary } },
  );
  owners.push(owner);
  let said = '';
  owner.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  await eventually(() => said.includes('started'), 20_000);
  const folder = folders().find((name) => name.includes(`-${owner.pid}-`)) ?? '';
  const pidFile = path.join(temporary, folder, 'cluster', 'postmaster.pid');
  return { owner, folder, port: Number(readFileSync(pidFile, 'utf8').split('\n')[3]) };
}

async function ended(owner: ChildProcess, end: () => void): Promise<void> {
  if (owner.exitCode !== null || owner.signalCode !== null) return;
  const exit = once(owner, 'exit');
  end();
  await exit;
}

/** What is there but for the programs, which are kept for the next start on purpose. */
function folders(): string[] {
  return readdirSync(temporary).filter((name) => name !== 'mothership-postgres-programs');
}

/** Rather than whether its process is there: one that lost its parent stays in the table until the system looks. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe('server and data go with the process that started them', () => {
  test.each<[string, string, NodeJS.Signals | null, number | null]>([
    [
      'that stops it, and does so twice',
      'await server.stop(); await server.stop(); process.exit(0);',
      null,
      0,
    ],
    ['that exits', 'process.exit(3);', null, 3],
    ['ended by Ctrl-C', '', 'SIGINT', null],
    ['whose terminal is closed', '', 'SIGHUP', null],
    ['told to end while it stops', "void server.stop(); process.kill(process.pid, 'SIGTERM');", null, null],
  ])('%s', async (_who, program, signal, exitCode) => {
    const { owner, port } = await startOwner(program);
    expect(await listens(port)).toBe(true);
    await ended(owner, () => (signal === null ? owner.stdin?.write('now') : owner.kill(signal)));
    expect(owner.exitCode).toBe(exitCode);
    if (signal !== null) expect(owner.signalCode).toBe(signal);
    expect(folders()).toEqual([]);
    expect(await listens(port)).toBe(false);
  });
});

test('what a killed process left behind goes at the next start; what lives, and what is kept on purpose, stays', async () => {
  const living = await startOwner();
  const killed = await startOwner();
  await ended(killed.owner, () => killed.owner.kill('SIGKILL'));
  expect(await listens(killed.port)).toBe(true);
  const host = hostname().replaceAll(/[^A-Za-z0-9]/g, '_');
  const kept = [
    // Data of `npm start`, that of another machine's process, and what only looks alike.
    ...['mothership-postgres-0123456789ab', `mothership-throwaway-elsewhere-${killed.owner.pid}-AbCdEf`],
    ...[`mothership-throwaway-${host}-mine`, `mothership-throwaway-${host}-${process.pid}-AbCdEf`],
  ];
  for (const name of kept) mkdirSync(path.join(temporary, name));

  const next = await startOwner();
  expect(folders().sort()).toEqual([...kept, living.folder, next.folder].sort());
  expect(await Promise.all([killed, living, next].map(({ port }) => listens(port)))).toEqual([
    false,
    true,
    true,
  ]);
});

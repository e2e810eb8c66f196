/** A real Postgres server beside the local stage: made on first use, kept, and ended with this process. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { accountForPostgres, type RunAs, reachableFolder } from './postgres-account.ts';
import { findBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { claim, endProcess, endStaleServer, readStatus } from './postgres-process.ts';

const host = '127.0.0.1';
const superuser = 'postgres';
/** Covers the recovery of a large log after a crash. */
const startTimeoutMs = 60_000;

export type PostgresOptions = {
  /** Holds the cluster, its password and `postgres.log`; what is in it is kept from start to start. */
  dataFolder: string;
  /** Any free port when left out. */
  port?: number;
  /** False trades safety against power loss for speed, for tests; default true. */
  durable?: boolean;
  /** Gets one line for each thing worth knowing. */
  log: (line: string) => void;
};

export type PostgresServer = {
  /** Of the superuser, to the database `postgres`. */
  connectionString: string;
  host: string;
  port: number;
  /** Ends sessions and the server in order; does nothing when it has ended already. */
  stop: () => Promise<void>;
  /** Ends it like a power cut, for tests; the next start recovers. */
  kill: () => Promise<void>;
};

/**
 * Starts the server and resolves when it takes connections, on 127.0.0.1 only. Throws when the port is taken, when
 * a living process has the folder's server, or when the server ends; the message then has the end of its log.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { durable = true, log } = options;
  const runAs = accountForPostgres();
  const binaries = findBinaries(runAs, log);
  const folder = reachableFolder(path.resolve(options.dataFolder), runAs, log);
  const cluster = path.join(folder, 'cluster');
  await endStaleServer(folder, cluster, log);
  if (!existsSync(cluster)) createCluster(binaries, folder, cluster, runAs, durable);
  checkVersion(cluster, binaries);
  if (options.port !== undefined && !(await isFree(options.port))) {
    throw new Error(
      `port ${options.port} is taken; choose another one for Postgres, or none for any free one`,
    );
  }
  const port = options.port ?? (await freePort());
  const child = await launch(binaries, folder, cluster, runAs, serverArguments(cluster, port, durable));

  const endWithParent = () => child.kill('SIGINT');
  process.on('exit', endWithParent);
  child.once('exit', () => process.off('exit', endWithParent));
  const password = readFileSync(passwordFile(folder), 'utf8');
  return {
    connectionString: `postgres://${superuser}:${password}@${host}:${port}/postgres`,
    host,
    port,
    async stop() {
      if (child.pid !== undefined && !hasEnded(child)) await endProcess(child.pid);
    },
    async kill() {
      if (hasEnded(child)) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function createCluster(
  { initdb }: PostgresBinaries,
  folder: string,
  cluster: string,
  runAs: RunAs | undefined,
  durable: boolean,
): void {
  // An interrupted initdb leaves a folder that looks usable, so the cluster gets its name when it is finished.
  const unfinished = `${cluster}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  if (runAs) chownSync(unfinished, runAs.uid, runAs.gid);
  const password = randomBytes(16).toString('hex');
  writeFileSync(passwordFile(folder), password, { mode: 0o600 });
  const passwordForInitdb = path.join(folder, 'initdb-password');
  writeFileSync(passwordForInitdb, password, { mode: 0o600 });
  if (runAs) chownSync(passwordForInitdb, runAs.uid, runAs.gid);
  const result = spawnSync(
    initdb,
    [
      `--pgdata=${unfinished}`,
      `--username=${superuser}`,
      `--pwfile=${passwordForInitdb}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The same order and case rules on every machine, whatever locales it has.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(durable ? [] : ['--no-sync']),
    ],
    { cwd: '/', encoding: 'utf8', ...identity(runAs) },
  );
  rmSync(passwordForInitdb);
  if (result.status !== 0) {
    throw new Error(`initdb failed in ${folder}: ${result.stderr || result.error?.message || 'no message'}`);
  }
  renameSync(unfinished, cluster);
}

function checkVersion(cluster: string, { majorVersion }: PostgresBinaries): void {
  const found = readFileSync(path.join(cluster, 'PG_VERSION'), 'utf8').trim();
  if (found === majorVersion) return;
  throw new Error(
    `${cluster} is of Postgres ${found}, this is ${majorVersion}: move the folder away to start anew`,
  );
}

function serverArguments(cluster: string, port: number, durable: boolean): string[] {
  const settings = {
    listen_addresses: host,
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(!durable && { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
  };
  return [
    '-D',
    cluster,
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ];
}

/** Spawns the server and waits until it is ready; tries again while the remains of a killed one are in the way. */
async function launch(
  { postgres }: PostgresBinaries,
  folder: string,
  cluster: string,
  runAs: RunAs | undefined,
  args: readonly string[],
): Promise<ChildProcess> {
  const logFile = path.join(folder, 'postgres.log');
  const deadlineMs = Date.now() + startTimeoutMs;
  for (;;) {
    // A file rather than a pipe: the server outlives a killed parent and must still be able to write.
    const output = openSync(logFile, 'w');
    // Its own process group, so that Ctrl-C reaches it only through us, after everything that uses it has ended.
    const child = spawn(postgres, args, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', output, output],
      ...identity(runAs),
    });
    closeSync(output);
    claim(folder);
    const spawnError = new Promise<Error>((resolve) => child.once('error', resolve));
    let failure: Error | undefined;
    void spawnError.then((error) => {
      failure = error;
    });
    while (!hasEnded(child) && failure === undefined && Date.now() < deadlineMs) {
      const status = readStatus(cluster);
      if (status?.ready && status.pid === child.pid) return child;
      await delay(10);
    }
    if (failure !== undefined) throw new Error(`Postgres cannot be run: ${postgres}`, { cause: failure });
    const said = readFileSync(logFile, 'utf8');
    if (!hasEnded(child) && child.pid !== undefined) await endProcess(child.pid);
    const remainsInTheWay = said.includes('pre-existing shared memory block');
    if (!remainsInTheWay || Date.now() > deadlineMs) {
      throw new Error(`Postgres did not start in ${folder}:\n${said.slice(-2000)}`);
    }
    await delay(100);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function identity(runAs: RunAs | undefined): { uid?: number; gid?: number } {
  return runAs ? { uid: runAs.uid, gid: runAs.gid } : {};
}

function passwordFile(folder: string): string {
  return path.join(folder, 'superuser-password');
}

async function isFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined;
}

async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === undefined) throw new Error(`${host} has no free port`);
  return port;
}

/** Listens for a moment; answers the port, or undefined when it is taken. */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}

/** A Postgres server for one run of something, such as the tests: its data goes when it goes. */

import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { type PostgresServer, startPostgres } from './postgres.ts';
import { endAtOnce, endStaleServer } from './postgres-process.ts';

export type ThrowawayPostgres = Pick<PostgresServer, 'connectionString'> & {
  /** Ends the server in order and removes its data; does nothing when that has happened already. */
  stop: () => Promise<void>;
};

/** Containers may share the temporary folder; what is alive in another one cannot be told from here. */
const prefix = `mothership-throwaway-${hostname().replaceAll(/[^A-Za-z0-9]/g, '_')}-`;
const fatalSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Starts a server on a new folder below the temporary one. When this process exits or is ended by a signal before `stop`,
 * server and data go with it; if it has no chance to do that, the next start of a throwaway server does it.
 *
 * @param options.durable false trades safety against power loss for speed; default true
 * @throws as `startPostgres`
 */
export async function startThrowawayPostgres(
  options: { readonly durable?: boolean } = {},
): Promise<ThrowawayPostgres> {
  await removeStale();
  const folder = mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}-`));
  const onExit = (): void => {
    endAtOnce(clusterOf(folder));
    remove(folder);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    onExit();
    // Nobody listens any more: this time it ends the process, whose parent sees by what.
    process.kill(process.pid, signal);
  };
  const letGo = (): void => {
    process.off('exit', onExit);
    for (const signal of fatalSignals) process.off(signal, onSignal);
  };
  process.once('exit', onExit);
  for (const signal of fatalSignals) process.once(signal, onSignal);
  try {
    // For the account that runs Postgres when this is root: mkdtemp makes folders that only their owner can reach.
    chmodSync(folder, 0o755);
    const server = await startPostgres({ ...options, dataFolder: folder, log: () => {} });
    return {
      connectionString: server.connectionString,
      async stop() {
        await server.stop();
        letGo();
        remove(folder);
      },
    };
  } catch (error) {
    letGo();
    remove(folder);
    throw error;
  }
}

/** Removes servers and data whose owner was killed. The owner's process id is in the folder's name. */
async function removeStale(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(prefix) ? /^(\d+)-\w+$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (owner === undefined || isAlive(Number(owner))) continue;
    const folder = path.join(tmpdir(), name);
    // Another start may be removing it as well; and in a folder that all share, a name alone proves nothing.
    const status = lstatSync(folder, { throwIfNoEntry: false });
    if (!status?.isDirectory() || status.uid !== process.getuid?.()) continue;
    await endStaleServer(folder, clusterOf(folder), () => {});
    remove(folder);
  }
}

function clusterOf(folder: string): string {
  return path.join(folder, 'cluster');
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

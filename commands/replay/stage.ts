/** A Postgres of its own for one replay, thrown away afterwards. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../infra/local/postgres.ts';
import { migrate } from '../../migrations/migrate.ts';
import { type Database, openDatabase } from '../../shared/platform/db.ts';

/** Runs `work` on an empty, migrated database as the application's role; server and data are gone afterwards. */
export async function withThrowAwayDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'mothership-replay-'));
  const server = await startPostgres({ dataFolder, durable: false, log: () => {} });
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(dataFolder, { recursive: true, force: true });
  };
  // Ctrl-C must not leave a server or its folder behind.
  const interrupted = (): void => {
    void stop().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const appRole = { name: 'mothership_app', password: randomBytes(16).toString('hex') };
    await migrate({
      client: { connectionString: server.connectionString },
      appRole,
      operatorKeySecret: randomBytes(32).toString('hex'),
    });
    const url = new URL(server.connectionString);
    url.username = appRole.name;
    url.password = appRole.password;
    const database = openDatabase({ connectionString: url.href });
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await stop();
  }
}

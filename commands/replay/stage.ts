/** A Postgres of its own for one replay, thrown away afterwards. */

import { randomBytes } from 'node:crypto';
import { sessionsClosed } from '../../infra/local/sessions-closed.ts';
import { startThrowawayPostgres } from '../../infra/local/throwaway-postgres.ts';
import { migrate } from '../../migrations/migrate.ts';
import { type Database, openDatabase } from '../../shared/platform/db.ts';

/** Runs `work` on an empty, migrated database as the application's role; server and data are gone afterwards. */
export async function withThrowAwayDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const server = await startThrowawayPostgres({ durable: false });
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
      await sessionsClosed(appRole.name, server.connectionString);
    }
  } finally {
    await server.stop();
  }
}

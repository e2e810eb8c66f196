/** A durable Postgres of its own for one run of the benchmark, thrown away afterwards. */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { sessionsClosed } from '../infra/local/sessions-closed.ts';
import { startThrowawayPostgres } from '../infra/local/throwaway-postgres.ts';
import { migrate } from '../migrations/migrate.ts';
import { type Database, openDatabase } from '../shared/platform/db.ts';
import { createSeedStyle } from './seed-style.ts';
import { createYardsticks } from './yardsticks.ts';

export type BenchDatabase = {
  /** As the application's role. */
  open(connections: number): Database;
  /** As superuser, for making rows; its statements may take as long as they need. */
  readonly admin: pg.Client;
};

export type BenchServer = {
  readonly version: string;
  /** Runs `work` on a fresh, migrated database that holds the yardsticks' tables too. */
  withDatabase<T>(work: (database: BenchDatabase) => Promise<T>): Promise<T>;
};

const templateName = 'bench_template';
const appRole = { name: 'mothership_app', password: randomBytes(16).toString('hex') };

/** Runs `work` on a server that commits to disk; server and data are gone afterwards. */
export async function withServer<T>(work: (server: BenchServer) => Promise<T>): Promise<T> {
  const server = await startThrowawayPostgres();
  const root = new pg.Client(server.connectionString);
  try {
    await root.connect();
    const shown = await root.query<{ server_version: string }>('show server_version');
    await root.query(`create database ${templateName}`);
    await prepareTemplate(databaseUrl(server.connectionString, templateName));
    let made = 0;
    return await work({
      version: shown.rows[0]?.server_version ?? '',
      async withDatabase(inner) {
        made += 1;
        const name = `bench_${made}`;
        await root.query(`create database ${name} template ${templateName}`);
        try {
          return await inDatabase(databaseUrl(server.connectionString, name), inner);
        } finally {
          await root.query(`drop database ${name} with (force)`);
        }
      },
    });
  } finally {
    await root.end();
    await server.stop();
  }
}

async function prepareTemplate(connectionString: string): Promise<void> {
  await migrate({
    client: { connectionString },
    appRole,
    operatorKeySecret: randomBytes(32).toString('hex'),
  });
  const admin = new pg.Client(connectionString);
  await admin.connect();
  await createYardsticks(admin, appRole.name);
  await createSeedStyle(admin, appRole.name);
  await admin.end();
}

async function inDatabase<T>(adminUrl: string, work: (database: BenchDatabase) => Promise<T>): Promise<T> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  const url = new URL(adminUrl);
  url.username = appRole.name;
  url.password = appRole.password;
  const opened: Database[] = [];
  try {
    return await work({
      admin,
      open(connections) {
        const database = openDatabase({ connectionString: url.href, max: connections });
        opened.push(database);
        return database;
      },
    });
  } finally {
    await Promise.all(opened.map((database) => database.close()));
    await sessionsClosed(appRole.name, adminUrl);
    await admin.end();
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

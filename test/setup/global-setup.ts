/** Starts one Postgres for the whole test run and migrates a template that every test file clones. */

import pg from 'pg';
import { startThrowawayPostgres } from '../../infra/local/throwaway-postgres.ts';
import { migrate } from '../../migrations/migrate.ts';
import { appRole, databaseUrlVariable, operatorSecret, templateName } from './names.ts';

/** Where the teardown, which is another module instance, finds the server. */
export type TestServers = { stopTestPostgres?: () => Promise<void> };

export default async function globalSetup(): Promise<void> {
  const server = await startThrowawayPostgres({ durable: false });
  Object.assign(globalThis, { stopTestPostgres: () => server.stop() } satisfies TestServers);
  const admin = new pg.Client(server.connectionString);
  await admin.connect();
  await admin.query(`create database ${templateName}`);
  await admin.end();
  const url = new URL(server.connectionString);
  process.env[databaseUrlVariable] = url.href;
  url.pathname = `/${templateName}`;
  await migrate({ client: { connectionString: url.href }, appRole, operatorKeySecret: operatorSecret });
}

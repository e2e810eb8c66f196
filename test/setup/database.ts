/** A database of its own for each test file: a clone of the migrated template (some 30 ms). */

import { afterAll, beforeAll } from '@jest/globals';
import pg from 'pg';
import { type Database, openDatabase } from '../../shared/platform/db.ts';
import { appRole, databaseUrlVariable, templateName } from './names.ts';

export type TestDatabase = {
  /** As the application's role, with connections enough for races. */
  readonly app: Database;
  /** As superuser, to look at and to break things. */
  readonly admin: Database;
  readonly adminUrl: string;
  /** Another pool of the application's role. */
  open(max: number): Database;
};

let counter = 0;

/** Makes a fresh database; the caller closes it with what is returned beside it. */
export async function createTestDatabase(): Promise<{ database: TestDatabase; drop: () => Promise<void> }> {
  const serverUrl = process.env[databaseUrlVariable];
  if (serverUrl === undefined)
    throw new Error('The test server is not running; start the tests with npm test.');
  counter += 1;
  const name = `t_${process.pid}_${counter}_${Math.random().toString(36).slice(2, 8)}`;
  const server = new pg.Client(serverUrl);
  await server.connect();
  await server.query(`create database ${name} template ${templateName}`);
  await server.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const adminUrl = url.href;
  url.username = appRole.name;
  url.password = appRole.password;
  const opened: Database[] = [];
  const open = (connectionString: string, max: number): Database => {
    const database = openDatabase({ connectionString, max });
    opened.push(database);
    return database;
  };
  const database: TestDatabase = {
    app: open(url.href, 24),
    admin: open(adminUrl, 2),
    adminUrl,
    open: (max) => open(url.href, max),
  };
  return {
    database,
    drop: async () => {
      await Promise.all(opened.map((each) => each.close()));
    },
  };
}

/** One fresh database for the file's tests. Use inside the file's top level; the handle is ready when tests run. */
export function withDatabase(): TestDatabase {
  let current: TestDatabase | undefined;
  let drop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    ({ database: current, drop } = await createTestDatabase());
  });
  afterAll(async () => {
    await drop?.();
  });
  const ready = (): TestDatabase => {
    if (current === undefined) throw new Error('The test database is ready inside tests only.');
    return current;
  };
  return {
    get app() {
      return ready().app;
    },
    get admin() {
      return ready().admin;
    },
    get adminUrl() {
      return ready().adminUrl;
    },
    open: (max) => ready().open(max),
  };
}

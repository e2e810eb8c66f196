/**
 * Postgres through one small pool. The only file that knows pg.
 *
 * Types: int8 -> bigint, numeric -> string, timestamptz -> Date, date -> string, json -> parsed value. Parameters:
 * bigint and Date as they are; a JS array becomes a Postgres array, so JSON goes in as `json(value)`.
 * Statements are unnamed and sessions are never changed, so that a connection proxy need not pin them.
 */

import pg from 'pg';
import { log } from './log.ts';
import { meansUnavailable, StoreUnavailable, storeError } from './store-unavailable.ts';

export { StoreUnavailable } from './store-unavailable.ts';

export type Database = {
  /**
   * Rows of one statement, which is its own transaction outside `transaction`. `R` is what the caller's SQL
   * returns; columns are snake_case.
   *
   * @throws StoreUnavailable when the store cannot be reached or does not answer in time
   */
  query<R>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /**
   * Runs `work` in one transaction: commits when it returns, rolls back when it throws. Inside, use `tx` only; a
   * statement on the outer database would wait for a second connection. `tx.transaction` joins this one.
   */
  transaction<T>(work: (tx: Database) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** Where the store is; `max` is the number of connections. A Lambda instance serves one event at a time: default 1. */
export type DatabaseConfig = Pick<
  pg.ClientConfig,
  'connectionString' | 'host' | 'port' | 'database' | 'user' | 'password' | 'ssl'
> & {
  readonly max?: number;
  /** How long a statement may take; default 10 s, less than a Lambda has. */
  readonly statementTimeout_ms?: number;
};

const connectTimeout_ms = 3000;
const defaultStatementTimeout_ms = 10_000;
const connectionLifetime_seconds = 600;

/** A connection unused for longer is tried before use: a frozen process does not notice that its peer left. */
const idleBeforeProbe_ms = 2000;
const probeTimeout_ms = 1000;

const int8 = 20;
const int8Array = 1016;
const date = 1082;

function parseBigints(text: string): (bigint | null)[] {
  const items = text === '{}' ? [] : text.slice(1, -1).split(',');
  return items.map((item) => (item === 'NULL' ? null : BigInt(item)));
}

const typeParsers: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === int8) return BigInt;
    if (oid === int8Array) return parseBigints;
    if (oid === date) return String;
    return format === 'binary' ? pg.types.getTypeParser(oid, format) : pg.types.getTypeParser(oid, 'text');
  },
};

/** A JSON parameter. @throws TypeError when the value holds a bigint */
export function json(value: unknown): string {
  return JSON.stringify(value);
}

/** Opens no connection yet; the first statement does. */
export function openDatabase({ statementTimeout_ms, max, ...server }: DatabaseConfig): Database {
  const pool = new pg.Pool({
    ...server,
    max: max ?? 1,
    types: typeParsers,
    application_name: 'mothership',
    connectionTimeoutMillis: connectTimeout_ms,
    query_timeout: statementTimeout_ms ?? defaultStatementTimeout_ms,
    keepAlive: true,
    maxLifetimeSeconds: connectionLifetime_seconds,
    // An idle connection costs nothing; making one costs round trips and CPU of the store.
    idleTimeoutMillis: 0,
    allowExitOnIdle: true,
  });
  // Without a listener a connection that breaks while idle would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'idle database connection lost'));

  const usedAt_ms = new WeakMap<pg.PoolClient, number>();

  async function isAlive(client: pg.PoolClient): Promise<boolean> {
    const usedAt = usedAt_ms.get(client);
    if (usedAt === undefined || Date.now() - usedAt < idleBeforeProbe_ms) return true;
    const probe = { text: 'select 1', query_timeout: probeTimeout_ms };
    return client.query(probe).then(
      () => true,
      () => false,
    );
  }

  /** A connection that answered just now, or a fresh one: the one retry, made before any statement is sent. */
  async function liveClient(): Promise<pg.PoolClient> {
    // Lets a close that arrived while the process was frozen be read before a connection is handed out.
    await new Promise((resolve) => setImmediate(resolve));
    const client = await pool.connect();
    client.on('error', ignoreError);
    if (await isAlive(client)) return client;
    release(client, true);
    const fresh = await pool.connect();
    fresh.on('error', ignoreError);
    return fresh;
  }

  function release(client: pg.PoolClient, broken: boolean): void {
    client.removeListener('error', ignoreError);
    usedAt_ms.set(client, Date.now());
    client.release(broken);
  }

  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | undefined;
    let broken = false;
    try {
      client = await liveClient();
      return await work(client);
    } catch (error) {
      // After a time-out the connection may still be busy with the statement, so it is not used again.
      broken = meansUnavailable(error) || error instanceof StoreUnavailable;
      throw storeError(error);
    } finally {
      if (client !== undefined) release(client, broken);
    }
  }

  return {
    query: (text, values) => withClient((client) => run(client, text, values)),
    transaction: (work) => withClient((client) => inTransaction(client, work)),
    close: () => pool.end(),
  };
}

/** The statement under way rejects with the same error; a listener must exist all the same. */
function ignoreError(): void {}

async function run<R>(client: pg.PoolClient, text: string, values?: readonly unknown[]): Promise<R[]> {
  const result = await client.query(text, values === undefined ? undefined : [...values]);
  return result.rows as R[];
}

async function inTransaction<T>(client: pg.PoolClient, work: (tx: Database) => Promise<T>): Promise<T> {
  const tx: Database = {
    query: (text, values) => run(client, text, values),
    transaction: (inner) => inner(tx),
    close: () =>
      Promise.reject(new Error('A transaction cannot close the database; close the database itself.')),
  };
  await client.query('begin');
  let result: T;
  try {
    result = await work(tx);
  } catch (error) {
    if (!meansUnavailable(error)) await client.query('rollback');
    throw error;
  }
  const { command } = await client.query('commit');
  // Postgres answers COMMIT of a failed transaction with ROLLBACK and no error.
  if (command !== 'COMMIT') throw new Error('The transaction had failed, so it was rolled back at commit.');
  return result;
}

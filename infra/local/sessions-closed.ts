import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/**
 * Resolves when the server has seen the connections of a role close: a pool that has ended may still be saying goodbye, and
 * to end the server or drop the database meanwhile would look like a broken connection.
 */
export async function sessionsClosed(role: string, connectionString: string): Promise<void> {
  const admin = new pg.Client(connectionString);
  await admin.connect();
  const open = async (): Promise<boolean> =>
    ((await admin.query('select 1 from pg_stat_activity where usename = $1', [role])).rowCount ?? 0) > 0;
  while (await open()) await delay(5);
  await admin.end();
}

/**
 * A process that makes a batch of calls all at once and prints each answer as it comes, until it is killed. Arguments: the
 * database's address, the time of the calls, and the batch as JSON.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../../shared/platform/db.ts';
import { type As, testApi } from '../setup/api.ts';

export type BatchCall = {
  readonly as: As;
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body?: unknown;
};

/** One line of its output: which call was answered, and how. */
export type Heard = { readonly index: number; readonly status: number; readonly body: unknown };

const [connectionString = '', now = '', batch = '[]'] = process.argv.slice(2);
const database = openDatabase({ connectionString, max: 8 });
const api = testApi(() => database);
api.at(new Date(now));
const calls: readonly BatchCall[] = JSON.parse(batch);
await Promise.all(
  calls.map(async ({ as, method, path, body }, index) => {
    const answer = await api.call(as, method, path, body);
    const heard: Heard = { index, status: answer.status, body: answer.body };
    process.stdout.write(`${JSON.stringify(heard)}\n`);
  }),
);
// Whoever reads is slower than the last few calls at times: the end is the kill all the same, or, if nobody is left to kill, this.
await delay(60_000);
process.exit(1);

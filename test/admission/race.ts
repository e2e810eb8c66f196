/** What race tests are made of: callers of their own, a gate in the store at which calls meet, and a state to return to. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../shared/platform/db.ts';
import { type Answer, type Api, testApi } from '../setup/api.ts';
import type { TestDatabase } from '../setup/database.ts';
import { type Scene, sceneOf } from './scene.ts';

/** What a third connection keeps locked until all calls wait for it or have ended. */
export type Gate = keyof typeof gateStatement;

const gateStatement = {
  pool: 'select 1 from pool for update',
  runs: 'select 1 from runs for update',
  tasks: 'select 1 from tasks for update',
  /** Reached by a pass of the scheduler that follows the call's own transaction. */
  line: `select 1 from tasks where state = 'queued' for update`,
  /** Reached when all else of a transaction is done. */
  events: 'lock table events in share row exclusive mode',
} as const;

/** A statement that the store refused: SQLSTATE and message, such as `40P01 deadlock detected`. */
export type Fault = string;

export type Caller = { readonly api: Api; readonly scene: Scene; readonly database: Database };

/** Passes everything on and notes every statement that fails, also those whose failure a caller is spared. */
export function watched(database: Database, faults: Fault[]): Database {
  const noting = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      faults.push(faultOf(error));
      throw error;
    }
  };
  return {
    query: (text, values) => noting(database.query(text, values)),
    transaction: (work) => noting(database.transaction(work)),
    close: () => database.close(),
  };
}

function faultOf(error: unknown): Fault {
  const { cause = error } = error as { cause?: unknown };
  const { code = 'no code', message } = cause as { code?: string; message?: string };
  return `${code} ${message}`;
}

/** A caller that has the API, its clock and its statements to itself. */
export function callerOf(database: () => Database, faults: Fault[]): Caller {
  const own = lazily(() => watched(database(), faults));
  const api = testApi(own);
  return {
    api,
    scene: sceneOf(api),
    get database() {
      return own();
    },
  };
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/**
 * Starts the calls one after another while the gate is closed, each when the one before waits in the store or has ended,
 * and then opens it: what a call had read by then is old, and whoever came to the gate first passes first.
 *
 * @returns their answers, in the order of the calls, and whether all of them had to wait
 */
export async function meetAt<T>(
  { admin }: TestDatabase,
  gate: Gate,
  calls: readonly (() => Promise<T>)[],
): Promise<{ answers: T[]; allWaited: boolean }> {
  const underWay: Promise<T>[] = [];
  let ended = 0;
  const endedAtGate = await admin.transaction(async (tx) => {
    await tx.query(gateStatement[gate]);
    for (const call of calls) {
      const answer = call();
      const count = () => {
        ended += 1;
      };
      answer.then(count, count);
      underWay.push(answer);
      while (ended + (await waitingForLocks(admin)).length < underWay.length) await pollPause();
    }
    return ended;
  });
  return { answers: await Promise.all(underWay), allWaited: endedAtGate === 0 };
}

/**
 * Starts the call while the gate is closed, and kills its backend when it waits there.
 *
 * @returns what the call came to, and whether it was killed: it may have ended without coming to the gate
 */
export async function killAt<T>(
  { admin }: TestDatabase,
  gate: Gate,
  call: () => Promise<T>,
): Promise<{ answer: PromiseSettledResult<T>; killed: boolean }> {
  let ended = false;
  let waiting: number[] = [];
  const [answer] = await admin.transaction(async (tx) => {
    await tx.query(gateStatement[gate]);
    const underWay = Promise.allSettled([call()]).finally(() => {
      ended = true;
    });
    while (!ended && waiting.length === 0) {
      await pollPause();
      waiting = await waitingForLocks(admin);
    }
    await admin.query('select pg_terminate_backend(pid) from unnest($1::integer[]) as pids (pid)', [waiting]);
    return underWay;
  });
  return { answer, killed: waiting.length > 0 };
}

/** Between two looks, so that looking does not slow down what is looked for. */
const pollPause = (): Promise<void> => delay(1);

/** Process ids of the backends of this database that wait for a lock right now. */
export async function waitingForLocks(admin: Database): Promise<number[]> {
  const rows = await admin.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and state = 'active'`,
  );
  return rows.map(({ pid }) => pid);
}

/**
 * Keeps the rows of all tables as they are now; the function returned puts them back, however often. The tables must not
 * be written meanwhile. It reads the catalogue, so that it knows every column there is.
 */
export async function keepState(admin: Database): Promise<() => Promise<unknown>> {
  await admin.query('drop schema if exists kept cascade');
  await admin.query('create schema kept');
  const tables = await admin.query<{ name: string; columns: string }>(
    `select quote_ident(c.relname) as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attgenerated = ''
     group by c.relname order by c.relname`,
  );
  for (const { name } of tables) await admin.query(`create table kept.${name} as table public.${name}`);
  const body = tables
    .map(
      ({ name, columns }) =>
        `if exists (select from public.${name}) then delete from public.${name}; end if;
         if exists (select from kept.${name}) then
           insert into public.${name} (${columns}) overriding system value select ${columns} from kept.${name};
         end if;`,
    )
    .join('\n');
  // As a replica would, without foreign keys: the order of the tables does not matter then.
  await admin.query(
    `create function kept.restore() returns void language plpgsql set session_replication_role = replica
     as $$ begin ${body} end $$`,
  );
  return () => admin.query('select kept.restore()');
}

/** `200 done`, `409 stale_epoch`: a status and what a program would look at first. */
export function heard({ status, body }: Answer): string {
  if (status >= 400) return `${status} ${body.code}`;
  const tasks: { taskId: string }[] | undefined = body.tasks;
  const word = body.directive?.action ?? body.decision ?? (tasks && 'pollAfterMs' in body ? ids(tasks) : '');
  return `${status} ${word}`.trim();
}

function ids(tasks: readonly { taskId: string }[]): string {
  return tasks.map(({ taskId }) => taskId).join(' ') || 'nothing';
}

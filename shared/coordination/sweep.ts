/** Every timed duty, once. The schedule calls it each minute, an operator whenever wanted. */

import { policyInForce } from '../admission/policy-in-force.ts';
import { schedule } from '../admission/scheduler.ts';
import { type RoomSweep, ringAgain, sweepRooms } from '../admission/store.ts';
import { rollRuns, sweepBudgets, sweepHolds } from '../budget/costs.ts';
import type { Database } from '../platform/db.ts';
import { relayOutbox } from './outbox.ts';
import type { Publisher } from './queues.ts';

/** Rows of one statement, so that no lock is held for long; more of them are taken in further statements. */
const rowsPerStatement_max = 200;
const statements_max = 20;
/** Holds whose expiry is put off in one sweep: their rows alone are locked, and nobody waits for those. */
const holdsPerSweep_max = 5000;
/** How long the bus has for a threshold's action before the sweep does it (E2). */
const busPatience_seconds = 20;
/** How long a doorbell may go unanswered before it is rung again (A14). */
const doorbellPatience_seconds = 20;

export type SweepReport = RoomSweep & {
  readonly at: string;
  /** Runs that began a new budget period (B8). */
  readonly budgetsRolled: number;
  readonly budgetActions: number;
  readonly granted: number;
  readonly preempting: number;
  readonly rungAgain: number;
  readonly published: number;
  readonly publishFailed: number;
  readonly keysForgotten: number;
};

export async function sweep(database: Database, publisher: Publisher, now: Date): Promise<SweepReport> {
  const rooms = await sweepAllRooms(database, now);
  const budgetsRolled = await rollAllRuns(database, now);
  const budgetActions = await sweepBudgets(
    database,
    busPatience_seconds,
    rowsPerStatement_max,
    policyInForce(),
    now,
  );
  const { granted, preempting } = await schedule(database, now);
  const rungAgain = await ringAgain(database, doorbellPatience_seconds, now);
  await sweepHolds(database, holdsPerSweep_max, now);
  const keysForgotten = await forgetIdempotencyKeys(database);
  const { published, failed } = await relayAll(database, publisher);
  return {
    at: now.toISOString(),
    ...rooms,
    budgetsRolled,
    budgetActions,
    granted: granted.length,
    preempting: preempting.length,
    rungAgain,
    published,
    publishFailed: failed,
    keysForgotten,
  };
}

async function sweepAllRooms(database: Database, now: Date): Promise<RoomSweep> {
  const total = { unclaimed: 0, reclaimed: 0, lapsed: 0, failed: 0, overdue: 0 };
  for (let statement = 0; statement < statements_max; statement += 1) {
    const done = await sweepRooms(database, rowsPerStatement_max, now);
    let moved = 0;
    for (const duty of Object.keys(total) as (keyof RoomSweep)[]) {
      total[duty] += done[duty];
      moved += done[duty];
    }
    if (moved === 0) break;
  }
  return total;
}

/** At midnight many are due at once. */
async function rollAllRuns(database: Database, now: Date): Promise<number> {
  let rolled = 0;
  for (let statement = 0; statement < statements_max; statement += 1) {
    const done = await rollRuns(database, rowsPerStatement_max, policyInForce(), now);
    rolled += done;
    if (done < rowsPerStatement_max) break;
  }
  return rolled;
}

async function relayAll(
  database: Database,
  publisher: Publisher,
): Promise<{ published: number; failed: number }> {
  let published = 0;
  for (let statement = 0; statement < statements_max; statement += 1) {
    const relayed = await relayOutbox(database, publisher, { limit: rowsPerStatement_max, now: new Date() });
    published += relayed.published;
    if (relayed.failed > 0) return { published, failed: relayed.failed };
    if (relayed.published === 0) break;
  }
  return { published, failed: 0 };
}

/** Idempotency keys are kept for their time by the real clock, whatever time a call was told. */
async function forgetIdempotencyKeys(database: Database): Promise<number> {
  const rows = await database.query(
    'delete from idempotency_keys where expires_at < clock_timestamp() returning 1',
  );
  return rows.length;
}

/**
 * Idempotency-Key for routes that do not make repeats harmless themselves: the first answer is kept for 24 hours
 * and replayed to the same request.
 *
 * The claim on a key, the work and the answer are three transactions. A crash in between leaves the claim; after
 * 30 seconds a repeat of the same request takes it over and does the work again, so such work must bear being
 * done twice. Real time rules here, not the time that an operator may set for a call.
 */

import { type Database, json } from './db.ts';
import type { Log } from './log.ts';
import { conflict, type Problem, unprocessable } from './problem.ts';
import type { Reply } from './route-handler.ts';

const kept_hours = 24;
const abandonedAfter_seconds = 30;

export type KeyedRequest = {
  /** Whose key it is; keys of different callers never meet. */
  readonly owner: string;
  readonly key: string;
  readonly route: string;
  /** Hash of everything that the request says. */
  readonly requestHash: string;
};

type Claim =
  /** Do the work; `claimedAt` is the claim's fencing value. */
  | { readonly kind: 'claimed'; readonly claimedAt: Date }
  | { readonly kind: 'replay'; readonly status: number; readonly body: unknown };

/** `final`: repeating the request would not change the answer, so it is kept and replayed. */
export type Answer = { readonly reply: Reply; readonly final: boolean };

/**
 * Does the work unless the same request was answered before; then that answer again, marked
 * `Idempotent-Replayed: true`.
 *
 * @param clock real time
 * @throws Problem 422 `idempotency_mismatch` for another request under the same key, 409
 * `idempotency_in_progress` while the first one is still running, and whatever `work` throws
 */
export async function answerOnce(
  database: Database,
  request: KeyedRequest,
  clock: Date,
  log: Log,
  work: () => Promise<Answer>,
): Promise<Reply> {
  const claim = await claimKey(database, request, clock);
  if (claim.kind === 'replay') {
    return { status: claim.status, body: claim.body, headers: { 'idempotent-replayed': 'true' } };
  }
  // A claim that can be neither answered nor released is taken over later; the work's own outcome matters more.
  const settled = (settling: Promise<void>) =>
    settling.catch((error: unknown) => log.warn({ err: error }, 'idempotency key not settled'));
  try {
    const { reply, final } = await work();
    await settled(
      final
        ? keepAnswer(database, request, claim.claimedAt, reply)
        : releaseKey(database, request, claim.claimedAt),
    );
    return reply;
  } catch (error) {
    await settled(releaseKey(database, request, claim.claimedAt));
    throw error;
  }
}

type KeyRow = {
  route: string;
  request_hash: string;
  state: string;
  status: number | null;
  response: unknown;
};

async function claimKey(database: Database, request: KeyedRequest, clock: Date): Promise<Claim> {
  const rows = await database.query<KeyRow & { claimed: boolean }>(
    `with claimed as (
       insert into idempotency_keys as kept (owner, key, route, request_hash, state, created_at, expires_at)
       values ($1, $2, $3, $4, 'in_progress', $5, $5::timestamptz + make_interval(hours => $6))
       on conflict (owner, key) do update
         set route = excluded.route, request_hash = excluded.request_hash, state = 'in_progress',
             status = null, response = null, created_at = excluded.created_at, expires_at = excluded.expires_at
         where kept.expires_at <= excluded.created_at
            or (kept.state = 'in_progress'
                and kept.created_at <= excluded.created_at - make_interval(secs => $7)
                and kept.route = excluded.route and kept.request_hash = excluded.request_hash)
       returning true as claimed, route, request_hash, state, status, response
     )
     select claimed, route, request_hash, state, status, response from claimed
     union all
     select false, route, request_hash, state, status, response from idempotency_keys
     where owner = $1 and key = $2 and not exists (select from claimed)`,
    [
      request.owner,
      request.key,
      request.route,
      request.requestHash,
      clock,
      kept_hours,
      abandonedAfter_seconds,
    ],
  );
  const row = rows[0];
  // No row: another call claimed the key after this statement began, so it is running.
  if (row === undefined) throw stillRunning();
  if (row.claimed) return { kind: 'claimed', claimedAt: clock };
  if (row.route !== request.route || row.request_hash !== request.requestHash) {
    throw unprocessable(
      'idempotency_mismatch',
      'This Idempotency-Key was used for another request; use a new key for a new request.',
    );
  }
  if (row.state !== 'done' || row.status === null) throw stillRunning();
  return { kind: 'replay', status: row.status, body: row.response };
}

function stillRunning(): Problem {
  return conflict(
    'idempotency_in_progress',
    'The first request with this Idempotency-Key is still running; repeat it in a moment.',
    { retryable: true, headers: { 'retry-after': '1' } },
  );
}

/** Keeps the answer; nothing when the claim was taken over meanwhile. */
async function keepAnswer(
  database: Database,
  request: KeyedRequest,
  claimedAt: Date,
  reply: Reply,
): Promise<void> {
  await database.query(
    `update idempotency_keys set state = 'done', status = $4, response = $5
     where owner = $1 and key = $2 and created_at = $3 and state = 'in_progress'`,
    [request.owner, request.key, claimedAt, reply.status, json(reply.replayBody ?? reply.body)],
  );
}

/** Gives the key back after an answer that a repeat should not hear again, such as a 503. */
async function releaseKey(database: Database, request: KeyedRequest, claimedAt: Date): Promise<void> {
  await database.query(
    `delete from idempotency_keys
     where owner = $1 and key = $2 and created_at = $3 and state = 'in_progress'`,
    [request.owner, request.key, claimedAt],
  );
}

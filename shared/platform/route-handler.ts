/** What an HTTP handler receives and returns; `http.ts` calls it. */

import * as z from 'zod';
import type { Database } from './db.ts';
import type { Log } from './log.ts';
import { badRequest, notFound } from './problem.ts';

/** Who calls, as the key says. The tenant of a runner comes from its key and from nowhere else (R2). */
export type Caller =
  | { readonly scope: 'runner'; readonly keyId: string; readonly tenantId: string }
  | { readonly scope: 'operator'; readonly keyId: string; readonly tenantId: null }
  | { readonly scope: 'public'; readonly keyId: null; readonly tenantId: null };

export type Call<Body = unknown, Query = unknown> = {
  readonly caller: Caller;
  /** Path parameters by name; each is a syntactically valid id. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** The body as it was sent; empty when there was none. */
  readonly rawBody: string;
  /** The time of this call (R4): the clock's, or the one an operator set on the local stage. */
  readonly now: Date;
  readonly requestId: string;
  readonly idempotencyKey: string | null;
  readonly database: Database;
  readonly log: Log;
};

/** `body` becomes JSON; a bigint in it is a programming error and throws. */
export type Reply = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Kept and replayed instead of `body` when that holds a secret. */
  readonly replayBody?: unknown;
};

export type RouteHandler = {
  /** Strict object schema; without one only an empty body or `{}` is accepted. */
  readonly body?: z.ZodType;
  /** Strict object schema over text values; without one no query parameter is accepted. */
  readonly query?: z.ZodType;
  /** Default 64 KB. */
  readonly maxBodyBytes?: number;
  /** Members of the body of which more than so many bytes of UTF-8 answer 413, as a body that is too large does. */
  readonly maxMemberBytes?: Readonly<Record<string, number>>;
  /** `self`: the handler makes repeats harmless and gets the key; else a generic layer replays the first answer. */
  readonly idempotent?: 'self';
  handle(call: Call): Promise<Reply>;
};

const emptyObject = z.strictObject({});
type EmptyObject = typeof emptyObject;

/** A handler whose call is typed by its schemas. */
export function route<Body extends z.ZodType = EmptyObject, Query extends z.ZodType = EmptyObject>(handler: {
  readonly body?: Body;
  readonly query?: Query;
  readonly maxBodyBytes?: number;
  /** Members of the body of which more than so many bytes of UTF-8 answer 413, as a body that is too large does. */
  readonly maxMemberBytes?: Readonly<Record<string, number>>;
  readonly idempotent?: 'self';
  handle(call: Call<z.output<Body>, z.output<Query>>): Promise<Reply>;
}): RouteHandler {
  return { body: emptyObject, query: emptyObject, ...handler } as RouteHandler;
}

/**
 * The tenant a call acts for: a runner's own, or the one that an operator names.
 *
 * @param named tenantId of the body, the query or the path, when given
 * @throws Problem 404 when a runner names another tenant, 400 when an operator names none
 */
export function actingTenant(caller: Caller, named: string | undefined): string {
  if (caller.scope === 'runner') {
    if (named !== undefined && named !== caller.tenantId) throw notFound(`Tenant ${named}`);
    return caller.tenantId;
  }
  if (named === undefined) {
    throw badRequest([{ path: 'tenantId', message: 'is required with an operator key' }]);
  }
  return named;
}

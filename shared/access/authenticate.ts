import type { Database } from '../platform/db.ts';
import type { Caller } from '../platform/route-handler.ts';
import { keyOfHeader, secretMatches } from './key.ts';
import { findKey, type KeyRow } from './store.ts';

/**
 * The caller that an Authorization header proves, or null when it proves none: no key, unknown, wrong secret,
 * expired or revoked.
 *
 * @param now real time: the time that an operator may set for a call revives no key
 * @throws StoreUnavailable when the key cannot be looked up; that must never pass for a yes or a no
 */
export async function authenticate(
  authorization: string,
  database: Database,
  now: Date,
): Promise<Caller | null> {
  const given = keyOfHeader(authorization);
  if (given === null) return null;
  const key = await findKey(database, given.keyId);
  if (key === undefined || !secretMatches(given.secret, key.secret_hash) || !isLive(key, now)) return null;
  return callerOf(key);
}

/** Live until the instant of its expiry; once revoked, dead, whatever time the revocation names. */
export function isLive(key: Pick<KeyRow, 'expires_at' | 'revoked_at'>, now: Date): boolean {
  const expired = key.expires_at !== null && key.expires_at.getTime() <= now.getTime();
  return !expired && key.revoked_at === null;
}

function callerOf({ scope, key_id, tenant_id }: KeyRow): Caller | null {
  if (scope === 'operator') return { scope, keyId: key_id, tenantId: null };
  return tenant_id === null ? null : { scope, keyId: key_id, tenantId: tenant_id };
}

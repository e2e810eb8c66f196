/** Making, listing and revoking the keys of a tenant. */

import * as z from 'zod';
import type { Database } from '../platform/db.ts';
import { decodeCursor, type Page, type PageQuery, toPage } from '../platform/page.ts';
import { badRequest, conflict, notFound } from '../platform/problem.ts';
import type { KeyAnswer, KeyListItem, KeyRequest } from './contract.ts';
import { newKey } from './key.ts';
import { insertRunnerKey, type KeyRow, listKeys, revokeKey } from './store.ts';

/** Two live keys let a tenant change from one to the other; more would only hide forgotten ones. */
export const liveKeys_max = 2;

/** @throws Problem 400 for an expiry that has passed, 409 `too_many_keys` */
export async function makeTenantKey(
  database: Database,
  tenantId: string,
  request: KeyRequest,
  createdBy: string,
  now: Date,
): Promise<KeyAnswer> {
  const expiresAt = request.expiresAt === undefined ? null : new Date(request.expiresAt);
  if (expiresAt !== null && expiresAt.getTime() <= now.getTime()) {
    throw badRequest([{ path: 'expiresAt', message: 'must be in the future' }]);
  }
  const { keyId, key, secretHash } = newKey();
  const label = request.label ?? null;
  const row = await insertRunnerKey(
    database,
    { keyId, tenantId, secretHash, label, expiresAt, createdBy },
    liveKeys_max,
    now,
  );
  if (row === null) {
    throw conflict(
      'too_many_keys',
      `Tenant ${tenantId} has ${liveKeys_max} live keys already; revoke one before making another.`,
    );
  }
  const { revokedAt: _revokedAt, createdBy: _createdBy, ...shown } = toListItem(row);
  return { ...shown, key };
}

const keyPosition = z.tuple([z.iso.datetime(), z.string()]);

export async function listTenantKeys(
  database: Database,
  tenantId: string,
  { limit, cursor }: PageQuery,
): Promise<Page<KeyListItem>> {
  const position = cursor === undefined ? null : decodeCursor(cursor, keyPosition);
  const after = position === null ? null : { createdAt: position[0], keyId: position[1] };
  const rows = await listKeys(database, tenantId, limit + 1, after);
  return toPage(rows, limit, toListItem, (row) => [row.created_at.toISOString(), row.key_id]);
}

/** @throws Problem 404 when the tenant has no such key */
export async function revokeTenantKey(
  database: Database,
  tenantId: string,
  keyId: string,
  now: Date,
): Promise<KeyListItem> {
  const row = await revokeKey(database, tenantId, keyId, now);
  if (row === undefined) throw notFound(`Key ${keyId} of tenant ${tenantId}`);
  return toListItem(row);
}

function toListItem(row: KeyRow): KeyListItem {
  return {
    keyId: row.key_id,
    scope: row.scope,
    tenantId: row.tenant_id ?? '',
    label: row.label,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    createdBy: row.created_by,
  };
}

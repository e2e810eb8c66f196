/** SQL of the access feature. */

import type { Database } from '../platform/db.ts';
import type { KeyScope } from './contract.ts';

export type KeyRow = {
  key_id: string;
  scope: KeyScope;
  tenant_id: string | null;
  secret_hash: string;
  label: string | null;
  created_at: Date;
  created_by: string;
  expires_at: Date | null;
  revoked_at: Date | null;
};

const columns =
  'key_id, scope, tenant_id, secret_hash, label, created_at, created_by, expires_at, revoked_at';

export async function findKey(database: Database, keyId: string): Promise<KeyRow | undefined> {
  const rows = await database.query<KeyRow>(`select ${columns} from api_keys where key_id = $1`, [keyId]);
  return rows[0];
}

/**
 * Stores a runner key unless the tenant has `liveKeys_max` live ones; the tenant's row is the lock, so that
 * parallel calls cannot pass the bound together. A tenant that is new begins here.
 *
 * @returns the stored row, or null when there are too many
 */
export function insertRunnerKey(
  database: Database,
  key: {
    readonly keyId: string;
    readonly tenantId: string;
    readonly secretHash: string;
    readonly label: string | null;
    readonly expiresAt: Date | null;
    readonly createdBy: string;
  },
  liveKeys_max: number,
  now: Date,
): Promise<KeyRow | null> {
  return database.transaction(async (tx) => {
    await tx.query(
      'insert into tenants (tenant_id, created_at) values ($1, $2) on conflict (tenant_id) do nothing',
      [key.tenantId, now],
    );
    await tx.query('select from tenants where tenant_id = $1 for no key update', [key.tenantId]);
    const rows = await tx.query<KeyRow>(
      `insert into api_keys (${columns})
       select $1, 'runner', $2, $3, $4, $5, $6, $7, null
       where (select count(*) from api_keys
              where tenant_id = $2 and revoked_at is null and (expires_at is null or expires_at > $5)) < $8
       returning ${columns}`,
      [key.keyId, key.tenantId, key.secretHash, key.label, now, key.createdBy, key.expiresAt, liveKeys_max],
    );
    return rows[0] ?? null;
  });
}

/** Newest first. `after`: the position of the last key of the page before. */
export function listKeys(
  database: Database,
  tenantId: string,
  limit: number,
  after: { readonly createdAt: string; readonly keyId: string } | null,
): Promise<KeyRow[]> {
  return database.query<KeyRow>(
    `select ${columns} from api_keys
     where tenant_id = $1 and ($3::timestamptz is null or (created_at, key_id) < ($3, $4))
     order by created_at desc, key_id desc limit $2`,
    [tenantId, limit, after?.createdAt ?? null, after?.keyId ?? null],
  );
}

/** Revokes a key of a tenant; a key that is revoked already keeps its first time. Undefined when there is none. */
export async function revokeKey(
  database: Database,
  tenantId: string,
  keyId: string,
  now: Date,
): Promise<KeyRow | undefined> {
  const rows = await database.query<KeyRow>(
    `update api_keys set revoked_at = coalesce(revoked_at, $3)
     where tenant_id = $1 and key_id = $2 returning ${columns}`,
    [tenantId, keyId, now],
  );
  return rows[0];
}

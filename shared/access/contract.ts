/** Shapes of the key routes. */

import * as z from 'zod';
import { pageQuery } from '../platform/page.ts';
import { id, instant, instantOut, pageOf } from '../platform/schema.ts';

export const keyScope = z.enum(['runner', 'operator']);
export type KeyScope = z.infer<typeof keyScope>;

// POST /v1/tenants/{tenantId}/keys

/** Keys of a tenant are runner keys; operator keys belong to the stage and are made at deployment. */
export const keyRequest = z.strictObject({
  scope: z.literal('runner'),
  label: z.string().min(1).max(128).optional(),
  expiresAt: instant.optional(),
});
export type KeyRequest = z.infer<typeof keyRequest>;

export const keyAnswer = z.looseObject({
  keyId: id,
  /** Shown in the first answer only; the store keeps a hash, so a replayed answer has null. */
  key: z.string().nullable(),
  scope: keyScope,
  tenantId: id,
  label: z.string().nullable(),
  createdAt: instantOut,
  expiresAt: instantOut.nullable(),
});
export type KeyAnswer = z.infer<typeof keyAnswer>;

// GET /v1/tenants/{tenantId}/keys

export const keyListQuery = pageQuery;

export const keyListItem = keyAnswer.omit({ key: true }).extend({
  revokedAt: instantOut.nullable(),
  createdBy: z.string(),
});
export type KeyListItem = z.infer<typeof keyListItem>;

export const keyList = pageOf(keyListItem);

// DELETE /v1/tenants/{tenantId}/keys/{keyId}

export const revokedKeyAnswer = keyListItem;

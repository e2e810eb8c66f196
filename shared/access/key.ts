/** API keys: `msk_<keyId>_<secret>`. Pure; the store keeps the SHA-256 of the secret only. */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const prefix = 'msk';
/** Ours are 16 hexadecimal digits; the stage's own operator key is called `operator`. */
const keyIdPattern = /^[A-Za-z0-9]{1,64}$/;
/** Ours are 32 random bytes in base64url; may itself hold `_` and `-`. */
const secretPattern = /^[A-Za-z0-9_-]{32,128}$/;

export type ParsedKey = { readonly keyId: string; readonly secret: string };

export type NewKey = {
  readonly keyId: string;
  /** The whole key, to be shown once. */
  readonly key: string;
  /** 64 hexadecimal digits. */
  readonly secretHash: string;
};

/** A key of 256 random bits; so much that a plain hash, without salt or stretching, protects it. */
export function newKey(): NewKey {
  const keyId = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { keyId, key: `${prefix}_${keyId}_${secret}`, secretHash: hashSecret(secret) };
}

/** The parts of a key, or null for text that is none. Split at the first two underscores only. */
export function parseKey(key: string): ParsedKey | null {
  const [head, keyId = '', ...rest] = key.split('_');
  const secret = rest.join('_');
  if (head !== prefix || !keyIdPattern.test(keyId) || !secretPattern.test(secret)) return null;
  return { keyId, secret };
}

/** The key of an `Authorization: Bearer …` header, or null. */
export function keyOfHeader(authorization: string): ParsedKey | null {
  const match = /^Bearer +(\S+)$/i.exec(authorization.trim());
  return match?.[1] === undefined ? null : parseKey(match[1]);
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Compares in constant time, so that answers do not tell how much of a guess was right. */
export function secretMatches(secret: string, secretHash: string): boolean {
  const given = Buffer.from(hashSecret(secret), 'hex');
  const kept = Buffer.from(secretHash, 'hex');
  return given.length === kept.length && timingSafeEqual(given, kept);
}

import { describe, expect, test } from '@jest/globals';
import { authorizer } from '../../functions/access/authorizer.ts';
import { authenticate } from '../../shared/access/authenticate.ts';
import { hashSecret, keyOfHeader, newKey, parseKey, secretMatches } from '../../shared/access/key.ts';
import type { KeyRow } from '../../shared/access/store.ts';
import { StoreUnavailable } from '../../shared/platform/store-unavailable.ts';
import { recordingDatabase } from '../platform/http-events.ts';

const now = new Date('2026-11-22T12:00:00.000Z');
const secret = `_-${'a'.repeat(41)}`;
const header = `Bearer msk_0123456789abcdef_${secret}`;
const live: KeyRow = {
  key_id: '0123456789abcdef',
  scope: 'runner',
  tenant_id: 'tenant-a',
  secret_hash: hashSecret(secret),
  label: null,
  created_at: new Date('2026-11-01T00:00:00.000Z'),
  created_by: 'operator:ops',
  expires_at: null,
  revoked_at: null,
};

describe('the text of a key', () => {
  test('a new key has the documented shape and parses back', () => {
    const made = newKey();
    expect(made.key).toMatch(/^msk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
    const parsed = parseKey(made.key);
    expect(parsed?.keyId).toBe(made.keyId);
    expect(secretMatches(parsed?.secret ?? '', made.secretHash)).toBe(true);
    expect(made.secretHash).not.toContain(parsed?.secret);
  });

  test('underscores of the secret belong to the secret', () => {
    expect(parseKey(`msk_0123456789abcdef_${secret}`)).toEqual({ keyId: '0123456789abcdef', secret });
  });

  test.each([
    ['nothing', ''],
    ['another prefix', `key_0123456789abcdef_${secret}`],
    ['no secret', 'msk_0123456789abcdef'],
    ['an empty secret', 'msk_0123456789abcdef_'],
    ['an empty key id', `msk__${secret}`],
    ['a character outside base64url', `msk_0123456789abcdef_${'a'.repeat(42)}+`],
    ['a quote in the key id', `msk_0123'56789abcdef_${secret}`],
  ])('%s is no key', (_name, text) => {
    expect(parseKey(text)).toBeNull();
  });

  test.each([
    ['Bearer', true],
    ['bearer', true],
    ['Basic', false],
  ])('scheme %s', (scheme, accepted) => {
    expect(keyOfHeader(`${scheme} msk_0123456789abcdef_${secret}`) !== null).toBe(accepted);
  });
});

describe('who a header proves', () => {
  const at = (offset_ms: number) => new Date(now.getTime() + offset_ms);
  const runner = { scope: 'runner', keyId: '0123456789abcdef', tenantId: 'tenant-a' };
  const operator = { scope: 'operator', keyId: '0123456789abcdef', tenantId: null };
  const cases: readonly [string, readonly KeyRow[], string, unknown][] = [
    ['a live runner key', [live], header, runner],
    ['an operator key', [{ ...live, scope: 'operator', tenant_id: null }], header, operator],
    ['an unknown key', [], header, null],
    ['a wrong secret', [live], header.replace(/a$/, 'b'), null],
    ['no key at all', [live], '', null],
    ['a key that expires in 1 ms', [{ ...live, expires_at: at(1) }], header, runner],
    ['a key that expires now', [{ ...live, expires_at: now }], header, null],
    ['a revoked key', [{ ...live, revoked_at: at(-1) }], header, null],
    ['a key revoked at a time set ahead', [{ ...live, revoked_at: at(60_000) }], header, null],
  ];
  test.each(cases)('%s', async (_name, rows, authorization, caller) => {
    expect(await authenticate(authorization, recordingDatabase([rows]), now)).toEqual(caller);
  });

  test('text that is no key asks the store nothing', async () => {
    const database = recordingDatabase();
    await authenticate('Bearer x', database, now);
    expect(database.statements).toEqual([]);
  });
});

describe('authorizer', () => {
  const authorize = (answers: (readonly unknown[] | Error)[]) =>
    authorizer(
      async () => recordingDatabase(answers),
      () => now,
    )({ headers: { authorization: header } });

  test('passes on key, scope and tenant', async () => {
    expect(await authorize([[live]])).toEqual({
      isAuthorized: true,
      context: { keyId: '0123456789abcdef', scope: 'runner', tenantId: 'tenant-a' },
    });
  });

  test('an operator has no tenant', async () => {
    const { context } = await authorize([[{ ...live, scope: 'operator', tenant_id: null }]]);
    expect(context).toEqual({ keyId: '0123456789abcdef', scope: 'operator', tenantId: '' });
  });

  test('refuses an unknown key', async () => {
    expect(await authorize([[]])).toEqual({ isAuthorized: false, context: {} });
  });

  test('with the store away it neither proves nor refuses: the handler checks the key itself', async () => {
    expect(await authorize([new StoreUnavailable(new Error('x'))])).toEqual({
      isAuthorized: true,
      context: { keyId: '', scope: 'unavailable', tenantId: '' },
    });
  });

  test('a fault of ours is not an answer', async () => {
    await expect(authorize([new Error('bug')])).rejects.toThrow('bug');
  });
});

import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { accessApi } from '../../functions/access/api.ts';
import { authenticate } from '../../shared/access/authenticate.ts';
import { operator, runner, send } from '../platform/http-events.ts';
import { withDatabase } from '../setup/database.ts';

const store = withDatabase();
const now = new Date('2026-11-22T12:00:00.000Z');
const api = accessApi({
  database: async () => store.app,
  clock: () => now,
  log: pino({ level: 'silent' }),
});

const keysRoute = (method: string) => `${method} /v1/tenants/{tenantId}/keys`;
const make = (tenantId: string, body: unknown = { scope: 'runner' }, headers: Record<string, string> = {}) =>
  send(api, { route: keysRoute('POST'), as: operator, params: { tenantId }, body, headers });
const revoke = (tenantId: string, keyId: unknown) =>
  send(api, {
    route: 'DELETE /v1/tenants/{tenantId}/keys/{keyId}',
    as: operator,
    params: { tenantId, keyId: String(keyId) },
  });
const list = (tenantId: string, query: Record<string, string> = {}) =>
  send(api, { route: keysRoute('GET'), as: operator, params: { tenantId }, query });
const callerOf = (key: unknown) => authenticate(`Bearer ${String(key)}`, store.app, now);

test('a key is made, works for its tenant, and only its hash is stored', async () => {
  const made = await make('tenant-new', { scope: 'runner', label: 'first' });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    scope: 'runner',
    tenantId: 'tenant-new',
    label: 'first',
    createdAt: now.toISOString(),
    expiresAt: null,
  });
  expect(await callerOf(made.body.key)).toEqual({
    scope: 'runner',
    keyId: made.body.keyId,
    tenantId: 'tenant-new',
  });
  const secret = String(made.body.key).split('_').slice(2).join('_');
  const rows = await store.app.query('select * from api_keys');
  expect(JSON.stringify(rows)).not.toContain(secret);
});

test('two live keys allow rotation, a third is refused until one is revoked', async () => {
  const first = await make('tenant-rotates');
  await make('tenant-rotates');
  const third = await make('tenant-rotates');
  expect(third.status).toBe(409);
  expect(third.body.code).toBe('too_many_keys');
  await revoke('tenant-rotates', first.body.keyId);
  expect((await make('tenant-rotates')).status).toBe(201);
});

test('an expired key makes room', async () => {
  await make('tenant-expiring');
  await make('tenant-expiring');
  await store.app.query('update api_keys set expires_at = $2 where tenant_id = $1', ['tenant-expiring', now]);
  expect((await make('tenant-expiring')).status).toBe(201);
});

test('of ten made at once two are', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => make('tenant-races')));
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([201, 201, ...Array(8).fill(409)]);
});

test('a revoked key is dead and stays in the list; revoking again changes nothing', async () => {
  const made = await make('tenant-revokes');
  const revoked = await revoke('tenant-revokes', made.body.keyId);
  expect(revoked).toMatchObject({ status: 200, body: { revokedAt: now.toISOString() } });
  expect(await callerOf(made.body.key)).toBeNull();
  expect((await revoke('tenant-revokes', made.body.keyId)).body).toEqual(revoked.body);
  expect((await list('tenant-revokes')).body.items).toEqual([revoked.body]);
});

test("another tenant's key is not found", async () => {
  const made = await make('tenant-owner');
  expect((await revoke('tenant-other', made.body.keyId)).status).toBe(404);
  expect(await callerOf(made.body.key)).not.toBeNull();
});

test('the list pages, newest first, without secrets', async () => {
  const keyIds = [(await make('tenant-lists')).body.keyId, (await make('tenant-lists')).body.keyId];
  const first = await list('tenant-lists', { limit: '1' });
  const second = await list('tenant-lists', { limit: '1', cursor: String(first.body.nextCursor) });
  const items = [first, second].flatMap((page) => page.body.items as { keyId: string }[]);
  expect(items.map((item) => item.keyId).toSorted()).toEqual(keyIds.toSorted());
  expect(second.body.nextCursor).toBeNull();
  expect(items.some((item) => 'key' in item || 'secretHash' in item)).toBe(false);
});

test('a repeat with the same Idempotency-Key makes no second key and does not show the first again', async () => {
  const headers = { 'idempotency-key': 'make-once' };
  const first = await make('tenant-repeats', { scope: 'runner' }, headers);
  const second = await make('tenant-repeats', { scope: 'runner' }, headers);
  expect(second.headers['idempotent-replayed']).toBe('true');
  expect(second.body).toEqual({ ...first.body, key: null });
  expect(((await list('tenant-repeats')).body.items as unknown[]).length).toBe(1);
});

test.each([
  ['an expiry in the past', { scope: 'runner', expiresAt: '2026-11-22T11:59:59.999Z' }, 'expiresAt'],
  ['an expiry right now', { scope: 'runner', expiresAt: '2026-11-22T12:00:00.000Z' }, 'expiresAt'],
  ['an operator key', { scope: 'operator' }, 'scope'],
  ['no scope', {}, 'scope'],
])('%s is refused by name', async (_name, body, path) => {
  const answered = await make('tenant-invalid', body);
  expect(answered.status).toBe(400);
  expect(answered.body.errors).toEqual([expect.objectContaining({ path })]);
});

test('a runner may neither make, see nor revoke keys, not even its own', async () => {
  for (const method of ['POST', 'GET']) {
    const parts = { route: keysRoute(method), as: runner, params: { tenantId: 'tenant-a' } };
    expect((await send(api, parts)).status).toBe(403);
  }
});

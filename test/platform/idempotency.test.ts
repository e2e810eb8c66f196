import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { type ApiDependencies, httpApi, route } from '../../shared/platform/http.ts';
import { type Answer, answerOnce, type KeyedRequest } from '../../shared/platform/idempotency.ts';
import { conflict, Problem } from '../../shared/platform/problem.ts';
import { withDatabase } from '../setup/database.ts';
import { operator, send } from './http-events.ts';

const store = withDatabase();
const quiet = pino({ level: 'silent' });
const start = new Date('2026-11-22T12:00:00.000Z');
const after = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const day_seconds = 24 * 3600;

const request = (key: string): KeyedRequest => ({
  owner: 'tenant:tenant-a',
  key,
  route: 'POST /v1/x',
  requestHash: 'first',
});

/** Work that counts how often it is done. */
function counted(answer: Partial<Answer> = {}) {
  const work = async (): Promise<Answer> => {
    work.times += 1;
    return { reply: { status: 201, body: { times: work.times } }, final: true, ...answer };
  };
  work.times = 0;
  return work;
}

const ask = (keyed: KeyedRequest, at: Date, work: () => Promise<Answer>) =>
  answerOnce(store.app, keyed, at, quiet, work);

test('a repeat hears the first answer, and the work is done once', async () => {
  const work = counted();
  expect(await ask(request('repeat'), start, work)).toEqual({ status: 201, body: { times: 1 } });
  expect(await ask(request('repeat'), after(day_seconds - 1), work)).toEqual({
    status: 201,
    body: { times: 1 },
    headers: { 'idempotent-replayed': 'true' },
  });
  expect(work.times).toBe(1);
});

test('after 24 hours the key is free', async () => {
  const work = counted();
  await ask(request('old'), start, work);
  await ask({ ...request('old'), requestHash: 'second' }, after(day_seconds), work);
  expect(work.times).toBe(2);
});

test.each([
  ['another body', { requestHash: 'second' }],
  ['another route', { route: 'POST /v1/y' }],
])('%s under the same key is refused', async (name, other) => {
  const work = counted();
  await ask(request(name), start, work);
  await expect(ask({ ...request(name), ...other }, after(1), work)).rejects.toMatchObject({
    status: 422,
    code: 'idempotency_mismatch',
  });
  expect(work.times).toBe(1);
});

test('the keys of two callers never meet', async () => {
  const work = counted();
  await ask(request('shared'), start, work);
  await ask({ ...request('shared'), owner: 'tenant:tenant-b' }, start, work);
  await ask({ ...request('shared'), owner: 'operator:tenant-a' }, start, work);
  expect(work.times).toBe(3);
});

test('of 20 at once one does the work; the others hear that it runs, or its answer', async () => {
  const work = counted();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => ask(request('race'), start, work)),
  );
  expect(work.times).toBe(1);
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled')
      expect(outcome.value).toMatchObject({ status: 201, body: { times: 1 } });
    else
      expect(outcome.reason).toMatchObject({ status: 409, code: 'idempotency_in_progress', retryable: true });
  }
});

test('a claim whose process died is taken over after 30 s by the same request only', async () => {
  const died = new Promise<Answer>(() => {});
  void ask(request('died'), start, () => died);
  const work = counted();
  const claimed = () => store.app.query('select from idempotency_keys where key = $1', ['died']);
  while ((await claimed()).length === 0);
  await expect(ask(request('died'), after(29), work)).rejects.toMatchObject({
    code: 'idempotency_in_progress',
  });
  await expect(ask({ ...request('died'), requestHash: 'second' }, after(31), work)).rejects.toMatchObject({
    code: 'idempotency_mismatch',
  });
  expect(await ask(request('died'), after(30), work)).toMatchObject({ status: 201 });
  expect(work.times).toBe(1);
});

test('an answer that a repeat may change is not kept', async () => {
  await ask(request('busy'), start, counted({ reply: { status: 429, body: {} }, final: false }));
  const failing = () => Promise.reject(new Error('bug'));
  await expect(ask(request('busy'), start, failing)).rejects.toThrow('bug');
  expect(await ask(request('busy'), start, counted())).toEqual({ status: 201, body: { times: 1 } });
});

test('a body that holds a secret is kept without it', async () => {
  const reply = { status: 201, body: { key: 'msk_secret' }, replayBody: { key: null } };
  const work = counted({ reply });
  expect((await ask(request('secret'), start, work)).body).toEqual({ key: 'msk_secret' });
  expect((await ask(request('secret'), start, work)).body).toEqual({ key: null });
});

const makeKey = 'POST /v1/tenants/{tenantId}/keys';

function api(handle: () => Promise<never>, dependencies: Partial<ApiDependencies> = {}) {
  const other = route({ handle: async () => ({ status: 200, body: {} }) });
  return httpApi<'access'>(
    {
      [makeKey]: route({ handle }),
      'GET /v1/tenants/{tenantId}/keys': other,
      'DELETE /v1/tenants/{tenantId}/keys/{keyId}': other,
    },
    { database: async () => store.app, log: quiet, ...dependencies },
  );
}

test.each([
  ['a final refusal is replayed', conflict('not_granted', 'No.'), 1],
  ['a retryable refusal is judged anew', new Problem({ status: 429, code: 'throttled', detail: 'No.' }), 2],
])('over HTTP %s', async (name, problem, handled) => {
  let times = 0;
  const handler = api(async () => {
    times += 1;
    throw problem;
  });
  const parts = {
    route: makeKey,
    as: operator,
    params: { tenantId: 'tenant-a' },
    headers: { 'idempotency-key': name },
  };
  const first = await send(handler, parts);
  const second = await send(handler, parts);
  expect(second.body).toEqual(first.body);
  expect(second.headers['content-type']).toBe('application/problem+json');
  expect(second.headers['idempotent-replayed']).toBe(handled === 1 ? 'true' : undefined);
  expect(times).toBe(handled);
});

test('over HTTP the path is part of the request', async () => {
  const handler = api(async () => {
    throw conflict('not_granted', 'No.');
  });
  const parts = { route: makeKey, as: operator, headers: { 'idempotency-key': 'path' } };
  await send(handler, { ...parts, params: { tenantId: 'tenant-a' } });
  const other = await send(handler, { ...parts, params: { tenantId: 'tenant-b' } });
  expect(other.body.code).toBe('idempotency_mismatch');
});

import { expect, test } from '@jest/globals';
import { json, openDatabase, StoreUnavailable } from '../../shared/platform/db.ts';
import { withDatabase } from '../setup/database.ts';

const store = withDatabase();

test('values keep their exactness both ways', async () => {
  const at = new Date('2026-11-22T12:00:00.123Z');
  const nanos = 2n ** 62n + 1n;
  const [row] = await store.app.query(
    `select $1::bigint as nanos, '1.500'::numeric as cpu, $2::timestamptz as at, $3::jsonb as data,
            $4::bigint[] as many, date '2026-11-22' as day, count(*) as n from (values (1)) as one`,
    [nanos, at, json({ a: [1] }), [1n, null]],
  );
  expect(row).toEqual({
    nanos,
    cpu: '1.500',
    at,
    data: { a: [1] },
    many: [1n, null],
    day: '2026-11-22',
    n: 1n,
  });
});

const tenants = () => store.app.query<{ tenant_id: string }>('select tenant_id from tenants');
const addTenant = `insert into tenants (tenant_id, created_at) values ($1, '2026-11-22T12:00:00Z')`;

test('a transaction that throws leaves nothing, and its error comes through', async () => {
  const error = new Error('refused');
  const work = store.app.transaction(async (tx) => {
    await tx.query(addTenant, ['rolled-back']);
    throw error;
  });
  await expect(work).rejects.toBe(error);
  expect(await tenants()).toEqual([]);
});

test('an inner transaction joins the outer one', async () => {
  const work = store.app.transaction(async (tx) => {
    await tx.transaction((inner) => inner.query(addTenant, ['inner']));
    throw new Error('outer');
  });
  await expect(work).rejects.toThrow('outer');
  expect(await tenants()).toEqual([]);
});

test('a failed statement that the work swallowed does not pass for a commit', async () => {
  const work = store.app.transaction(async (tx) => {
    await tx.query(addTenant, ['swallowed']);
    await tx.query('select 1 / 0').catch(() => {});
  });
  await expect(work).rejects.toThrow('rolled back');
  expect(await tenants()).toEqual([]);
});

test('a connection that was ended between two calls is replaced unnoticed', async () => {
  const database = store.open(1);
  const pid = () => database.query<{ pid: number }>('select pg_backend_pid() as pid');
  const [first] = await pid();
  const alive = () => store.admin.query('select from pg_stat_activity where pid = $1', [first?.pid]);
  await store.admin.query('select pg_terminate_backend($1)', [first?.pid]);
  // The signal is sent, not yet obeyed: a statement sent meanwhile would be lost with the connection.
  while ((await alive()).length > 0);
  const [second] = await pid();
  expect(second?.pid).not.toBe(first?.pid);
});

test('a connection that ends under a statement is told as the store being away, and the next call works', async () => {
  await expect(store.app.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toBeInstanceOf(
    StoreUnavailable,
  );
  await expect(
    store.app.transaction((tx) => tx.query('select pg_terminate_backend(pg_backend_pid())')),
  ).rejects.toBeInstanceOf(StoreUnavailable);
  expect(await store.app.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('nobody listening is told as the store being away', async () => {
  const database = openDatabase({ host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' });
  await expect(database.query('select 1')).rejects.toBeInstanceOf(StoreUnavailable);
  await database.close();
});

test('errors of SQL stay what they are', async () => {
  await expect(store.app.query('select from nowhere')).rejects.toMatchObject({ code: '42P01' });
});

/** The order of the line (A10) as callers see it: positions, pages and grants agree with the rule, worked out anew here. */

import { beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

beforeEach(() => startAgain(db.admin, api));

type Asked = { readonly tenant: string; readonly className: number; readonly after_seconds: number };

const lines = fc.record({
  /** vCPU in use of a, b and c out of 100, which c's weight of 2 halves. */
  use: fc.tuple(fc.constantFrom(0, 10), fc.constantFrom(0, 10), fc.constantFrom(0, 20)),
  asked: fc.array(
    fc.record({
      tenant: fc.constantFrom('a', 'b', 'c'),
      className: fc.integer({ min: 0, max: 3 }),
      after_seconds: fc.constantFrom(0, 1, 300, 900),
    }),
    { minLength: 1, maxLength: 14 },
  ),
  wait_seconds: fc.constantFrom(0, 601, 1300),
});

/** By the rule: class with aging of each tenant's five oldest, overdue, share, lately (equal here or decided by use), acceptance, id. */
function expectedOrder(
  waiting: readonly (Asked & { readonly id: string; readonly at: number })[],
  use: Readonly<Record<string, number>>,
  startedAt: number,
  now: number,
): string[] {
  const weight: Record<string, number> = { a: 1, b: 1, c: 2 };
  const keyed = waiting.map((task) => {
    const older = waiting.filter(
      (other) =>
        other.tenant === task.tenant && (other.at < task.at || (other.at === task.at && other.id < task.id)),
    ).length;
    const steps = older < 5 ? Math.floor((now - task.at) / 600) : 0;
    const effective = task.className === 0 ? 0 : Math.max(1, task.className - steps);
    const overdue =
      older === 0 &&
      task.className > 0 &&
      now - task.at >= 600 * task.className &&
      ((use[task.tenant] ?? 0) === 0 || now - startedAt >= 600);
    const share = (use[task.tenant] ?? 0) / (weight[task.tenant] ?? 1);
    return { id: task.id, key: [effective, overdue ? 0 : 1, share, task.at] as const };
  });
  return keyed
    .sort((x, y) => {
      for (const index of [0, 1, 2, 3] as const) {
        const difference = x.key[index] - y.key[index];
        if (difference !== 0) return difference;
      }
      return x.id < y.id ? -1 : 1;
    })
    .map(({ id }) => id);
}

test('positions, pages and places in the tenant follow the rule', async () => {
  await fc.assert(
    fc.asyncProperty(lines, async ({ use, asked, wait_seconds }) => {
      await startAgain(db.admin, api);
      await scene.setPool(100, null);
      await scene.setQuotas('filler', {});
      for (const [index, tenant] of ['a', 'b', 'c'].entries()) {
        await scene.setQuotas(tenant, { weight: tenant === 'c' ? 2 : 1 });
        const cpu = use[index] ?? 0;
        if (cpu > 0) await scene.askAs('P0', tenant, `${tenant}-holds`, { cpu, leaseSeconds: 86_400 });
      }
      const startedAt = api.now().getTime() / 1000;
      const left = 100 - use[0] - use[1] - use[2];
      await scene.askAs('P0', 'filler', 'filler', { cpu: left, leaseSeconds: 86_400 });
      const waiting: (Asked & { id: string; at: number })[] = [];
      for (const [index, { tenant, className, after_seconds }] of asked.entries()) {
        api.advance(after_seconds);
        const id = `${tenant}${String(index).padStart(2, '0')}`;
        const answer = await scene.askAs(`P${className}`, tenant, id, { cpu: 5 });
        waiting.push({ tenant, className, after_seconds, id, at: api.now().getTime() / 1000 });
        const expected = expectedOrder(
          waiting,
          { a: use[0], b: use[1], c: use[2] },
          startedAt,
          api.now().getTime() / 1000,
        );
        expect([id, answer.body.queue?.position]).toEqual([id, expected.indexOf(id) + 1]);
      }
      api.advance(wait_seconds);
      const expected = expectedOrder(
        waiting,
        { a: use[0], b: use[1], c: use[2] },
        startedAt,
        api.now().getTime() / 1000,
      );
      const list = (query: string) => api.call('operator', 'GET', `/v1/queue?${query}`);
      const whole = (await list('limit=100')).body.items as {
        taskId: string;
        position: number;
        aheadInTenant: number;
        tenantId: string;
        class: string;
      }[];
      expect(whole.map((item) => item.taskId)).toEqual(expected);
      expect(whole.map((item) => item.position)).toEqual(expected.map((_, index) => index + 1));
      for (const [index, item] of whole.entries()) {
        const before = whole.slice(0, index).filter((other) => other.tenantId === item.tenantId).length;
        expect([item.taskId, item.aheadInTenant]).toEqual([item.taskId, before]);
        const { body } = await scene.task(item.tenantId, item.taskId);
        expect(body.queue).toMatchObject({ position: item.position, aheadInTenant: before });
      }
      const paged: string[] = [];
      for (let cursor = ''; ; ) {
        const { body } = await list(`limit=3${cursor}`);
        paged.push(...body.items.map((item: { taskId: string }) => item.taskId));
        if (body.nextCursor === null) break;
        cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
      }
      expect(paged).toEqual(expected);
      for (const [query, keeps] of [
        ['tenantId=a', (item: { tenantId: string }) => item.tenantId === 'a'],
        ['class=P2', (item: { class: string }) => item.class === 'P2'],
      ] as const) {
        const filtered = (await list(`limit=100&${query}`)).body.items;
        expect(filtered).toEqual(whole.filter((item) => keeps(item as never)));
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);

test('among equal shares the tenant that had less lately goes first: one of a hundred waits for one other', async () => {
  await scene.setPool(1, null);
  for (const tenant of ['many', 'one']) await scene.setQuotas(tenant, {});
  await scene.ask('many', 'm0');
  for (let index = 1; index <= 5; index += 1) await scene.ask('many', `m${index}`);
  await scene.ask('one', 'o1');
  api.advance(20);
  await scene.complete('many', 'm0', 1);
  expect(await scene.stateOf('one', 'o1')).toBe('granted');
});

test('a start counts at once: tasks too short to be seen in use take turns as well', async () => {
  await scene.setPool(1, null);
  for (const tenant of ['a', 'b']) await scene.setQuotas(tenant, {});
  await scene.ask('a', 'a0');
  for (const id of ['a1', 'a2']) await scene.ask('a', id);
  for (const id of ['b1', 'b2']) await scene.ask('b', id);
  const order: string[] = [];
  await scene.complete('a', 'a0', 1);
  for (let turn = 0; turn < 4; turn += 1) {
    const { body } = await api.call('operator', 'POST', '/v1/claims', { max: 5 });
    const [task] = body.tasks;
    order.push(task.taskId);
    await scene.complete(task.tenantId, task.taskId, 1);
  }
  expect(order).toEqual(['b1', 'a1', 'b2', 'a2']);
});

test('what was long past is forgotten, and acceptance decides again', async () => {
  await scene.setPool(1, null);
  for (const tenant of ['a', 'b', 'blocker']) await scene.setQuotas(tenant, {});
  await scene.ask('a', 'a0');
  api.advance(30);
  await scene.complete('a', 'a0', 1);
  api.advance(5 * 3600);
  await scene.askAs('P0', 'blocker', 'x');
  await scene.ask('a', 'a1');
  api.advance(1);
  await scene.ask('b', 'b1');
  await scene.complete('blocker', 'x', 1);
  expect(await scene.stateOf('a', 'a1')).toBe('granted');
});

test('a tenant over its share still starts one task per step: its oldest is overdue after 30 min at P3', async () => {
  await scene.setPool(10, null);
  for (const tenant of ['heavy', 'stream']) await scene.setQuotas(tenant, {});
  await scene.askAs('P0', 'heavy', 'long', { cpu: 9, leaseSeconds: 86_400 });
  await scene.askAs('P1', 'stream', 's0', { cpu: 1, leaseSeconds: 86_400 });
  await scene.askAs('P3', 'heavy', 'starving', { cpu: 1 });
  let last = 's0';
  // An endless stream of P1 from a tenant with less in use: one is always waiting.
  await scene.askAs('P1', 'stream', 's1', { cpu: 1 });
  for (let minute = 1; minute <= 31; minute += 1) {
    api.advance(60);
    await scene.complete('stream', last, 1);
    const { body } = await api.call('operator', 'POST', '/v1/claims', { max: 1, leaseSeconds: 86_400 });
    last = body.tasks[0].taskId;
    if (last === 'starving') {
      expect(minute).toBe(30);
      return;
    }
    await scene.askAs('P1', 'stream', `s${minute + 1}`, { cpu: 1 });
  }
  throw new Error('it never started');
});

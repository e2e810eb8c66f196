import { afterEach, expect, test } from '@jest/globals';
import { openDatabase } from '../../shared/platform/db.ts';
import { withDatabase } from '../setup/database.ts';
import { deliver, messageOf } from './bus.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(() => expectNoDrift(database));

/** A run of 100 USD past both thresholds, and its two orders as messages, oldest first. */
async function ordered(tenantId: string): Promise<{ preempt: string; pause: string }> {
  await world.setQuotas(tenantId, {});
  await world.start(tenantId, 'run', 100);
  await world.report(tenantId, 'run', { eventId: 'e', costUSD: 96 });
  const [preempt, pause] = (await world.events(tenantId, 'preempt-for-budget', 'run-paused-for-budget')).map(
    messageOf,
  );
  if (preempt === undefined || pause === undefined) throw new Error('both orders were expected');
  return { preempt, pause };
}

const acted = (tenantId: string) =>
  database.app.query<{ level: string; acted_by: string | null }>(
    `select level, acted_by from budget_events where tenant_id = $1 and level <> 'warning' order by threshold`,
    [tenantId],
  );
const preemptions = async (tenantId: string) =>
  (await world.events(tenantId, 'preempt-requested', 'task-preempted')).length;

const both = [
  { level: 'throttle', acted_by: 'bus' },
  { level: 'pause', acted_by: 'bus' },
];

test('a batch of both orders is carried out and fully acknowledged', async () => {
  const { preempt, pause } = await ordered('plain');
  expect(await deliver(database.app, world.api, [preempt, pause])).toEqual({ batchItemFailures: [] });
  expect(await acted('plain')).toEqual(both);
  expect(await preemptions('plain')).toBe(1);
});

test('repeats, in one batch and over batches, change nothing', async () => {
  const { preempt, pause } = await ordered('repeats');
  await deliver(database.app, world.api, [preempt, preempt, pause]);
  const before = await world.events('repeats');
  expect(await deliver(database.app, world.api, [pause, preempt, pause])).toEqual({ batchItemFailures: [] });
  expect(await world.events('repeats')).toEqual(before);
});

test('out of order the pause wins all the same', async () => {
  const { preempt, pause } = await ordered('reversed');
  await deliver(database.app, world.api, [pause]);
  await deliver(database.app, world.api, [preempt]);
  expect(await acted('reversed')).toEqual(both);
  const answer = await world.api.call({ tenantId: 'reversed' }, 'POST', '/v1/tasks/run/heartbeat', {
    epoch: 1,
  });
  expect(answer.body.directive.action).toBe('pause');
  expect(await preemptions('reversed')).toBe(1);
});

test('ten consumers at once act once', async () => {
  const { preempt, pause } = await ordered('ten');
  const batches = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? [preempt, pause] : [pause]));
  await Promise.all(batches.map((batch) => deliver(database.app, world.api, batch)));
  expect(await acted('ten')).toEqual(both);
  expect(await preemptions('ten')).toBe(1);
});

test('a poison message is reported alone; those before and after it are carried out', async () => {
  const { preempt, pause } = await ordered('poisoned');
  const poison = ['not json', '{}', JSON.stringify({ 'detail-type': 'budget-alert', detail: {} })];
  const response = await deliver(database.app, world.api, [preempt, ...poison, pause]);
  expect(response.batchItemFailures.map((failure) => failure.itemIdentifier)).toEqual(['1', '2', '3']);
  expect(await acted('poisoned')).toEqual(both);
});

test('an order about a run that is gone is acknowledged: repeating it could not help', async () => {
  const { preempt } = await ordered('gone');
  const stray = preempt.replaceAll('"gone"', '"nobody"');
  expect(await deliver(database.app, world.api, [stray])).toEqual({ batchItemFailures: [] });
});

test('a failure of the outbox afterwards does not bring the messages again', async () => {
  const { preempt } = await ordered('outbox-down');
  const response = await deliver(database.app, world.api, [preempt], () =>
    Promise.reject(new Error('bus away')),
  );
  expect(response).toEqual({ batchItemFailures: [] });
  expect(await acted('outbox-down')).toContainEqual({ level: 'throttle', acted_by: 'bus' });
});

test('with the store away every message comes again', async () => {
  const { preempt, pause } = await ordered('store-down');
  const unreachable = openDatabase({ connectionString: 'postgres://127.0.0.1:1/nowhere' });
  const response = await deliver(unreachable, world.api, [preempt, pause]);
  expect(response.batchItemFailures.map((failure) => failure.itemIdentifier)).toEqual(['0', '1']);
  expect(await acted('store-down')).toContainEqual({ level: 'pause', acted_by: null });
});

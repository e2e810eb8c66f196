/** Holds as rows (B3): one for each time a run takes money, closed exactly once, and none that outlives its owner. */

import { afterEach, expect, test } from '@jest/globals';
import { testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);
const after = (seconds: number) => new Date(testStart.getTime() + seconds * 1000);

afterEach(async () => {
  await expectNoDrift(database);
  await expectInvariants(database.app, testStart);
  world.api.at(testStart);
});

const holds = (tenantId: string) =>
  database.app.query(
    `select run_id, hold_number, owner_task_id, taken_usd::float8 as taken, left_usd::float8 as "left", released_usd::float8 as released, released_reason as reason
     from v_holds where tenant_id = $1 order by run_id, hold_number`,
    [tenantId],
  );
const held = async (tenantId: string) => (await world.usage(tenantId)).heldUSD;

async function running(tenantId: string, quotas: object = {}) {
  await world.setQuotas(tenantId, { cost: { limitUSD: 100 }, ...quotas });
  await world.start(tenantId, 'run', 10, { leaseSeconds: 60 });
  await world.report(tenantId, 'run', { eventId: 'e', costUSD: 4 });
}
const end = (tenantId: string, how: string, body: object) =>
  world.api.call({ tenantId }, 'POST', `/v1/tasks/run/${how}`, body);

test.each([
  ['completes', 'complete', { epoch: 1, outcome: 'completed' }, 'completed'],
  ['fails', 'complete', { epoch: 1, outcome: 'failed', error: 'out of ideas' }, 'failed'],
  ['is cancelled', 'cancel', {}, 'cancelled'],
])(
  'a run that %s gives back what is left, once, however often it says so',
  async (name, how, body, reason) => {
    const tenantId = name.replaceAll(' ', '-');
    await running(tenantId);
    expect(await held(tenantId)).toBe(6);
    await Promise.all([1, 2, 3].map(() => end(tenantId, how, body)));
    expect(await held(tenantId)).toBe(0);
    expect(await holds(tenantId)).toEqual([
      { run_id: 'run', hold_number: 1, owner_task_id: 'run', taken: 10, left: null, released: 6, reason },
    ]);
  },
);

test('a run whose runner has crashed keeps its hold while it may come back, and gives it back when it has failed', async () => {
  await running('crashed');
  for (const [round, seconds] of [100, 300, 500, 700].entries()) {
    world.api.at(after(seconds));
    await world.api.call('operator', 'POST', '/v1/sweep');
    if (round < 3) {
      expect(await held('crashed')).toBe(6);
      await world.api.call({ tenantId: 'crashed' }, 'POST', '/v1/tasks/run/claim', { leaseSeconds: 60 });
    }
  }
  expect(await world.taskState('crashed', 'run')).toBe('failed');
  expect(await held('crashed')).toBe(0);
  expect((await holds('crashed')).map((hold) => (hold as { reason: string }).reason)).toEqual(['failed']);
});

test('no sweep comes: a hold that nobody works under stops counting by the clock alone', async () => {
  await running('phantom', { cost: { limitUSD: 12 } });
  const ask = (runId: string) =>
    world.api.call({ tenantId: 'phantom' }, 'POST', '/v1/runs', {
      runId,
      phase: 'plan',
      budget: { maxCostUSD: 5 },
    });
  // The lease of 60 s and the grace of 300 s.
  world.api.at(after(359));
  expect((await ask('too-soon')).status).toBe(402);
  world.api.at(after(361));
  expect((await ask('now')).status).toBe(201);

  // Its runner comes back, and its money is somebody else's by now.
  const late = await world.api.call({ tenantId: 'phantom' }, 'POST', '/v1/tasks/run/heartbeat', { epoch: 1 });
  expect(late.status).toBe(409);
  await world.api.call('operator', 'POST', '/v1/sweep');
  const [task] = await database.app.query(
    `select state, waiting_for from tasks where tenant_id = 'phantom' and task_id = 'run'`,
  );
  expect(task).toEqual({ state: 'queued', waiting_for: 'quota' });
  expect(await holds('phantom')).toMatchObject([
    { run_id: 'now', left: 5, reason: null },
    { run_id: 'run', hold_number: 1, released: 6, reason: 'lapsed' },
  ]);

  // Once the money is free again it goes on, with a hold of its own.
  await world.complete('phantom', 'now');
  expect(await world.taskState('phantom', 'run')).toBe('granted');
  expect(await holds('phantom')).toMatchObject([
    { run_id: 'now' },
    { hold_number: 1 },
    { hold_number: 2, taken: 6, left: 6 },
  ]);
});

test('a runner that comes back in time, or before anybody took the money, goes on under its hold', async () => {
  await running('back', { cost: { limitUSD: 12 } });
  world.api.at(after(400));
  const answer = await world.api.call({ tenantId: 'back' }, 'POST', '/v1/tasks/run/heartbeat', { epoch: 1 });
  expect(answer.status).toBe(200);
  const refused = await world.api.call({ tenantId: 'back' }, 'POST', '/v1/runs', {
    ...{ runId: 'other', phase: 'plan', budget: { maxCostUSD: 5 } },
  });
  expect(refused.status).toBe(402);
  expect(await holds('back')).toMatchObject([{ hold_number: 1, left: 6, reason: null }]);
});

test('leases that are renewed keep their holds for as long as they like, and the sweep writes it down', async () => {
  await running('long', { cost: { limitUSD: 12 } });
  for (let seconds = 50; seconds <= 700; seconds += 50) {
    world.api.at(after(seconds));
    expect(
      (await world.api.call({ tenantId: 'long' }, 'POST', '/v1/tasks/run/heartbeat', { epoch: 1 })).status,
    ).toBe(200);
  }
  const ask = () =>
    world.api.call({ tenantId: 'long' }, 'POST', '/v1/runs', {
      runId: 'other',
      phase: 'plan',
      budget: { maxCostUSD: 5 },
    });
  expect((await ask()).status).toBe(402);
  await world.api.call('operator', 'POST', '/v1/sweep');
  const [hold] = await database.app.query<{ expires_at: Date }>(
    `select expires_at from holds where tenant_id = 'long'`,
  );
  // The last lease ends at 760 s, its grace 300 s later.
  expect(hold?.expires_at.toISOString()).toBe(after(1060).toISOString());
});

test('a run that waits in line keeps its hold without end', async () => {
  await running('line');
  // What runs stays (A15), and nothing else starts.
  await world.api.call('operator', 'PUT', '/v1/pool', { cpu: null, memoryGb: null, tasks: 1 });
  const waiting = await world.api.call({ tenantId: 'line' }, 'POST', '/v1/runs', {
    ...{ runId: 'waits', phase: 'build', budget: { maxCostUSD: 20 } },
  });
  expect(waiting.status).toBe(202);
  world.api.at(after(300));
  expect(await held('line')).toBe(26);
  const [hold] = await database.app.query(
    `select expires_at from holds where tenant_id = 'line' and run_id = 'waits'`,
  );
  expect(hold).toEqual({ expires_at: null });
  await world.api.call('operator', 'PUT', '/v1/pool', { cpu: null, memoryGb: null });
});

test('the store itself allows one open hold for each run', async () => {
  await running('one');
  await expect(
    database.admin.query(
      `insert into holds (tenant_id, run_id, hold_number, owner_task_id, taken_usd_nanos, taken_reason, taken_at, grace_seconds)
       values ('one', 'run', 2, 'run', 1, 'again', now(), 300)`,
    ),
  ).rejects.toThrow(/one_open_hold/);
});

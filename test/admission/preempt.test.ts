/** Preemption as its parties see it: who leaves, how, for whom, and how it comes back (P1 to P5, A5). */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { startAgain } from './scene.ts';
import { withScene } from './with-scene.ts';

/** A pool of 8 vCPU, full with two P3 runs of tenant v that have run for 100 s. */
const { db, api, scene } = withScene(async ({ scene, api }) => {
  await scene.setPool(8);
  await scene.setQuotas('v', {});
  await scene.setQuotas('n', {});
  await scene.ask('v', 'v1', { cpu: 4, ...long });
  await scene.ask('v', 'v2', { cpu: 4, ...long });
  api.advance(100);
});
const long = { leaseSeconds: 3600 };

const statesOf = async (...ids: readonly string[]) => {
  const rows = await db.admin.query<{ task_id: string; state: string }>('select task_id, state from tasks');
  return ids.map((id) => rows.find((row) => row.task_id === id)?.state);
};

describe('the protocol (P4)', () => {
  beforeEach(async () => {
    await scene.spend('v', 'v2', 'before', 0.01, { taskId: 'v2' });
    const newcomer = await scene.askAs('P0', 'n', 'n1', { cpu: 4 });
    // v1 has less work to lose.
    expect(newcomer).toMatchObject({ status: 202, body: { decision: 'queued', queue: { position: 1 } } });
    expect(await statesOf('v1', 'v2', 'n1')).toEqual(['preempting', 'running', 'queued']);
  });
  const directive = { action: 'checkpoint', reason: 'priority', deadline: '2026-03-11T12:02:10.000Z' };

  test('the runner hears it in its next heartbeat, cost report or checkpoint', async () => {
    expect((await scene.heartbeat('v', 'v1', 1)).body.directive).toEqual(directive);
    expect((await scene.spend('v', 'v1', 'e1', 0.01, { taskId: 'v1' })).body.directive).toEqual(directive);
    expect(await scene.eventsOf('v', 'v1')).toContain('preempt-requested');
  });

  test('with its checkpoint it leaves: back to the line, nothing lost, and the newcomer is granted', async () => {
    await scene.spend('v', 'v1', 'e1', 0.01, { taskId: 'v1' });
    const left = await scene.checkpoint('v', 'v1', 1, 1, { step: 3 });
    expect(left).toMatchObject({ status: 201, body: { state: 'queued', directive: { action: 'stop' } } });
    expect(await statesOf('v1', 'n1')).toEqual(['queued', 'granted']);
    expect((await scene.task('v', 'v1')).body).toMatchObject({
      preempted: true,
      preemptedAt: '2026-03-11T12:01:40.000Z',
      preemptedBy: 'n1',
      preemptions: 1,
    });
    const { metrics } = (await api.call({ tenantId: 'v' }, 'GET', '/v1/runs/v1')).body;
    expect(metrics).toMatchObject({ preemptions: 1, lostWorkUSD: 0 });
    const [event] = await db.admin.query<{ data: object }>(
      `select body->'data' as data from events where detail_type = 'task-preempted'`,
    );
    expect(event?.data).toMatchObject({
      taskId: 'v1',
      reason: 'priority',
      preemptedBy: 'n1',
      lostWorkUSD: 0,
      checkpoint: left.body.checkpointId,
    });
  });

  test('a repeat of the checkpoint it left with is answered as the first time', async () => {
    const left = await scene.checkpoint('v', 'v1', 1, 1);
    expect(await scene.checkpoint('v', 'v1', 1, 1)).toMatchObject({
      status: 201,
      body: { checkpointId: left.body.checkpointId },
    });
    expect((await scene.task('v', 'v1')).body.preemptions).toBe(1);
  });

  test('at the deadline it is reclaimed with its last checkpoint, and the work lost is recorded in USD', async () => {
    await scene.spend('v', 'v1', 'e1', 0.025, { taskId: 'v1' });
    api.advance(29.999);
    expect(await scene.sweep()).toMatchObject({ reclaimed: 0 });
    api.advance(0.001);
    expect(await scene.sweep()).toMatchObject({ reclaimed: 1, granted: 1 });
    expect(await statesOf('v1', 'n1')).toEqual(['queued', 'granted']);
    expect((await api.call({ tenantId: 'v' }, 'GET', '/v1/runs/v1')).body.metrics.lostWorkUSD).toBe(0.025);
    expect(await scene.checkpoint('v', 'v1', 1, 1)).toMatchObject({
      status: 409,
      body: { code: 'stale_epoch' },
    });
    expect((await scene.heartbeat('v', 'v1', 1)).status).toBe(409);
  });

  test('heartbeats do not carry it past the deadline', async () => {
    api.advance(29);
    expect((await scene.heartbeat('v', 'v1', 1)).body.lease.expiresAt).toBe(directive.deadline);
    api.advance(1);
    expect((await scene.heartbeat('v', 'v1', 1)).status).toBe(409);
  });

  test('completion within the grace time is completion', async () => {
    api.advance(29);
    expect(await scene.complete('v', 'v1', 1)).toMatchObject({ status: 200, body: { status: 'completed' } });
    expect(await statesOf('n1')).toEqual(['granted']);
  });

  test('preempting again what is leaving already changes nothing', async () => {
    api.advance(10);
    const answer = await api.call('operator', 'POST', '/v1/tasks/v1/preempt', { reason: 'again' });
    expect(answer.status).toBe(200);
    expect((await scene.heartbeat('v', 'v1', 1)).body.directive.deadline).toBe(directive.deadline);
  });
});

describe('the return (P5)', () => {
  test('at its old place, exactly once, with its checkpoint and a higher epoch', async () => {
    await scene.askAs('P0', 'n', 'n1', { cpu: 8 });
    await scene.ask('v', 'v3', { cpu: 4 });
    api.advance(5);
    await scene.checkpoint('v', 'v1', 1, 1, { step: 3 });
    await scene.checkpoint('v', 'v2', 1, 1);
    await scene.claim('n', 'n1');
    await scene.complete('n', 'n1', 1);
    // v1 and v2 were accepted before v3.
    expect(await statesOf('v1', 'v2', 'v3')).toEqual(['granted', 'granted', 'queued']);
    const claims = [await scene.claim('v', 'v1'), await scene.claim('v', 'v1')];
    expect(claims.map((claim) => claim.status)).toEqual([200, 409]);
    expect(claims[0]?.body).toMatchObject({
      lease: { epoch: 2 },
      checkpoint: { sequence: 1, data: { step: 3 } },
      preempted: false,
    });
    expect((await scene.eventsOf('v', 'v1')).filter((type) => type === 'task-resumed')).toHaveLength(1);
    const [doorbell] = await db.admin.query<{ body: object }>(
      `select body from events where kind = 'doorbell' and task_id = 'v1' order by event_seq desc limit 1`,
    );
    expect(doorbell?.body).toEqual({
      taskId: 'v1',
      runId: 'v1',
      tenantId: 'v',
      class: 'P3',
      epoch: 2,
      kind: 'resume',
    });
  });
});

describe('the promise (P3)', () => {
  beforeEach(async () => {
    await scene.askAs('P1', 'n', 'n1', { cpu: 8 });
    expect(await statesOf('v1', 'v2')).toEqual(['preempting', 'preempting']);
  });

  test('what the first victim frees goes to nobody else, not even to a smaller task of a higher class', async () => {
    await scene.checkpoint('v', 'v1', 1, 1);
    const other = await scene.ask('n', 'n2', { cpu: 2 });
    expect(other.status).toBe(202);
    expect(await scene.sweep()).toMatchObject({ granted: 0, preempting: 0 });
    expect(await statesOf('v1', 'n1', 'n2')).toEqual(['queued', 'queued', 'queued']);
    await scene.checkpoint('v', 'v2', 1, 1);
    expect(await statesOf('v1', 'v2', 'n1')).toEqual(['queued', 'queued', 'granted']);
  });

  test('the pool shows what is promised', async () => {
    await scene.checkpoint('v', 'v1', 1, 1);
    const pool = await api.call('operator', 'GET', '/v1/pool');
    expect(pool.body).toMatchObject({ used: { cpu: 4 }, promised: { cpu: 4 } });
  });

  test('no second victim is taken for the same need', async () => {
    await startAgain(db.admin, api);
    await scene.setPool(12);
    await scene.setQuotas('v', {});
    for (const id of ['v1', 'v2', 'v3']) await scene.ask('v', id, { cpu: 4, ...long });
    api.advance(100);
    await scene.askAs('P1', 'v', 'p1', { cpu: 8 });
    expect(await statesOf('v1', 'v2', 'v3')).toEqual(['preempting', 'preempting', 'running']);
    await scene.checkpoint('v', 'v1', 1, 1);
    api.advance(29);
    expect(await scene.sweep()).toMatchObject({ preempting: 0 });
    expect(await statesOf('v1', 'v2', 'v3')).toEqual(['queued', 'preempting', 'running']);
  });

  test('a newcomer that is cancelled promises nothing; its victims leave and come back', async () => {
    await scene.cancel('n', 'n1');
    await scene.checkpoint('v', 'v1', 1, 1);
    expect(await statesOf('v1')).toEqual(['granted']);
  });

  test('60 s after the last victim left the promise ends', async () => {
    // A pool that shrank meanwhile keeps the newcomer from starting.
    await scene.setPool(7.5);
    await scene.checkpoint('v', 'v1', 1, 1);
    await scene.checkpoint('v', 'v2', 1, 1);
    expect(await statesOf('n1', 'v1')).toEqual(['queued', 'queued']);
    api.advance(59.999);
    await scene.sweep();
    expect(await statesOf('v1', 'v2')).toEqual(['queued', 'queued']);
    api.advance(0.001);
    await scene.sweep();
    expect(await statesOf('n1', 'v1')).toEqual(['queued', 'granted']);
  });
});

describe('who is spared (P1)', () => {
  test('who runs for less than 60 s, except for P0', async () => {
    await startAgain(db.admin, api);
    await scene.setPool(4);
    await scene.setQuotas('v', {});
    await scene.ask('v', 'v1', { cpu: 4, ...long });
    api.advance(59);
    await scene.askAs('P1', 'v', 'p1', { cpu: 4 });
    expect(await statesOf('v1')).toEqual(['running']);
    await scene.askAs('P0', 'v', 'p0', { cpu: 4 });
    expect(await statesOf('v1')).toEqual(['preempting']);
  });

  test('who waits is served once the 60 s are over, at the next sweep', async () => {
    await startAgain(db.admin, api);
    await scene.setPool(4);
    await scene.setQuotas('v', {});
    await scene.ask('v', 'v1', { cpu: 4, ...long });
    await scene.askAs('P1', 'v', 'p1', { cpu: 4 });
    api.advance(60);
    expect(await scene.sweep()).toMatchObject({ preempting: 1 });
  });

  test('an equal class, and one that is not overridable', async () => {
    await scene.askAs('P3', 'n', 'n3', { cpu: 4 });
    await db.admin.query(`update tasks set overridable = false where tenant_id = 'v'`);
    await scene.askAs('P0', 'n', 'n0', { cpu: 4 });
    expect(await statesOf('v1', 'v2')).toEqual(['running', 'running']);
    expect(await api.call('operator', 'POST', '/v1/tasks/v1/preempt', { reason: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'not_overridable' },
    });
  });

  test('everybody, when the newcomer would not fit all the same', async () => {
    await db.admin.query(`update tasks set overridable = false where task_id = 'v2'`);
    await scene.askAs('P0', 'n', 'n0', { cpu: 8 });
    expect(await statesOf('v1', 'v2')).toEqual(['running', 'running']);
  });

  test('after three preemptions, until the next checkpoint taken while running', async () => {
    const cycle = async (round: number) => {
      const id = `n${round}`;
      await scene.askAs('P1', 'n', id, { cpu: 8 });
      await scene.checkpoint('v', 'v1', round, round);
      await scene.checkpoint('v', 'v2', round, round);
      await scene.claim('n', id);
      await scene.complete('n', id, 1);
      await scene.claim('v', 'v1', long);
      await scene.claim('v', 'v2', long);
      api.advance(100);
    };
    for (const round of [1, 2, 3]) await cycle(round);
    expect((await scene.task('v', 'v1')).body).toMatchObject({ state: 'running', preemptions: 3 });
    await scene.askAs('P0', 'n', 'n4', { cpu: 8 });
    expect(await statesOf('v1', 'v2')).toEqual(['running', 'running']);
    await scene.checkpoint('v', 'v1', 4, 4);
    await scene.checkpoint('v', 'v2', 4, 4);
    await scene.sweep();
    expect(await statesOf('v1', 'v2')).toEqual(['preempting', 'preempting']);
  });
});

describe('burst is borrowed (A5)', () => {
  test('a tenant within its limit reclaims it from an equal class', async () => {
    await startAgain(db.admin, api);
    await scene.setPool(12);
    await scene.setQuotas('b', { cpu: { limit: 8 } });
    await scene.setQuotas('n', { cpu: { limit: 8 } });
    await scene.ask('b', 'b1', { cpu: 8, ...long });
    await scene.ask('b', 'b2', { cpu: 4, ...long });
    expect((await scene.task('b', 'b2')).body.resources.burstCpu).toBe(4);
    api.advance(60);
    await scene.ask('n', 'n1', { cpu: 4 });
    expect(await statesOf('b1', 'b2')).toEqual(['running', 'preempting']);
    await scene.checkpoint('b', 'b2', 1, 1);
    expect(await statesOf('n1', 'b2')).toEqual(['granted', 'queued']);
    expect((await scene.heartbeat('b', 'b1', 1)).body.directive).toEqual({ action: 'continue' });
  });

  test('and goes before waiting burst of the same class, whenever that was accepted', async () => {
    await startAgain(db.admin, api);
    await scene.setPool(12);
    await scene.setQuotas('b', { cpu: { limit: 8 } });
    await scene.setQuotas('n', {});
    await scene.ask('b', 'b1', { cpu: 8, ...long });
    await scene.ask('b', 'b2', { cpu: 4, ...long });
    api.advance(60);
    await scene.askAs('P1', 'n', 'n1', { cpu: 4 });
    await scene.checkpoint('b', 'b2', 1, 1);
    await scene.claim('n', 'n1');
    await scene.ask('n', 'n2', { cpu: 4 });
    await scene.complete('n', 'n1', 1);
    expect(await statesOf('n2', 'b2')).toEqual(['granted', 'queued']);
  });
});

describe('an operator preempts', () => {
  test('a running task, with a reason; it returns when there is room', async () => {
    expect(await api.call('operator', 'POST', '/v1/tasks/v1/preempt', { reason: 'drain' })).toMatchObject({
      status: 200,
      body: { state: 'preempting' },
    });
    expect((await scene.heartbeat('v', 'v1', 1)).body.directive).toMatchObject({
      action: 'checkpoint',
      reason: 'drain',
    });
    await scene.checkpoint('v', 'v1', 1, 1);
    expect(await statesOf('v1')).toEqual(['granted']);
  });
  test('nothing that does not run', async () => {
    await scene.ask('v', 'v3', { cpu: 4 });
    expect(await api.call('operator', 'POST', '/v1/tasks/v3/preempt', { reason: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'not_running' },
    });
  });
});

describe('starvation is bounded (A10)', () => {
  test('a P3 task under an endless P1 stream starts within 30 minutes', async () => {
    await startAgain(db.admin, api);
    await scene.setPool(4);
    await scene.setQuotas('v', { weight: 1 });
    await scene.setQuotas('n', { weight: 1000 });
    await scene.askAs('P1', 'n', 'p0', { cpu: 4, ...long });
    await scene.ask('v', 'v1', { cpu: 4 });
    let minutes = 0;
    for (; minutes < 60 && (await scene.stateOf('v', 'v1')) === 'queued'; minutes += 1) {
      await scene.askAs('P1', 'n', `p${minutes + 1}`, { cpu: 4, ...long });
      api.advance(60);
      await scene.complete('n', `p${minutes}`, 1);
      await scene.claim('n', `p${minutes + 1}`, long);
    }
    expect(minutes).toBeLessThanOrEqual(30);
  });
});

test('a waiting task that a smaller pool can no longer hold keeps nobody waiting, however long (A11, A15)', async () => {
  await scene.ask('v', 'large', { cpu: 8 });
  await scene.setPool(6);
  await scene.complete('v', 'v1', 1);
  api.advance(1200);
  expect(await scene.ask('n', 'new', { cpu: 2 })).toMatchObject({ status: 201 });
  await scene.complete('v', 'v2', 1);
  expect(await statesOf('large', 'new')).toEqual(['queued', 'running']);
});

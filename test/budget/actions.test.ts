import { afterEach, describe, expect, test } from '@jest/globals';
import { withDatabase } from '../setup/database.ts';
import { deliver, messageOf } from './bus.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);
const { api } = world;

afterEach(() => expectNoDrift(database));

const actions = ['preempt-for-budget', 'run-paused-for-budget'] as const;

/** Brings every order of the tenant that is in the outbox to the consumer, as the bus would. */
async function bus(tenantId: string) {
  const orders = await world.events(tenantId, ...actions);
  return deliver(database.app, api, orders.map(messageOf));
}

const task = async (tenantId: string, taskId: string) =>
  (await api.call({ tenantId }, 'GET', `/v1/tasks/${taskId}`)).body;
const heartbeat = (tenantId: string, taskId: string, epoch: number) =>
  api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/heartbeat`, { epoch });
const checkpoint = (tenantId: string, taskId: string, epoch: number, sequence: number) =>
  api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/checkpoints`, { epoch, sequence, data: { sequence } });
const claim = (tenantId: string, taskId: string) =>
  api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/claim`, { leaseSeconds: 86_400 });
const budgetEvents = (tenantId: string) =>
  database.app.query<{ level: string; acted_by: string | null }>(
    'select level, acted_by from budget_events where tenant_id = $1 order by threshold',
    [tenantId],
  );

async function spent(tenantId: string, costUSD: number, quotas: object = {}, more: object = {}) {
  await world.setQuotas(tenantId, quotas);
  await world.start(tenantId, 'run', 100, more);
  return world.report(tenantId, 'run', { eventId: 'first', taskId: 'run', costUSD });
}

describe('80 %: preempted over the chain, then on as P3 (B5)', () => {
  test('the reporting call itself preempts nobody: the bus does', async () => {
    const answer = await spent('chain', 80);
    expect(answer.body.directive.action).toBe('continue');
    expect((await task('chain', 'run')).state).toBe('running');
    await bus('chain');
    const { directive } = (await heartbeat('chain', 'run', 1)).body;
    expect(directive).toEqual({
      action: 'checkpoint',
      reason: 'budget_exceeded',
      deadline: new Date(api.now().getTime() + 30_000).toISOString(),
    });
  });

  test('it leaves with its checkpoint, queues as P3, resumes, and is not hit again', async () => {
    await spent('demoted', 80);
    await bus('demoted');
    const left = await checkpoint('demoted', 'run', 1, 1);
    expect(left).toMatchObject({ status: 201 });
    // Room is free, so it is granted again at once, in the line of P3.
    expect(await task('demoted', 'run')).toMatchObject({ state: 'granted', priority: { class: 'P3' } });
    expect(await claim('demoted', 'run')).toMatchObject({ status: 200, body: { lease: { epoch: 2 } } });
    await bus('demoted');
    await world.report('demoted', 'run', { eventId: 'more', taskId: 'run', costUSD: 5 });
    await bus('demoted');
    await api.call('operator', 'POST', '/v1/sweep');
    expect((await heartbeat('demoted', 'run', 2)).body.directive).toEqual({ action: 'continue' });
    expect(await task('demoted', 'run')).toMatchObject({ state: 'running', preemptions: 1 });
    expect(await world.events('demoted', 'task-resumed')).toHaveLength(1);
  });

  test('its further phases start as P3 until the budget is raised', async () => {
    await spent('later', 80);
    const phase = (taskId: string) =>
      api.call({ tenantId: 'later' }, 'POST', '/v1/runs/run/tasks', { taskId, phase: 'build' });
    expect((await phase('during')).body.priority.class).toBe('P3');
    await world.setBudget('later', 'run', 200);
    expect((await phase('after')).body.priority.class).toBe('P1');
    expect((await task('later', 'during')).priority.class).toBe('P1');
  });

  test('P0 and what is not overridable stay', async () => {
    await spent('urgent', 80, {}, { phase: 'security' });
    await bus('urgent');
    expect(await task('urgent', 'run')).toMatchObject({ state: 'running', priority: { class: 'P0' } });
    expect(await world.events('urgent', 'preempt-for-budget')).toEqual([]);
    expect((await heartbeat('urgent', 'run', 1)).body.directive).toEqual({ action: 'continue' });
  });

  test('at the deadline it is reclaimed, with the work lost since its checkpoint (P4)', async () => {
    await spent('silent', 80);
    await bus('silent');
    api.advance(30);
    await api.call('operator', 'POST', '/v1/sweep');
    const [left] = await world.events('silent', 'task-preempted');
    expect(left?.data).toMatchObject({ taskId: 'run', reason: 'budget_exceeded', lostWorkUSD: 80 });
  });
});

describe('95 %: everything stores and pauses (B5)', () => {
  test('P0 too; paused it holds neither quota nor money', async () => {
    await spent('paused', 95, { cost: { limitUSD: 1000 } }, { phase: 'security' });
    await bus('paused');
    expect((await heartbeat('paused', 'run', 1)).body.directive).toMatchObject({ action: 'pause' });
    await checkpoint('paused', 'run', 1, 1);
    expect(await task('paused', 'run')).toMatchObject({ state: 'paused', lease: null });
    const usage = (await api.call({ tenantId: 'paused' }, 'GET', '/v1/tenants/paused/usage')).body;
    expect(usage).toMatchObject({
      cpu: { held: 0 },
      memory: { held: 0 },
      concurrentRuns: { used: 0 },
      cost: { spentUSD: 95, heldUSD: 0 },
    });
    expect((await api.call({ tenantId: 'paused' }, 'GET', '/v1/runs/run')).body.status).toBe('paused');
  });

  test('a paused task hears pause, and cannot be resumed or joined', async () => {
    await spent('refused', 96);
    await bus('refused');
    await checkpoint('refused', 'run', 1, 1);
    expect((await heartbeat('refused', 'run', 1)).body.directive.action).toBe('pause');
    expect(await api.call({ tenantId: 'refused' }, 'POST', '/v1/tasks/run/resume')).toMatchObject({
      status: 402,
      body: { code: 'budget_exhausted' },
    });
    expect(
      await api.call({ tenantId: 'refused' }, 'POST', '/v1/runs/run/tasks', { phase: 'test' }),
    ).toMatchObject({ status: 402, body: { code: 'budget_exhausted' } });
  });

  test('a task that was leaving for 80 % pauses when 95 % comes before it has left', async () => {
    await spent('both', 80);
    await bus('both');
    await world.report('both', 'run', { eventId: 'more', taskId: 'run', costUSD: 15 });
    await bus('both');
    expect((await heartbeat('both', 'run', 1)).body.directive.action).toBe('pause');
    await checkpoint('both', 'run', 1, 1);
    expect((await task('both', 'run')).state).toBe('paused');
  });

  test('waiting and granted tasks pause at once', async () => {
    await world.setQuotas('waiting', { cpu: { limit: 16 }, memory: { limit: 64 } });
    await world.start('waiting', 'run', 100);
    const ask = (taskId: string, more: object) =>
      api.call({ tenantId: 'waiting' }, 'POST', '/v1/runs/run/tasks', { taskId, phase: 'build', ...more });
    expect(await ask('granted', { start: 'queue' })).toMatchObject({ body: { state: 'granted' } });
    const burst = { resources: { cpu: 16, memoryGb: 1 } };
    expect(await ask('waits', { ...burst, onQuota: 'wait' })).toMatchObject({ body: { state: 'queued' } });
    await world.report('waiting', 'run', { eventId: 'e', taskId: 'run', costUSD: 95 });
    await bus('waiting');
    expect(await world.taskState('waiting', 'run')).toBe('preempting');
    expect(await world.taskState('waiting', 'granted')).toBe('paused');
    expect(await world.taskState('waiting', 'waits')).toBe('paused');
  });
});

describe('a raised limit (B5)', () => {
  async function pausedRun(tenantId: string) {
    await world.setQuotas(tenantId, { cost: { limitUSD: 500 } });
    await world.start(tenantId, 'run', 100);
    api.advance(1);
    for (const taskId of ['second', 'third']) {
      await api.call({ tenantId }, 'POST', '/v1/runs/run/tasks', {
        taskId,
        phase: 'test',
        leaseSeconds: 86_400,
      });
      api.advance(1);
    }
    await world.report(tenantId, 'run', { eventId: 'e', costUSD: 96 });
    await bus(tenantId);
    for (const taskId of ['third', 'run', 'second']) await checkpoint(tenantId, taskId, 1, 1);
  }

  test('resumes once, in the order of acceptance, and lifts the demotion', async () => {
    await pausedRun('raise');
    const raised = await world.setBudget('raise', 'run', 200, 'the customer agreed');
    expect(raised).toMatchObject({ status: 200, body: { limitUSD: 200, level: 'ok', heldUSD: 104 } });
    const granted = (await world.events('raise', 'task-granted')).map((event) => event.task_id);
    expect(granted).toEqual(['run', 'second', 'third']);
    for (const taskId of ['run', 'second', 'third']) {
      expect(await task('raise', taskId)).toMatchObject({ state: 'granted', priority: { class: 'P1' } });
    }
    await world.setBudget('raise', 'run', 201);
    expect(await world.events('raise', 'run-resumed')).toHaveLength(1);
    expect(await world.events('raise', 'task-granted')).toHaveLength(3);
  });

  test('who approved it, and why, is kept and told', async () => {
    await pausedRun('approved');
    await world.setBudget('approved', 'run', 200, 'the customer agreed');
    const changes = await database.app.query(
      `select budget_version, limit_usd_nanos, reason, actor from budget_changes
       where tenant_id = 'approved' and budget_version > 1`,
    );
    expect(changes).toEqual([
      {
        budget_version: 2,
        limit_usd_nanos: 200_000_000_000n,
        reason: 'the customer agreed',
        actor: 'key-approved',
      },
    ]);
    const [resumed] = await world.events('approved', 'run-resumed');
    expect(resumed?.data).toMatchObject({
      runId: 'run',
      approvedBy: 'key-approved',
      reason: 'the customer agreed',
    });
  });

  test('a raise that stays above 95 % resumes nothing', async () => {
    await pausedRun('short');
    expect((await world.setBudget('short', 'run', 101)).body.level).toBe('pause');
    expect(await world.taskState('short', 'run')).toBe('paused');
    expect(await world.events('short', 'run-resumed')).toEqual([]);
  });

  test('an order still open stays open when the raise does not reach far enough', async () => {
    await spent('open', 96);
    await world.setBudget('open', 'run', 101);
    await bus('open');
    expect((await heartbeat('open', 'run', 1)).body.directive.action).toBe('pause');
  });

  test('an order that comes after the raise does nothing', async () => {
    await spent('overtaken', 96);
    await world.setBudget('overtaken', 'run', 1000);
    await bus('overtaken');
    expect((await heartbeat('overtaken', 'run', 1)).body.directive).toEqual({ action: 'continue' });
    expect(await task('overtaken', 'run')).toMatchObject({ state: 'running', priority: { class: 'P1' } });
  });

  test('a raise while tasks are on their way out sends them back to the line', async () => {
    await spent('on-the-way', 96);
    await bus('on-the-way');
    await world.setBudget('on-the-way', 'run', 1000);
    expect((await heartbeat('on-the-way', 'run', 1)).body.directive.action).toBe('checkpoint');
    await checkpoint('on-the-way', 'run', 1, 1);
    expect((await task('on-the-way', 'run')).state).toBe('granted');
  });

  test.each([
    [
      'a running run',
      async (tenantId: string) => void (await spent(tenantId, 10, { cost: { limitUSD: 150 } })),
    ],
    [
      'a paused run',
      async (tenantId: string) => {
        await pausedRun(tenantId);
        await world.setQuotas(tenantId, { cost: { limitUSD: 150 } });
      },
    ],
  ])("beyond the tenant's cost quota is refused for %s, and changes nothing (B6)", async (name, prepare) => {
    const tenantId = name.replaceAll(' ', '-');
    await prepare(tenantId);
    const before = await task(tenantId, 'run');
    const refused = await world.setBudget(tenantId, 'run', 151);
    expect(refused).toMatchObject({ status: 402, body: { code: 'budget_exhausted' } });
    expect(refused.body.reasons[0]).toMatchObject({ resource: 'cost', level: 'tenant', limit: 150 });
    expect(await task(tenantId, 'run')).toEqual(before);
    expect((await api.call({ tenantId }, 'GET', '/v1/runs/run')).body.budget).toMatchObject({
      limitUSD: 100,
      version: 1,
    });
  });

  test('up to the last dollar of the quota is allowed', async () => {
    await spent('exactly', 10, { cost: { limitUSD: 150 } });
    expect((await world.setBudget('exactly', 'run', 150)).status).toBe(200);
    expect(await world.usage('exactly')).toMatchObject({ spentUSD: 10, heldUSD: 140 });
  });
});

describe('once, whoever acts (E2)', () => {
  const sweep = () => api.call('operator', 'POST', '/v1/sweep');

  test('the report that crosses 95 % is answered with pause; its checkpoint pauses at once, and the late order finds it done', async () => {
    const crossing = await spent('listens', 96);
    expect(crossing.body.directive).toEqual({ action: 'pause', reason: 'budget_exceeded' });
    expect((await heartbeat('listens', 'run', 1)).body.directive.action).toBe('pause');
    expect(await checkpoint('listens', 'run', 1, 1)).toMatchObject({
      status: 201,
      body: { state: 'paused' },
    });
    expect(await world.usage('listens')).toMatchObject({ spentUSD: 96, heldUSD: 0 });
    expect(await budgetEvents('listens')).toContainEqual({ level: 'pause', acted_by: 'runner' });
    await bus('listens');
    await sweep();
    expect(await task('listens', 'run')).toMatchObject({ state: 'paused' });
    expect(await world.events('listens', 'task-preempted')).toHaveLength(1);
    // The chain of causes is the bus's own (R5).
    const [paused] = await world.events('listens', 'run-paused-for-budget');
    const [asked] = await world.events('listens', 'preempt-requested');
    expect(asked?.cause_id).toBe(paused?.event_id);
    await world.setBudget('listens', 'run', 1000);
    expect((await task('listens', 'run')).state).toBe('granted');
  });

  test('the bus first, then the sweep', async () => {
    await spent('bus-first', 96);
    await bus('bus-first');
    api.advance(59);
    await sweep();
    expect(await budgetEvents('bus-first')).toEqual([
      { level: 'warning', acted_by: 'none' },
      { level: 'throttle', acted_by: 'bus' },
      { level: 'pause', acted_by: 'bus' },
    ]);
    expect(await world.events('bus-first', 'preempt-requested')).toHaveLength(1);
  });

  test('with the bus cut off the sweep acts within 60 s, and the late message finds it done', async () => {
    await spent('cut-off', 80);
    await sweep();
    expect(await budgetEvents('cut-off')).toContainEqual({ level: 'throttle', acted_by: null });
    // The schedule comes once a minute, so whatever is open is done by its next visit.
    api.advance(59);
    await sweep();
    expect(await budgetEvents('cut-off')).toContainEqual({ level: 'throttle', acted_by: 'sweep' });
    expect((await heartbeat('cut-off', 'run', 1)).body.directive.action).toBe('checkpoint');
    await bus('cut-off');
    expect(await world.events('cut-off', 'preempt-requested')).toHaveLength(1);
  });

  test('both at once', async () => {
    await spent('race', 80);
    api.advance(59);
    await Promise.all([bus('race'), sweep(), bus('race'), sweep(), bus('race')]);
    expect(await world.events('race', 'preempt-requested')).toHaveLength(1);
    expect((await task('race', 'run')).state).toBe('preempting');
  });
});

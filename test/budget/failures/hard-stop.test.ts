/** Stops that do not stop, or that throw away what was done (B5 to B7, P5). Over bus and queues: test/end-to-end/hard-stop. */

import { afterEach, describe, expect } from '@jest/globals';
import { testStart } from '../../setup/api.ts';
import { withDatabase } from '../../setup/database.ts';
import { expectInvariants } from '../../setup/invariants.ts';
import { deliver, messageOf } from '../bus.ts';
import { expectNoDrift, worldOf } from '../world.ts';
import { failureTable } from './failure-table.ts';
import { budgetAt } from './levels.ts';

const failures = failureTable(import.meta.filename, 'Hard stops that are not hard', {
  onlyAtTheEnd: {
    seenAt: ['paperclip #11276'],
    happened:
      'Costs are known when a run has ended: 5.11 USD were spent of 0.50, nothing stopped it, nothing warned',
    here: 'a run of 0.50 USD that reports as it goes is told to pause at 0.48, and spends no more',
  },
  noEngine: {
    seenAt: ['paperclip #6516', 'paperclip #877'],
    happened:
      'The limit is stored and nothing enforces it: runs that wait start although the budget is spent',
    here: 'from 95 % on nothing of the run starts, by no route, and what waits or was granted is paused',
  },
  betweenSteps: {
    seenAt: ['paperclip #2006', 'fullsend #6588'],
    happened: 'Whether to stop is asked every 30 s, or between iterations only: the one under way goes on',
    here: 'every task of the run hears the order with its next call, and one that does not obey loses its room',
  },
  workThrownAway: {
    seenAt: ['iterion #529'],
    happened:
      'The step that crossed the limit had succeeded; the resumed run paid for it again: 442 USD of 400',
    here: 'the resumed run begins at its checkpoint, and the step told again is not billed again',
  },
  killed: {
    seenAt: ['LifeOS #1176', 'opencompany #1847'],
    happened: 'A budget kills the run; users want it to pause and to ask',
    here: 'a spent budget pauses; a raise resumes once, in order, whoever asks how often, and who allowed it is shown',
  },
  newPeriod: {
    seenAt: ['LifeOS #1176'],
    happened: 'What was stopped stays stopped although the next period has money',
    here: 'a new period resumes what was paused, once, and lifts the demotion',
  },
  hitAgain: {
    seenAt: ['B5'],
    happened: 'A run preempted for its budget resumes into the same threshold, and is preempted for ever',
    here: 'a run preempted at 80 % runs on as P3 and is not hit again, however often it is ordered',
  },
  roundsPastTheLimit: {
    seenAt: ['paperclip #11276', 'paperclip #769'],
    happened: 'At the limit the ceiling is overrun by one whole round of parallel runs',
    here: 'from 95 % on the spending ends at what was settled, held and spent above holds',
  },
});

const database = withDatabase();
const world = worldOf(database);
const { api } = world;

afterEach(async () => {
  await expectNoDrift(database);
  await expectInvariants(database.app, api.now(), { limitsLowered: true });
  expect(await database.app.query('select * from counter_drift(null)')).toEqual([]);
  api.at(testStart);
});

const times = (count: number) => Array.from({ length: count }, (_, index) => index);
const taskOf = async (tenantId: string, taskId: string) =>
  (await api.call({ tenantId }, 'GET', `/v1/tasks/${taskId}`)).body;
const post = (tenantId: string, taskId: string, verb: string, body: object = {}) =>
  api.call({ tenantId }, 'POST', `/v1/tasks/${taskId}/${verb}`, body);
const checkpoint = (tenantId: string, taskId: string, epoch = 1, sequence = 1) =>
  post(tenantId, taskId, 'checkpoints', { epoch, sequence, data: { step: sequence } });
const phase = (tenantId: string, taskId: string, more: object = {}) =>
  api.call({ tenantId }, 'POST', '/v1/runs/run/tasks', {
    taskId,
    phase: 'build',
    leaseSeconds: 86_400,
    ...more,
  });

/** Brings every order there is to its consumer, as bus and queue would. */
async function bus(tenantId: string): Promise<void> {
  const orders = await world.events(tenantId, 'preempt-for-budget', 'run-paused-for-budget');
  await deliver(database.app, api, orders.map(messageOf));
}

failures.test('onlyAtTheEnd', async () => {
  await world.setQuotas('fifty-cents', {});
  await world.start('fifty-cents', 'run', 0.5, { phase: 'security' });
  const step_usd = 0.01;
  let spentUSD = 0;
  for (const step of times(511)) {
    const answer = await world.report('fifty-cents', 'run', { eventId: `step-${step}`, costUSD: step_usd });
    await bus('fifty-cents');
    spentUSD = answer.body.budget.spentUSD;
    const { body } = await post('fifty-cents', 'run', 'heartbeat', { epoch: 1 });
    if (body.directive.action === 'pause') break;
  }
  await checkpoint('fifty-cents', 'run');
  expect(spentUSD).toBe(0.48);
  const alerts = await world.events('fifty-cents', 'budget-alert');
  expect(alerts.map(({ data }) => [data.threshold, data.spentUSD])).toEqual([
    [50, 0.25],
    [80, 0.4],
    [95, 0.48],
  ]);
  expect((await taskOf('fifty-cents', 'run')).state).toBe('paused');
});

failures.test('noEngine', async () => {
  await world.setQuotas('engine', {});
  await world.start('engine', 'run', 100);
  expect((await phase('engine', 'granted', { start: 'queue' })).body.state).toBe('granted');
  await api.call('operator', 'PUT', '/v1/pool', { cpu: null, memoryGb: null, tasks: 2 });
  expect((await phase('engine', 'waits')).body.state).toBe('queued');
  await world.report('engine', 'run', { eventId: 'e', costUSD: 95 });
  await bus('engine');
  await api.call('operator', 'PUT', '/v1/pool', { cpu: null, memoryGb: null });
  await checkpoint('engine', 'run');
  for (const taskId of ['run', 'granted', 'waits']) {
    expect([taskId, (await taskOf('engine', taskId)).state]).toEqual([taskId, 'paused']);
    expect((await post('engine', taskId, 'claim')).status).toBe(409);
    expect((await post('engine', taskId, 'resume')).status).toBe(402);
  }
  expect((await phase('engine', 'more')).status).toBe(402);
  expect((await phase('engine', 'dry', { dryRun: true })).body.decision).toBe('refused');
  expect((await api.call({ tenantId: 'engine' }, 'POST', '/v1/claims', { max: 10 })).body.tasks).toEqual([]);
  for (const _ of times(3)) {
    api.advance(600);
    await api.call('operator', 'POST', '/v1/sweep');
  }
  expect((await api.call({ tenantId: 'engine' }, 'GET', '/v1/runs/run')).body.status).toBe('paused');
});

failures.test('betweenSteps', async () => {
  await world.setQuotas('steps', {});
  await world.start('steps', 'run', 100);
  for (const taskId of ['beats', 'reports', 'deaf']) expect((await phase('steps', taskId)).status).toBe(201);
  await world.report('steps', 'run', { eventId: 'e', costUSD: 95 });
  await bus('steps');
  const heard = await Promise.all([
    post('steps', 'beats', 'heartbeat', { epoch: 1 }),
    world.report('steps', 'run', { eventId: 'f', taskId: 'reports', epoch: 1, costUSD: 0.1 }),
    checkpoint('steps', 'run'),
  ]);
  expect(heard.map(({ body }) => body.directive.action)).toEqual(['pause', 'pause', 'pause']);
  for (const taskId of ['beats', 'reports']) await checkpoint('steps', taskId);
  // The deaf one beats on as if nothing had been said, past its 30 s.
  api.advance(31);
  await post('steps', 'deaf', 'heartbeat', { epoch: 1 });
  await api.call('operator', 'POST', '/v1/sweep');
  expect((await taskOf('steps', 'deaf')).state).toBe('paused');
  expect((await post('steps', 'deaf', 'heartbeat', { epoch: 1 })).body.directive.action).toBe('pause');
  expect(await world.usage('steps')).toMatchObject({ heldUSD: 0 });
});

failures.test('workThrownAway', async () => {
  await world.setQuotas('corpus', {});
  await world.start('corpus', 'run', 400);
  const step = { eventId: 'step-7', taskId: 'run', costUSD: 382 };
  await world.report('corpus', 'run', step);
  await bus('corpus');
  await checkpoint('corpus', 'run', 1, 7);
  expect((await taskOf('corpus', 'run')).state).toBe('paused');
  await world.setBudget('corpus', 'run', 500);
  const claimed = await post('corpus', 'run', 'claim');
  expect(claimed.body).toMatchObject({ lease: { epoch: 2 }, checkpoint: { sequence: 7, data: { step: 7 } } });
  expect((await world.report('corpus', 'run', { ...step, epoch: 2 })).body).toMatchObject({ duplicates: 1 });
  expect(await world.usage('corpus')).toMatchObject({ spentUSD: 382, heldUSD: 118 });
});

failures.test('killed', async () => {
  await world.setQuotas('asked', { cost: { limitUSD: 1000 } });
  await world.start('asked', 'run', 100);
  for (const taskId of ['second', 'third']) {
    api.advance(1);
    expect((await phase('asked', taskId)).status).toBe(201);
  }
  await world.report('asked', 'run', { eventId: 'e', costUSD: 96 });
  await bus('asked');
  for (const taskId of ['third', 'second', 'run']) await checkpoint('asked', taskId);
  const result = await api.call({ tenantId: 'asked' }, 'GET', '/v1/runs/run');
  expect(result.body).toMatchObject({ status: 'paused', budget: { heldUSD: 0, level: 'pause' } });
  const answers = await Promise.all(times(10).map(() => world.setBudget('asked', 'run', 200, 'ticket 12')));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  await bus('asked');
  expect(await world.events('asked', 'run-resumed')).toHaveLength(1);
  expect((await world.events('asked', 'task-granted')).map(({ task_id }) => task_id)).toEqual([
    'run',
    'second',
    'third',
  ]);
  expect((await api.call({ tenantId: 'asked' }, 'GET', '/v1/runs/run')).body.budget.approved).toMatchObject({
    by: 'key-asked',
    reason: 'ticket 12',
  });
  // The money is held once again, not once for each raise or task.
  expect(await world.usage('asked')).toMatchObject({ spentUSD: 96, heldUSD: 104 });
});

failures.test('newPeriod', async () => {
  await world.setQuotas('daily', { cost: { limitUSD: 1000 } });
  await world.start('daily', 'run', 100, { budget: { maxCostUSD: 100, period: 'day' } });
  await world.report('daily', 'run', { eventId: 'e', costUSD: 96 });
  await bus('daily');
  await checkpoint('daily', 'run');
  api.at(new Date('2026-03-11T23:59:59.999Z'));
  await Promise.all(times(5).map(() => api.call('operator', 'POST', '/v1/sweep')));
  expect((await taskOf('daily', 'run')).state).toBe('paused');
  api.at(new Date('2026-03-12T00:00:00.000Z'));
  await Promise.all(times(5).map(() => api.call('operator', 'POST', '/v1/sweep')));
  expect(await taskOf('daily', 'run')).toMatchObject({ state: 'granted', priority: { class: 'P1' } });
  // The orders of yesterday come once more, late.
  await bus('daily');
  expect((await taskOf('daily', 'run')).state).toBe('granted');
  expect(await world.events('daily', 'run-resumed')).toHaveLength(1);
  expect(await world.usage('daily')).toMatchObject({ heldUSD: 100 });
});

failures.test('hitAgain', async () => {
  await world.setQuotas('again', {});
  await world.start('again', 'run', 100);
  await world.report('again', 'run', { eventId: 'e', taskId: 'run', costUSD: 80 });
  await Promise.all(times(5).map(() => bus('again')));
  await checkpoint('again', 'run');
  expect((await post('again', 'run', 'claim', { leaseSeconds: 86_400 })).status).toBe(200);
  for (const round of times(10)) {
    api.advance(61);
    await world.report('again', 'run', { eventId: `more-${round}`, taskId: 'run', epoch: 2, costUSD: 1.4 });
    await Promise.all([bus('again'), api.call('operator', 'POST', '/v1/sweep')]);
  }
  expect((await post('again', 'run', 'heartbeat', { epoch: 2 })).body.directive).toEqual({
    action: 'continue',
  });
  expect(await taskOf('again', 'run')).toMatchObject({
    state: 'running',
    preemptions: 1,
    priority: { class: 'P3' },
    lease: { epoch: 2 },
  });
});

describe.each(['tenant', 'org'] as const)('%s', (level) => {
  failures.test(
    'roundsPastTheLimit',
    async () => {
      const { runs, spend, ask, money, setLimit } = await budgetAt(
        level,
        world,
        database,
        `rounds-${level}`,
        100,
      );
      const more = await ask('third', 15);
      expect(more.status).toBe(201);
      await Promise.all(times(24).map(() => spend(4)));
      const at95 = await money();
      expect(at95.spentUSD).toBe(96);
      // Twenty newcomers for what little is left, raises of those inside, and what these spend above their holds.
      const newcomers = await Promise.all(times(20).map((index) => ask(`new-${index}`, 0.01)));
      expect(newcomers.every(({ status }) => status === 402)).toBe(true);
      // It has spent 48 of its 40, so that this is a cent more.
      const [tenantId = '', runId = ''] = runs[0] ?? [];
      expect((await world.setBudget(tenantId, runId, 48.01)).status).toBe(402);
      const above = 3;
      await Promise.all(times(3).map(() => spend(1)));
      expect((await money()).spentUSD).toBeLessThanOrEqual(at95.spentUSD + at95.heldUSD + above);
      expect((await setLimit(200)).status).toBe(200);
      expect((await ask('after-the-raise', 1)).status).toBe(201);
    },
    level,
  );
});

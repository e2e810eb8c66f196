/** More is granted than there is, because requests come at the same time (A1, B3, B6). */

import { afterEach, expect } from '@jest/globals';
import { testStart } from '../../setup/api.ts';
import { withDatabase } from '../../setup/database.ts';
import { expectInvariants } from '../../setup/invariants.ts';
import { expectNoDrift, worldOf } from '../world.ts';
import { failureTable } from './failure-table.ts';
import { overCommitted, overCrowded, watching } from './watch.ts';

const failures = failureTable(import.meta.filename, 'Overspend by parallel requests', {
  readThenAdd: {
    seenAt: ['litellm #34732', 'litellm #26672', 'litellm #40002'],
    happened:
      'What is spent is read first and added to later, so that requests at the same time all pass: 99.10 USD spent of 30',
    here: 'fifty requests at once get what the limit has, and the others are refused',
  },
  firstEver: {
    seenAt: ['litellm #40095'],
    happened: 'The first requests of a user nobody has seen before find nothing to count on, and all pass',
    here: 'the first requests ever under a budget count against each other',
  },
  noPrice: {
    seenAt: ['litellm #35524', 'litellm #35691'],
    happened: 'For a model without a known price nothing is reserved, and what it costs is booked as zero',
    here: 'a run holds its whole budget whatever model it will use, and usage without a price is refused by name',
  },
  oneInstant: {
    seenAt: ['limitador #520', 'hatchet #4778'],
    happened:
      'Between reserving and settling there is an instant at which the limit has been given away twice',
    here: 'settled and held never exceed a limit at any instant while runs start, spend, are raised and end',
  },
  positions: {
    seenAt: ['hatchet #4778'],
    happened:
      'Three and four runs at once where two may run, because places are counted by order and not by use',
    here: 'two of thirty contenders run at any instant, however fast others end',
  },
});

const database = withDatabase();
const world = worldOf(database);
const { api } = world;

afterEach(async () => {
  await expectNoDrift(database);
  await expectInvariants(database.app, testStart);
  expect(await database.app.query('select * from counter_drift(null)')).toEqual([]);
});

/** Keeps the throttle out of it (A6): who is refused asks on. */
const patient = { policy: { violationsMax: 1000 } };
const fifty = Array.from({ length: 50 }, (_, index) => index);
const ask = (tenantId: string, runId: string, maxCostUSD = 1) =>
  api.call({ tenantId }, 'POST', '/v1/runs', { runId, phase: 'plan', budget: { maxCostUSD } });
const setOrg = (orgId: string, limitUSD: number) =>
  api.call('operator', 'PUT', `/v1/orgs/${orgId}/budget`, { limitUSD, reason: 'contract' });
const countOf = (answers: readonly { status: number }[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

failures.test(
  'readThenAdd',
  async () => {
    await world.setQuotas('tenant', { ...patient, cost: { limitUSD: 10 } });
    const answers = await Promise.all(fifty.map((index) => ask('tenant', `run-${index}`)));
    expect([countOf(answers, 201), countOf(answers, 402)]).toEqual([10, 40]);
    expect(await world.usage('tenant')).toMatchObject({ heldUSD: 10 });
  },
  'runs of a tenant',
);

failures.test(
  'readThenAdd',
  async () => {
    await setOrg('org', 10);
    const tenants = ['org-a', 'org-b', 'org-c', 'org-d', 'org-e'];
    for (const tenantId of tenants) await world.setQuotas(tenantId, { ...patient, orgId: 'org' });
    const answers = await Promise.all(
      fifty.map((index) => ask(tenants[index % tenants.length] ?? '', `run-${index}`)),
    );
    expect([countOf(answers, 201), countOf(answers, 402)]).toEqual([10, 40]);
    expect((await api.call('operator', 'GET', '/v1/orgs/org/budget')).body).toMatchObject({ heldUSD: 10 });
  },
  'runs of the tenants of an organisation',
);

failures.test(
  'readThenAdd',
  async () => {
    await world.setQuotas('raised', { cost: { limitUSD: 20 } });
    const runs = fifty.slice(0, 10).map((index) => `run-${index}`);
    for (const runId of runs) await world.start('raised', runId, 1);
    // Each asks for one more dollar five times over; ten dollars are left for all.
    const answers = await Promise.all(
      fifty.map((index) => world.setBudget('raised', runs[index % runs.length] ?? '', 2 + (index % 5))),
    );
    expect(countOf(answers, 200)).toBeGreaterThan(0);
    expect(countOf(answers, 402)).toBeGreaterThan(0);
    expect((await world.usage('raised')).heldUSD).toBeLessThanOrEqual(20);
  },
  'raises of runs',
);

failures.test(
  'readThenAdd',
  async () => {
    await world.setQuotas('phases', {});
    await world.start('phases', 'run', 10);
    const [reports, phases] = await Promise.all([
      Promise.all(
        fifty.map((index) => world.report('phases', 'run', { eventId: `e${index}`, costUSD: 0.19 })),
      ),
      Promise.all(
        fifty.map((index) =>
          api.call({ tenantId: 'phases' }, 'POST', '/v1/runs/run/tasks', {
            taskId: `t${index}`,
            phase: 'plan',
          }),
        ),
      ),
    ]);
    // 50 of 0.19 are the 9.5 of 10 at which it pauses: nobody comes in after that, and it has told all of it.
    expect(reports.every(({ status }) => status === 200)).toBe(true);
    expect(phases.every(({ status }) => [201, 402].includes(status))).toBe(true);
    expect(
      (await api.call({ tenantId: 'phases' }, 'POST', '/v1/runs/run/tasks', { phase: 'plan' })).status,
    ).toBe(402);
    expect(await world.usage('phases')).toMatchObject({ spentUSD: 9.5, heldUSD: 0.5 });
  },
  'phases of a run that spends',
);

failures.test('firstEver', async () => {
  await setOrg('new-org', 3);
  await world.setQuotas('new', { ...patient, orgId: 'new-org', cost: { limitUSD: 3 } });
  const answers = await Promise.all(fifty.slice(0, 30).map((index) => ask('new', `run-${index}`)));
  expect([countOf(answers, 201), countOf(answers, 402)]).toEqual([3, 27]);
  // And the first costs ever, on rows that are not there yet.
  const started = answers.flatMap(({ status, body }) => (status === 201 ? [String(body.runId)] : []));
  await Promise.all(
    started.flatMap((runId) =>
      [1, 2, 3, 4].map((index) => world.report('new', runId, { eventId: `e${index}`, costUSD: 0.25 })),
    ),
  );
  expect(await world.usage('new')).toMatchObject({ spentUSD: 3, heldUSD: 0 });
});

failures.test('noPrice', async () => {
  await world.setQuotas('priceless', { cost: { limitUSD: 10 } });
  await world.start('priceless', 'run', 8);
  const usage = { inputTokens: 1000, outputTokens: 1000 };
  const { body } = await world.report(
    'priceless',
    'run',
    { eventId: 'unknown', model: 'model-that-nobody-sells-3', usage },
    { eventId: 'known', costUSD: 1 },
  );
  expect(body).toMatchObject({ accepted: 1, rejected: [{ eventId: 'unknown', code: 'unknown_model' }] });
  expect(body.rejected[0].message).toContain('model-that-nobody-sells-3');
  expect(await world.usage('priceless')).toMatchObject({ spentUSD: 1, heldUSD: 7 });
  expect((await ask('priceless', 'another', 2.000000001)).status).toBe(402);
  expect(await database.app.query(`select 1 from cost_events where event_id = 'unknown'`)).toEqual([]);
});

failures.test('oneInstant', async () => {
  await setOrg('instant', 12);
  const tenants = ['instant-a', 'instant-b'];
  for (const tenantId of tenants)
    await world.setQuotas(tenantId, { ...patient, orgId: 'instant', cost: { limitUSD: 8 } });
  let started = 0;
  const life = async (index: number) => {
    for (const round of [1, 2, 3]) {
      const tenantId = tenants[index % 2] ?? '';
      const runId = `run-${index}-${round}`;
      if ((await ask(tenantId, runId)).status !== 201) continue;
      started += 1;
      await world.report(tenantId, runId, { eventId: 'a', costUSD: 0.01 });
      await world.setBudget(tenantId, runId, 1.5);
      await world.report(tenantId, runId, { eventId: 'b', costUSD: 0.02 });
      await world.complete(tenantId, runId);
    }
  };
  const { offenders, looks } = await watching(
    database.admin,
    overCommitted,
    Promise.all(fifty.slice(0, 30).map(life)),
  );
  expect(offenders).toEqual([]);
  expect(looks).toBeGreaterThan(10);
  expect(started).toBeGreaterThan(12);
});

failures.test('positions', async () => {
  await world.setQuotas('places', { ...patient, concurrentRuns: { limit: 2 } });
  let started = 0;
  const contend = async (index: number) => {
    for (const round of [1, 2, 3, 4]) {
      const runId = `run-${index}-${round}`;
      if ((await ask('places', runId)).status !== 201) continue;
      started += 1;
      await world.complete('places', runId);
    }
  };
  const { offenders, looks } = await watching(
    database.admin,
    overCrowded,
    Promise.all(fifty.slice(0, 30).map(contend)),
  );
  expect(offenders).toEqual([]);
  expect(looks).toBeGreaterThan(10);
  expect(started).toBeGreaterThan(4);
});

/** Budgets above budgets (B6): an organisation, its tenants, their runs; reserved together, and the one that refuses is named. */

import { afterEach, describe, expect, test } from '@jest/globals';
import { testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(async () => {
  world.api.at(testStart);
  await expectNoDrift(database);
  await expectInvariants(database.app, testStart, { limitsLowered: true });
  expect(await database.app.query('select * from counter_drift(null)')).toEqual([]);
});

const setOrg = (orgId: string, body: object) =>
  world.api.call('operator', 'PUT', `/v1/orgs/${orgId}/budget`, { reason: 'contract', ...body });
const getOrg = async (orgId: string) =>
  (await world.api.call('operator', 'GET', `/v1/orgs/${orgId}/budget`)).body;
const ask = (tenantId: string, runId: string, maxCostUSD: number, budget: object = {}) =>
  world.api.call({ tenantId }, 'POST', '/v1/runs', {
    runId,
    phase: 'build',
    budget: { maxCostUSD, ...budget },
  });

/** An organisation of two tenants, each of which may spend all that it may. */
async function family(orgId: string, limitUSD: number, tenantLimitUSD: number | null = null) {
  expect((await setOrg(orgId, { limitUSD })).status).toBe(200);
  for (const name of ['a', 'b']) {
    await world.setQuotas(`${orgId}-${name}`, { orgId, cost: { limitUSD: tenantLimitUSD } });
  }
}

test('what one tenant holds, another of the organisation cannot have', async () => {
  await family('shared', 10);
  expect((await ask('shared-a', 'first', 7)).status).toBe(201);
  const refused = await ask('shared-b', 'second', 4);
  expect(refused).toMatchObject({
    status: 402,
    body: {
      code: 'budget_exhausted',
      reasons: [
        { code: 'budget_exhausted', level: 'org', resource: 'cost', limit: 10, used: 0, held: 7, asked: 4 },
      ],
    },
  });
  expect((await ask('shared-b', 'third', 3)).status).toBe(201);
  expect(await getOrg('shared')).toMatchObject({
    limitUSD: 10,
    heldUSD: 10,
    spentUSD: 0,
    tenants: ['shared-a', 'shared-b'],
  });
});

test('every level that refuses is named, nearest first, each with its own figures', async () => {
  await family('both', 10, 8);
  expect((await ask('both-a', 'held', 6)).status).toBe(201);
  const refused = await ask('both-a', 'more', 5);
  expect(refused.status).toBe(402);
  expect(refused.body.reasons).toMatchObject([
    { level: 'tenant', limit: 8, held: 6, asked: 5 },
    { level: 'org', limit: 10, held: 6, asked: 5 },
  ]);
});

test("a child's limit may be above its parent's; more than the parent's whole limit never fits", async () => {
  await family('loose', 10, 1000);
  const refused = await ask('loose-a', 'giant', 11);
  expect(refused).toMatchObject({
    status: 422,
    body: { code: 'never_fits', reasons: [{ level: 'org', limit: 10 }] },
  });
});

test('spending is counted on both, and alerts of the organisation are told once, in order', async () => {
  await family('told', 100);
  await world.start('told-a', 'run-a', 60);
  await world.start('told-b', 'run-b', 40);
  await world.report('told-a', 'run-a', { eventId: 'e1', costUSD: 45 });
  await world.report('told-b', 'run-b', { eventId: 'e2', costUSD: 38 });
  await world.report('told-b', 'run-b', { eventId: 'e2', costUSD: 38 });
  const alerts = [
    ...(await world.events('told-a', 'budget-alert')),
    ...(await world.events('told-b', 'budget-alert')),
  ]
    .filter(({ run_id }) => run_id === null)
    .map(({ data }) => data);
  expect(alerts).toMatchObject([
    { scope: 'org', orgId: 'told', threshold: 50, limitUSD: 100, spentUSD: 83 },
    { scope: 'org', orgId: 'told', threshold: 80, spentUSD: 83 },
  ]);
  expect(await getOrg('told')).toMatchObject({
    spentUSD: 83,
    heldUSD: 17,
    percentUsed: 83,
    level: 'throttle',
    firedThresholds: [50, 80],
  });
});

test('parallel requests of many tenants never take more than the organisation has', async () => {
  expect((await setOrg('storm', { limitUSD: 10 })).status).toBe(200);
  const tenants = Array.from({ length: 10 }, (_, index) => `storm-${index}`);
  for (const tenantId of tenants) await world.setQuotas(tenantId, { orgId: 'storm' });
  const answers = await Promise.all(
    tenants.flatMap((tenantId) => [0, 1, 2].map((index) => ask(tenantId, `run-${index}`, 1))),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 402)).toHaveLength(20);
});

test('a raise of a run is judged by the organisation too', async () => {
  await family('raise', 10);
  await world.start('raise-a', 'run', 6);
  await world.start('raise-b', 'other', 3);
  const refused = await world.setBudget('raise-a', 'run', 8);
  expect(refused).toMatchObject({
    status: 402,
    body: { reasons: [{ level: 'org', limit: 10, held: 9, asked: 2 }] },
  });
  expect((await world.setBudget('raise-a', 'run', 7)).status).toBe(200);
});

test('a tenant that joins or leaves takes what it holds with it, and leaves what it has spent', async () => {
  await family('from', 10);
  expect((await setOrg('to', { limitUSD: 100 })).status).toBe(200);
  await world.start('from-a', 'run', 8);
  await world.report('from-a', 'run', { eventId: 'before', costUSD: 3 });
  await world.setQuotas('from-a', { orgId: 'to' });
  await world.report('from-a', 'run', { eventId: 'after', costUSD: 1 });
  expect(await getOrg('from')).toMatchObject({ spentUSD: 3, heldUSD: 0, tenants: ['from-b'] });
  expect(await getOrg('to')).toMatchObject({ spentUSD: 1, heldUSD: 4, tenants: ['from-a'] });
  await world.setQuotas('from-a', { orgId: null });
  expect(await getOrg('to')).toMatchObject({ spentUSD: 1, heldUSD: 0, tenants: [] });
});

test('who allowed the limit is kept and shown', async () => {
  await setOrg('asked', { limitUSD: 1 });
  await setOrg('asked', { limitUSD: 2, reason: 'ticket 7' });
  expect(await getOrg('asked')).toMatchObject({
    version: 2,
    approved: { by: 'operator', reason: 'ticket 7' },
  });
});

test('its period begins anew in its own time zone, whatever those of its tenants are', async () => {
  world.api.at(new Date('2026-06-01T21:59:59.999Z'));
  await setOrg('zone', { limitUSD: 10, period: 'day', timeZone: 'Europe/Berlin' });
  await world.setQuotas('zone-a', { orgId: 'zone', cost: { limitUSD: null } });
  await world.start('zone-a', 'run', 10);
  await world.report('zone-a', 'run', { eventId: 'e', costUSD: 10 });
  await world.complete('zone-a', 'run');
  const refused = await ask('zone-a', 'late', 1);
  expect(refused.body.reasons).toMatchObject([{ level: 'org', retryAt: '2026-06-01T22:00:00.000Z' }]);
  world.api.at(new Date('2026-06-01T22:00:00.000Z'));
  expect((await ask('zone-a', 'next-day', 1)).status).toBe(201);
  expect(await world.usage('zone-a')).toMatchObject({ spentUSD: 10 });
});

test('another period counts the ledger anew, so that nothing spent is forgotten', async () => {
  world.api.at(new Date('2026-03-20T12:00:00Z'));
  await world.setQuotas('again', { cost: { limitUSD: 100, period: 'month' } });
  await world.start('again', 'run', 50);
  await world.report(
    'again',
    'run',
    { eventId: 'old', costUSD: 3, occurredAt: '2026-03-19T12:00:00Z' },
    { eventId: 'new', costUSD: 4 },
  );
  await world.setQuotas('again', { cost: { limitUSD: 100, period: 'day' } });
  expect(await world.usage('again')).toMatchObject({ spentUSD: 4, periodStart: '2026-03-20T00:00:00.000Z' });
  await world.setQuotas('again', { cost: { limitUSD: 100, period: 'none' } });
  expect(await world.usage('again')).toMatchObject({ spentUSD: 7, periodStart: null });
  await world.setQuotas('again', { cost: { limitUSD: 100, period: 'week', timeZone: 'Asia/Tokyo' } });
  expect(await world.usage('again')).toMatchObject({ spentUSD: 7, periodStart: '2026-03-15T15:00:00.000Z' });
});

describe('bad input names the field and writes nothing', () => {
  test.each([
    ['an organisation that is not there', 'PUT', '/v1/tenants/new-one/quotas', { orgId: 'nobody' }, 'orgId'],
    [
      'an anchored period without its anchor',
      'PUT',
      '/v1/orgs/bad/budget',
      { limitUSD: 1, reason: 'x', period: 'anchored' },
      'anchor',
    ],
    [
      'a time zone without a period',
      'PUT',
      '/v1/orgs/bad/budget',
      { limitUSD: 1, reason: 'x', timeZone: 'UTC' },
      'timeZone',
    ],
    [
      'every so many days of a month',
      'PUT',
      '/v1/orgs/bad/budget',
      { limitUSD: 1, reason: 'x', period: 'month', everyDays: 3 },
      'everyDays',
    ],
    ...(['0000-01-01T00:00:00Z', '9999-12-31T23:59:59-12:00', '0001-01-01T00:00:00Z'] as const).map(
      (anchor) =>
        [
          `an anchor of ${anchor}, which the store cannot keep or count from`,
          'PUT',
          '/v1/orgs/bad/budget',
          { limitUSD: 1, reason: 'x', period: 'anchored', anchor },
          'anchor',
        ] as const,
    ),
    // An abbreviation to the store, and a zone with summer time to JavaScript; and one that the store does not know.
    ...(['CET', 'IST', 'US/Pacific-New'] as const).map(
      (timeZone) =>
        [
          `the time zone ${timeZone}`,
          'PUT',
          '/v1/orgs/bad/budget',
          { limitUSD: 1, reason: 'x', period: 'day', timeZone },
          'timeZone',
        ] as const,
    ),
  ] as const)('%s', async (_name, method, path, body, field) => {
    const answer = await world.api.call('operator', method, path, body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain(field);
    expect(
      await database.app.query(
        `select 1 from orgs where org_id in ('bad', 'nobody') union select 1 from tenants where tenant_id = 'new-one'`,
      ),
    ).toEqual([]);
  });
});

test('an event of a year that cannot be is refused alone, and the others are booked', async () => {
  await world.setQuotas('years', { cost: { limitUSD: 10, period: 'day' } });
  await world.start('years', 'run', 5);
  const answer = await world.report(
    'years',
    'run',
    { eventId: 'zero', costUSD: 1, occurredAt: '0000-01-01T00:00:00Z' },
    { eventId: 'good', costUSD: 1 },
  );
  expect(answer).toMatchObject({
    status: 200,
    body: { accepted: 1, rejected: [{ eventId: 'zero', code: 'bad_event' }] },
  });
});

test('counters of an organisation that no tenant belongs to any more are repaired too', async () => {
  await family('left', 10);
  await world.start('left-a', 'run', 5);
  await world.report('left-a', 'run', { eventId: 'e', costUSD: 2 });
  for (const name of ['a', 'b']) await world.setQuotas(`left-${name}`, { orgId: null });
  await database.admin.query(`update orgs set cost_held_usd_nanos = 7 where org_id = 'left'`);
  await database.admin.query(
    `update account_spend set spent_usd_nanos = 1 where scope = 'org' and account_id = 'left'`,
  );
  const repaired = await database.app.query(
    'select what, stored, derived, repaired from reconcile(true, $1) order by what',
    [testStart],
  );
  expect(repaired).toEqual([
    { what: 'account_spend', stored: '1', derived: '2000000000', repaired: true },
    { what: 'orgs', stored: '7', derived: '0', repaired: true },
  ]);
});

/** A tenant with numbers of the policy of its own, beside one that goes by the stage's. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { policyWith } from '../../shared/admission/policy.ts';
import { putInForce } from '../../shared/admission/policy-in-force.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

beforeEach(() => startAgain(db.admin, api));

/** Both tenants have the same quotas. */
async function ownAndOther(own: object, quotas: object = {}): Promise<void> {
  await scene.setQuotas('own', { ...quotas, policy: own });
  await scene.setQuotas('other', quotas);
}

const seconds = (text: string): number => (Date.parse(text) - api.now().getTime()) / 1000;

async function quotasOf(tenantId: string) {
  const { body } = await api.call({ tenantId }, 'GET', `/v1/tenants/${tenantId}/quotas`);
  return body as { policy: Record<string, number | null>; policyInForce: Record<string, number> };
}

const ofTheStage = {
  violationsMax: 5,
  violationWindowSeconds: 60,
  throttleSeconds: 300,
  retrySeconds: 10,
  claimSeconds: 60,
  leaseSeconds: 60,
  lapsesMax: 3,
  graceSeconds: 30,
  ...{ passOverall: 0.6, passDepth: 0.6, passCoherence: 0.6, passRelevance: 0.6 },
  ...{ rejectOverall: 0.4, rejectDepth: 0.2, rejectCoherence: 0.2, rejectRelevance: 0.2 },
  thinkingTokensMax: 2000,
};
const none = Object.fromEntries(Object.keys(ofTheStage).map((name) => [name, null]));

describe('what a tenant has of its own', () => {
  test('is shown beside what holds; what is left out stays, and null makes it the stage’s again', async () => {
    await scene.setQuotas('own', {});
    expect(await quotasOf('own')).toMatchObject({ policy: none, policyInForce: ofTheStage });
    await scene.setQuotas('own', { policy: { graceSeconds: 90, lapsesMax: 0 } });
    await scene.setQuotas('own', { weight: 2, policy: { violationsMax: 50 } });
    const own = { graceSeconds: 90, lapsesMax: 0, violationsMax: 50 };
    expect(await quotasOf('own')).toMatchObject({
      weight: 2,
      policy: { ...none, ...own },
      policyInForce: { ...ofTheStage, ...own },
    });
    await scene.setQuotas('own', { policy: { graceSeconds: null } });
    expect(await quotasOf('own')).toMatchObject({
      policy: { ...none, lapsesMax: 0, violationsMax: 50 },
      policyInForce: { ...ofTheStage, lapsesMax: 0, violationsMax: 50 },
    });
  });

  test('is set by operators only, and who set it when is on record', async () => {
    await scene.setQuotas('own', {});
    const asked = await api.call({ tenantId: 'own' }, 'PUT', '/v1/tenants/own/quotas', {
      policy: { graceSeconds: 90 },
    });
    expect(asked.status).toBe(403);
    const audit = () =>
      db.admin.query(`select policy, policy_updated_at as at, policy_updated_by as by from tenants`);
    expect(await audit()).toEqual([{ policy: {}, at: null, by: null }]);
    const at = api.now();
    await scene.setQuotas('own', { policy: { graceSeconds: 90 } });
    api.advance(1);
    await scene.setQuotas('own', { weight: 3 });
    expect(await audit()).toEqual([{ policy: { grace_seconds: 90 }, at, by: 'operator' }]);
  });

  test('goes before what the stage overrides', async () => {
    await ownAndOther({ graceSeconds: 90 });
    const restore = putInForce(policyWith({ grace_seconds: 45, lapses_max: 1 }));
    try {
      expect(await quotasOf('own')).toMatchObject({ policyInForce: { graceSeconds: 90, lapsesMax: 1 } });
      expect(await quotasOf('other')).toMatchObject({ policyInForce: { graceSeconds: 45, lapsesMax: 1 } });
    } finally {
      restore();
    }
  });
});

describe('its floors of a verdict (D2)', () => {
  const put = (policy: object) => api.call('operator', 'PUT', '/v1/tenants/own/quotas', { policy });

  test.each<[string, object, object, string[]]>([
    ['a reject floor at its pass floor is as high as may be', {}, { rejectDepth: 0.6 }, []],
    ['above it, it is refused', {}, { rejectDepth: 0.61 }, ['policy.rejectDepth']],
    ['so is a pass floor below it', {}, { passCoherence: 0.19 }, ['policy.passCoherence']],
    ['both at once may move past what was', {}, { passOverall: 0.2, rejectOverall: 0.1 }, []],
    ['both at once must rise', {}, { passOverall: 0.1, rejectOverall: 0.2 }, ['policy.rejectOverall']],
    ['what is left out is the own one', { passDepth: 0.9 }, { rejectDepth: 0.8 }, []],
    [
      'and the stage’s once it is lifted',
      { passDepth: 0.9, rejectDepth: 0.8 },
      { passDepth: null },
      ['policy.passDepth'],
    ],
    [
      'every one that is wrong is named',
      {},
      { rejectOverall: 0.7, passRelevance: 0.1 },
      ['policy.rejectOverall', 'policy.passRelevance'],
    ],
  ])('%s', async (_, before, given, wrong) => {
    expect((await put(before)).status).toBe(200);
    const own = await quotasOf('own');
    const { status, body } = await put(given);
    expect({ status, paths: (body.errors ?? []).map(({ path }: { path: string }) => path) }).toEqual({
      status: wrong.length === 0 ? 200 : 400,
      paths: wrong,
    });
    const expected = wrong.length === 0 ? { ...own.policy, ...given } : own.policy;
    expect((await quotasOf('own')).policy).toEqual(expected);
  });
});

describe('its throttle (A6)', () => {
  const quotas = { cpu: { limit: 1, burstShare: 0 } };

  /** Asks for more than the quota holds, time and again. */
  async function refusals(tenantId: string, count: number, everySeconds: number): Promise<void> {
    await scene.ask(tenantId, 'holder');
    for (let number = 1; number <= count; number += 1) {
      await scene.ask(tenantId, `over-${number}`);
      api.advance(everySeconds);
    }
  }
  const throttledUntil = async (tenantId: string): Promise<string | null> =>
    (await scene.usage(tenantId)).throttledUntil;

  test('begins after its own number of violations', async () => {
    await ownAndOther({ violationsMax: 2 }, quotas);
    await refusals('own', 2, 0);
    await refusals('other', 4, 0);
    expect(await throttledUntil('own')).not.toBeNull();
    expect(await throttledUntil('other')).toBeNull();
  });

  test('counts them over its own window', async () => {
    await ownAndOther({ violationWindowSeconds: 120 }, quotas);
    // The fifth comes 80 s after the first.
    await refusals('other', 5, 20);
    await refusals('own', 5, 20);
    expect(await throttledUntil('other')).toBeNull();
    expect(await throttledUntil('own')).not.toBeNull();
  });

  test('lasts its own time; one that runs already keeps its end', async () => {
    await ownAndOther({ throttleSeconds: 20 }, quotas);
    await refusals('own', 5, 0);
    await refusals('other', 5, 0);
    expect(seconds((await throttledUntil('own')) ?? '')).toBe(20);
    expect(seconds((await throttledUntil('other')) ?? '')).toBe(300);
    await scene.setQuotas('own', { policy: { throttleSeconds: 1 } });
    expect(seconds((await throttledUntil('own')) ?? '')).toBe(20);
    api.advance(20);
    expect(await scene.ask('own', 'after')).toMatchObject({ body: { code: 'quota_exceeded' } });
  });
});

test('a refusal for quota names its own time to try again (A2)', async () => {
  await ownAndOther({ retrySeconds: 45 }, { cpu: { limit: 1, burstShare: 0 } });
  for (const [tenantId, expected] of [
    ['own', 45],
    ['other', 10],
  ] as const) {
    await scene.ask(tenantId, 'holder');
    const { body, headers } = await scene.ask(tenantId, 'over');
    expect(seconds(body.reasons[0].retryAt)).toBe(expected);
    expect(headers['retry-after']).toBe(String(expected));
  }
});

describe('its leases and grants (A11, A12)', () => {
  test('a task that asks for no lease gets its tenant’s; one that asks, what it asks', async () => {
    await ownAndOther({ leaseSeconds: 600 });
    const leaseOf = async (tenantId: string, runId: string, ask: object = {}) =>
      seconds((await scene.ask(tenantId, runId, { ...ask })).body.lease.expiresAt);
    expect(await leaseOf('own', 'a')).toBe(600);
    expect(await leaseOf('own', 'b', { leaseSeconds: 20 })).toBe(20);
    expect(await leaseOf('other', 'a')).toBe(60);
    // A repeat hears the first answer, whatever the lease is by then (A7).
    await scene.setQuotas('own', { policy: { leaseSeconds: null } });
    expect(await leaseOf('own', 'a')).toBe(600);
    expect(await leaseOf('own', 'c')).toBe(60);
  });

  test('a heartbeat renews for the tenant’s time', async () => {
    await ownAndOther({ leaseSeconds: 600 });
    await scene.ask('own', 'a');
    api.advance(100);
    const { body } = await scene.heartbeat('own', 'a', 1);
    expect(seconds(body.lease.expiresAt)).toBe(600);
  });

  test('a grant waits its tenant’s time to be claimed, from admission and from the line', async () => {
    await scene.setPool(4);
    await ownAndOther({ claimSeconds: 200 });
    for (const tenantId of ['own', 'other']) {
      await scene.ask(tenantId, 'at-once', { start: 'queue' });
      await scene.ask(tenantId, 'holder');
    }
    for (const tenantId of ['own', 'other']) await scene.ask(tenantId, 'waits');
    for (const tenantId of ['own', 'other']) await scene.complete(tenantId, 'holder', 1);
    const states = async () =>
      Promise.all(
        ['own', 'other'].flatMap((tenantId) =>
          ['at-once', 'waits'].map((taskId) => scene.stateOf(tenantId, taskId)),
        ),
      );
    expect(await states()).toEqual(['granted', 'granted', 'granted', 'granted']);
    api.advance(60);
    // What is not claimed goes back to its place, is granted once more, and is told from the first grant by its epoch.
    await scene.sweep();
    const epochs = await db.admin.query<{ key: string; epoch: bigint }>(
      `select tenant_id || '/' || task_id as key, epoch from tasks where task_id in ('at-once', 'waits') order by 1`,
    );
    expect(epochs.map(({ key, epoch }) => [key, Number(epoch)])).toEqual([
      ['other/at-once', 2],
      ['other/waits', 2],
      ['own/at-once', 1],
      ['own/waits', 1],
    ]);
    api.advance(139);
    expect(await scene.claim('own', 'at-once')).toMatchObject({ status: 200 });
    api.advance(1);
    expect(await scene.claim('own', 'waits')).toMatchObject({ status: 409 });
  });

  test('a task fails once its lease has lapsed too often for its tenant', async () => {
    await ownAndOther({ lapsesMax: 0 });
    for (const tenantId of ['own', 'other']) await scene.ask(tenantId, 'a');
    api.advance(60);
    await scene.sweep();
    expect(await scene.stateOf('own', 'a')).toBe('failed');
    expect(await scene.stateOf('other', 'a')).toBe('granted');
  });
});

describe('its time to leave (P4)', () => {
  const deadlineOf = async (tenantId: string): Promise<number> => {
    const { body } = await scene.heartbeat(tenantId, 'a', 1);
    expect(body.directive.action).toBe('checkpoint');
    return seconds(body.directive.deadline);
  };

  test('an operator’s preemption gives each tenant its own', async () => {
    await ownAndOther({ graceSeconds: 300 });
    for (const tenantId of ['own', 'other']) {
      await scene.ask(tenantId, 'a', { leaseSeconds: 3600 });
      await api.call('operator', 'POST', `/v1/tasks/a/preempt?tenantId=${tenantId}`, { reason: 'as told' });
    }
    expect(await deadlineOf('own')).toBe(300);
    expect(await deadlineOf('other')).toBe(30);
  });

  test('victims of one newcomer leave by their own tenants’ times', async () => {
    await scene.setPool(2);
    await ownAndOther({ graceSeconds: 300 });
    for (const tenantId of ['own', 'other']) await scene.ask(tenantId, 'a', { leaseSeconds: 3600 });
    api.advance(61);
    await scene.setQuotas('third', { policy: { graceSeconds: 5 } });
    await scene.askAs('P1', 'third', 'newcomer', { cpu: 2 });
    expect(await deadlineOf('own')).toBe(300);
    expect(await deadlineOf('other')).toBe(30);
    api.advance(31);
    await scene.sweep();
    expect(await scene.stateOf('own', 'a')).toBe('preempting');
    expect(await scene.stateOf('other', 'a')).toBe('queued');
  });
});

/** A plan is carried out on the facts that it was made on, or not at all (A1, A11). */

import { expect, test } from '@jest/globals';
import { policy } from '../../shared/admission/policy.ts';
import { readSnapshot } from '../../shared/admission/scheduler.ts';
import { json } from '../../shared/platform/db.ts';
import { withScene } from './with-scene.ts';

/** The pool has room again for the one that waits, and no pass has been made yet. */
const { db, api, scene } = withScene(async ({ scene, api }) => {
  await scene.setPool(4);
  for (const tenant of ['a', 'b']) await scene.setQuotas(tenant, {});
  await scene.ask('a', 'holds', { cpu: 4 });
  await scene.ask('b', 'waits', { cpu: 4, leaseSeconds: 3600 });
  // The lease of the one that holds the room lapses, which no write marks (A12).
  api.advance(60);
});

/** Grants the one that waits, by a plan made on `version`. */
async function grantOn(version: string): Promise<{ applied: boolean; granted?: unknown[] }> {
  const plan = {
    planId: 'p',
    snapshot: {},
    grants: [{ tenantId: 'b', taskId: 'waits', displaced: [], decisionId: 'd' }],
    preemptions: [],
  };
  const [row] = await db.app.query<{ result: { applied: boolean } }>(
    'select apply_plan(p_plan => $1, p_version => $2, p_policy => $3, p_now => $4) as result',
    [json(plan), version, json(policy), api.now()],
  );
  if (row === undefined) throw new Error('apply_plan returned no row');
  return row.result;
}

const versionNow = async () => (await readSnapshot(db.app, null, api.now())).version;

test('on the facts it was made on', async () => {
  expect(await grantOn(await versionNow())).toMatchObject({ applied: true, granted: [{ taskId: 'waits' }] });
  expect(await scene.stateOf('b', 'waits')).toBe('granted');
});

test('not once anything has changed since, though the grant would still be possible', async () => {
  const version = await versionNow();
  await db.admin.query('update pool set version = version + 1');
  expect(await grantOn(version)).toEqual({ applied: false });
  expect(await scene.stateOf('b', 'waits')).toBe('queued');
});

/** What the tests of reconciliation share: a stage of their own, and one that is busy. */

import { afterEach, expect } from '@jest/globals';
import { reconcile } from '../../shared/admission/reconcile.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { sceneOf, startAgain } from './scene.ts';

export const long = { leaseSeconds: 3600 };

/** Use at the top level of a file. */
export function reconciledStage() {
  const db = withDatabase();
  const api = testApi(() => db.app);
  const scene = sceneOf(api);
  afterEach(() => expectInvariants(db.admin, api.now()));

  async function emptyStage(): Promise<void> {
    await startAgain(db.admin, api);
    await db.admin.query('truncate reconciliations');
  }

  /**
   * Two tenants with tasks in every state. Each has 1 GB, and its run a budget of 1 USD. At the end:
   *
   * | tenant | task    | vCPU | state             | spent USD |                                         |
   * |--------|---------|------|-------------------|-----------|-----------------------------------------|
   * | a      | done    | 1    | completed         | 0.25      |                                         |
   * | a      | work    | 6    | running           | 0.3 + 0.2 | the second reported for the run alone   |
   * | a      | burst   | 6    | preempting        |           | 2 of its 6 above the limit of 10        |
   * | a      | later   | 5    | queued, for quota |           |                                         |
   * | b      | urgent  | 6    | queued, promised  |           | takes the room that a's burst is leaving |
   * | b      | big     | 5    | queued, for pool  |           |                                         |
   * | b      | demoted | 3    | granted           | 0.85      | was preempted at 80 %                   |
   * | b      | lapsed  | 1    | granted           | 0.1       | lost with its lease                     |
   * | b      | paused  | 1    | paused            | 0.96      | stopped at 95 %                         |
   */
  async function busyStage(): Promise<void> {
    await emptyStage();
    await scene.setPool(17, 100);
    await scene.setQuotas('a', { cpu: { limit: 10 }, memory: { limit: 40 }, cost: { limitUSD: 1000 } });
    await scene.setQuotas('b', {});
    await scene.ask('a', 'done');
    await scene.spend('a', 'done', 'e', 0.25, { taskId: 'done' });
    await scene.complete('a', 'done', 1);
    await scene.ask('a', 'work', { cpu: 6, ...long });
    await scene.spend('a', 'work', 'e1', 0.3, { taskId: 'work' });
    await scene.spend('a', 'work', 'e2', 0.2);
    await scene.ask('b', 'demoted', { cpu: 3, ...long });
    await scene.ask('b', 'paused', long);
    await scene.ask('b', 'lapsed', { leaseSeconds: 30 });
    await scene.ask('a', 'burst', { cpu: 6, ...long });
    await scene.ask('a', 'later', { cpu: 5, onQuota: 'wait' });
    await scene.spend('b', 'demoted', 'e', 0.85, { taskId: 'demoted' });
    await scene.spend('b', 'paused', 'e', 0.96, { taskId: 'paused' });
    await scene.spend('b', 'lapsed', 'e', 0.1, { taskId: 'lapsed' });
    api.advance(60);
    await scene.sweep();
    await scene.askAs('P0', 'b', 'urgent', { cpu: 6 });
    await scene.checkpoint('b', 'demoted', 1, 1);
    await scene.checkpoint('b', 'paused', 1, 1);
    await scene.ask('b', 'big', { cpu: 5 });
    const states = await db.admin.query<{ state: string }>(
      `select concat_ws(' ', task_id, state, waiting_for, case when promised then 'promised' end) as state from tasks order by tenant_id, task_id`,
    );
    expect(states.map(({ state }) => state)).toEqual([
      'burst preempting',
      'done completed',
      'later queued quota',
      'work running',
      'big queued pool',
      'demoted granted',
      'lapsed granted',
      'paused paused',
      'urgent queued pool promised',
    ]);
  }

  return {
    db,
    api,
    scene,
    emptyStage,
    busyStage,
    look: () => reconcile(db.app, { repair: false }, api.now()),
    repair: () => reconcile(db.app, { repair: true }, api.now()),
  };
}

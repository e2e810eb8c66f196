/** Drift is looked for and repaired beside calls under way (R5). */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { long, reconciledStage } from './reconcile-stage.ts';

const { db, scene, emptyStage, look, repair } = reconciledStage();

describe('beside calls under way', () => {
  const ids = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  /** Admissions, costs, checkpoints and ends of a tenant's runs, all at once; no answer is an error of ours. */
  const work = async (prefix: string) => {
    const answers = await Promise.all(
      ids(12, prefix).map(async (id) => [
        await scene.ask('a', id, long),
        ...(await Promise.all([
          scene.spend('a', id, 'e1', 0.1, { taskId: id }),
          scene.spend('a', id, 'e2', 0.1, { taskId: id }),
          scene.checkpoint('a', id, 1, 1),
        ])),
        await scene.complete('a', id, 1),
      ]),
    );
    expect(answers.flat().filter(({ status }) => status >= 500)).toEqual([]);
  };

  beforeEach(async () => {
    await emptyStage();
    await scene.setPool(8, 100);
    await scene.setQuotas('a', { cpu: { limit: 30 }, cost: { limitUSD: 1000 } });
  });

  test('what they have half done is never taken for drift', async () => {
    let busy = true;
    const found: unknown[] = [];
    const looking = (async () => {
      while (busy) found.push(...(await look()));
    })();
    await work('x');
    busy = false;
    await looking;
    expect(found).toEqual([]);
  });

  test('because the look and all its parts run on one snapshot: none may take its own', async () => {
    const parts = await db.admin.query<{ name: string; volatility: string }>(
      `select proname as name, provolatile as volatility from pg_proc where proname ~ '^(counter_drift|drift_in_)'`,
    );
    expect(parts.length).toBeGreaterThan(7);
    expect(parts.filter(({ volatility }) => volatility !== 's')).toEqual([]);
  });

  test('a repair in their midst loses none of them', async () => {
    let busy = true;
    let repaired = 0;
    const repairing = (async () => {
      while (busy) {
        await db.admin.transaction(async (tx) => {
          // The one order of locks, so that the test itself closes no circle of waiting.
          await tx.query(`select lock_scheduler('{a}')`);
          await tx.query('select 1 from runs order by run_id for update');
          await tx.query('update pool set cpu_used = cpu_used + 1');
          await tx.query(
            'update tenants set cpu_held = cpu_held + 1, runs_held = runs_held + 1, cost_held_usd_nanos = cost_held_usd_nanos + 1',
          );
          await tx.query(
            'update runs set spent_usd_nanos = spent_usd_nanos + 1, live_tasks = live_tasks + 1',
          );
        });
        repaired += (await repair()).filter((drift) => drift.repaired).length;
      }
    })();
    await work('y');
    await work('z');
    busy = false;
    await repairing;
    expect(repaired).toBeGreaterThan(0);
    expect(await look()).toEqual([]);
    // Whether or not a call found room in the false counters: all costs of accepted tasks were booked.
    const [sums] = await db.admin.query(
      `select sum(spent_usd_nanos) = 200000000 * count(*) as booked from tasks`,
    );
    expect(sums).toEqual({ booked: true });
  });

  test('two repairs at once: one does it', async () => {
    await scene.ask('a', 'r1');
    await db.admin.query('update pool set cpu_used = 9');
    const [first, second] = await Promise.all([repair(), repair()]);
    expect([first.length, second.length].toSorted()).toEqual([0, 1]);
    expect(await db.app.query('select 1 from reconciliations')).toHaveLength(1);
  });
});

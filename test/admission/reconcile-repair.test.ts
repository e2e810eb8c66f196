/** What a repair of drifted counters does beside setting them (R5). */

import { describe, expect, test } from '@jest/globals';
import { testStart } from '../setup/api.ts';
import { long, reconciledStage } from './reconcile-stage.ts';

const { db, api, scene, emptyStage, busyStage, look, repair } = reconciledStage();

describe('a repair', () => {
  test('of many at once, of two tenants and the pool, leaves none', async () => {
    await busyStage();
    await db.admin.query('update pool set cpu_used = 3, memory_gb_used = 90');
    await db.admin.query('update tenants set cpu_held = 100, cpu_in_use = 50, runs_held = 9');
    await db.admin.query('update runs set live_tasks = 2, spent_usd_nanos = 7, status = $1', ['queued']);
    await db.admin.query('update tasks set spent_usd_nanos = 3, burst_cpu = 1');
    await db.admin.query('delete from tenant_usage');
    await db.admin.query('delete from account_spend');
    const found = await repair();
    expect(found.length).toBeGreaterThan(30);
    expect(found.filter(({ repaired }) => !repaired)).toEqual([]);
    expect(await look()).toEqual([]);
  });

  test('is on record: when, by whom and what', async () => {
    await busyStage();
    await db.admin.query('update pool set cpu_used = 3');
    await repair();
    expect(await db.app.query('select at, actor, drift from reconciliations')).toEqual([
      {
        at: api.now(),
        actor: 'mothership_app',
        drift: [
          {
            ...{ what: 'pool', tenant_id: null, run_id: null, task_id: null, part: null },
            ...{ counter: 'cpu_used', stored: '3', derived: '16', repaired: true },
          },
        ],
      },
    ]);
    await expect(db.app.query('update reconciliations set actor = $1', ['nobody'])).rejects.toThrow(
      /permission denied/,
    );
  });

  test('corrects the usage ledger with a row, and takes none away', async () => {
    await busyStage();
    await db.admin.query(
      `insert into tenant_usage (tenant_id, run_id, kind, cpu, runs, reason, at) values
         ('b', 'big', 'allocate', 2, 0, 'by mistake', $1), ('b', 'big', 'release', 0, 1, 'by mistake', $1)`,
      [testStart],
    );
    await repair();
    expect(
      await db.app.query(
        `select kind, cpu, memory_gb, runs from tenant_usage where reason = 'reconcile' order by kind`,
      ),
    ).toEqual([
      { kind: 'allocate', cpu: '0.000', memory_gb: '0.000', runs: 1 },
      { kind: 'release', cpu: '2.000', memory_gb: '0.000', runs: 0 },
    ]);
  });

  test('makes refusals that rested on the wrong counter be judged anew', async () => {
    await emptyStage();
    await scene.setQuotas('a', { cpu: { limit: 4, burstShare: 0 } });
    await db.admin.query('update tenants set cpu_held = 4');
    expect((await scene.ask('a', 'r1', { cpu: 4 })).status).toBe(429);
    await repair();
    expect((await scene.ask('a', 'r1', { cpu: 4 })).status).toBe(201);
  });

  test('gives the room of a promise without victims back to the line', async () => {
    await emptyStage();
    await scene.setPool(4);
    await scene.setQuotas('a', {});
    await scene.ask('a', 'r1', { cpu: 2, ...long });
    await scene.ask('a', 'head', { cpu: 4 });
    await db.admin.query(`update tasks set promised = true where task_id = 'head'`);
    // It fits beside r1 and may pass a head that does not, on room that is not promised (A11).
    await scene.ask('a', 'small', { cpu: 2 });
    expect(await scene.stateOf('a', 'small')).toBe('queued');
    await repair();
    await scene.sweep();
    expect(await scene.stateOf('a', 'small')).toBe('granted');
  });
});

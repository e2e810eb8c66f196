/** Counters are recomputed from rows, drift is reported and repaired (R5). */

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { reconcile } from '../../shared/admission/reconcile.ts';
import { testApi, testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);
const long = { leaseSeconds: 3600 };

async function emptyStage(): Promise<void> {
  await startAgain(db.admin, api);
  await db.admin.query('truncate reconciliations');
}
afterEach(() => expectInvariants(db.admin, api.now()));

const look = () => reconcile(db.app, { repair: false }, api.now());
const repair = () => reconcile(db.app, { repair: true }, api.now());

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

test('a busy stage has no drift, and repairing it changes and records nothing', async () => {
  await busyStage();
  expect(await look()).toEqual([]);
  const version = 'select version from pool';
  const before = await db.admin.query(version);
  expect(await repair()).toEqual([]);
  expect(await db.admin.query(version)).toEqual(before);
  expect(await db.admin.query('select * from reconciliations')).toEqual([]);
});

test('an empty stage has none either', async () => {
  await emptyStage();
  expect(await look()).toEqual([]);
});

describe('drift in one place: told with both values, repaired, and then gone', () => {
  const of = (run: string) => `where tenant_id = 'b' and run_id = '${run}'`;
  /** What the drift is in; `counter stored -> derived` for each counter that differs. */
  const drifts: [injected: string, sql: string, place: object, differs: string[]][] = [
    // The pool holds a's 6 + 6 and b's 3 + 1 vCPU, four tasks of 1 GB.
    ['pool cpu', 'update pool set cpu_used = 17.5', { what: 'pool' }, ['cpu_used 17.5 -> 16']],
    ['pool memory', 'update pool set memory_gb_used = 0', { what: 'pool' }, ['memory_gb_used 0 -> 4']],
    ['pool tasks', 'update pool set tasks_used = 5', { what: 'pool' }, ['tasks_used 5 -> 4']],
    [
      'everything a tenant holds and uses, as after a restore of its row',
      `update tenants set cpu_held = 0, memory_gb_held = 0, runs_held = 0, cost_held_usd_nanos = 0, cpu_in_use = 0, memory_gb_in_use = 0, tasks_in_use = 0
       where tenant_id = 'b'`,
      { what: 'tenants', tenantId: 'b' },
      // Held: demoted, lapsed, big and urgent; their money is 0.15 + 0.9 + 1 + 1 USD. In the pool: the first two.
      [
        'cost_held_usd_nanos 0 -> 3050000000',
        'cpu_held 0 -> 15',
        'cpu_in_use 0 -> 4',
        'memory_gb_held 0 -> 4',
        'memory_gb_in_use 0 -> 2',
        'runs_held 0 -> 4',
        'tasks_in_use 0 -> 2',
      ],
    ],
    [
      'money held, by the least amount there is',
      `update tenants set cost_held_usd_nanos = cost_held_usd_nanos + 1 where tenant_id = 'b'`,
      { what: 'tenants', tenantId: 'b' },
      ['cost_held_usd_nanos 3050000001 -> 3050000000'],
    ],
    [
      'more money than a JavaScript number can count',
      `update tenants set cost_held_usd_nanos = 9007199254740993 where tenant_id = 'b'`,
      { what: 'tenants', tenantId: 'b' },
      ['cost_held_usd_nanos 9007199254740993 -> 3050000000'],
    ],
    [
      "a tenant's sequence of events",
      `update tenants set event_sequence = 3 where tenant_id = 'a'`,
      { what: 'tenants', tenantId: 'a' },
      ['event_sequence 3 -> 0'],
    ],
    [
      'burst marks that are too many',
      `update tasks set burst_cpu = 5 where task_id = 'burst'`,
      { what: 'burst_marks', tenantId: 'a' },
      ['burst_cpu 5 -> 2'],
    ],
    [
      'burst marks that are gone',
      `update tasks set burst_cpu = 0 where task_id = 'burst'`,
      { what: 'burst_marks', tenantId: 'a' },
      ['burst_cpu 0 -> 2'],
    ],
    [
      'burst marks of a tenant without limits',
      `update tasks set burst_memory_gb = 1 where task_id = 'big'`,
      { what: 'burst_marks', tenantId: 'b' },
      ['burst_memory_gb 1 -> 0'],
    ],
    [
      'the sums of a run',
      `update runs set live_tasks = 3, preemptions = 7, lost_work_usd_nanos = 5 ${of('demoted')}`,
      { what: 'runs', tenantId: 'b', runId: 'demoted' },
      ['live_tasks 3 -> 1', 'lost_work_usd_nanos 5 -> 0', 'preemptions 7 -> 1'],
    ],
    [
      'work lost with a lease',
      `update runs set lost_work_usd_nanos = 0 ${of('lapsed')}`,
      { what: 'runs', tenantId: 'b', runId: 'lapsed' },
      ['lost_work_usd_nanos 0 -> 100000000'],
    ],
    [
      'what a run spent',
      `update runs set spent_usd_nanos = 0 where run_id = 'work'`,
      { what: 'runs', tenantId: 'a', runId: 'work' },
      ['spent_usd_nanos 0 -> 500000000'],
    ],
    [
      'what it spent in its period, from which its hold follows',
      `update runs set period_spent_usd_nanos = 0 where run_id = 'work'`,
      { what: 'runs', tenantId: 'a', runId: 'work' },
      ['period_spent_usd_nanos 0 -> 500000000'],
    ],
    [
      'what a task spent: its own events only',
      `update tasks set spent_usd_nanos = 1 where task_id = 'work'`,
      { what: 'tasks', tenantId: 'a', runId: 'work', taskId: 'work' },
      ['spent_usd_nanos 1 -> 300000000'],
    ],
    [
      'a live run that says it has ended',
      `update runs set status = 'failed', ended_at = '2026-03-11T12:00:30Z' where run_id = 'work'`,
      { what: 'runs', tenantId: 'a', runId: 'work' },
      ['ended_at 2026-03-11T12:00:30.000Z -> null', 'status failed -> running'],
    ],
    [
      'an ended run that says it is live',
      `update runs set status = 'queued', ended_at = null where run_id = 'done'`,
      { what: 'runs', tenantId: 'a', runId: 'done' },
      ['ended_at null -> 2026-03-11T12:00:00.000Z', 'status queued -> completed'],
    ],
    [
      'a waiting and a paused run that have changed places',
      `update runs set status = 'paused' ${of('big')}`,
      { what: 'runs', tenantId: 'b', runId: 'big' },
      ['status paused -> queued'],
    ],
    [
      'the sequence of the events of a run: run-admitted, task-started, run-completed',
      `update runs set event_sequence = 0 where run_id = 'done'`,
      { what: 'runs', tenantId: 'a', runId: 'done' },
      ['event_sequence 0 -> 3'],
    ],
    [
      'what the budget has brought about',
      `update runs set demoted = false, budget_paused = false ${of('paused')}`,
      { what: 'runs', tenantId: 'b', runId: 'paused' },
      ['budget_paused false -> true', 'demoted false -> true'],
    ],
    [
      'what no budget has brought about',
      `update runs set demoted = true, budget_paused = true where run_id = 'work'`,
      { what: 'runs', tenantId: 'a', runId: 'work' },
      ['budget_paused true -> false', 'demoted true -> false'],
    ],
    [
      'a waiting task that lost its hold',
      `update tasks set quota_held = false where task_id = 'big'`,
      { what: 'tasks', tenantId: 'b', runId: 'big', taskId: 'big' },
      ['quota_held false -> true'],
    ],
    [
      'a paused task that kept it',
      `update tasks set quota_held = true where task_id = 'paused'`,
      { what: 'tasks', tenantId: 'b', runId: 'paused', taskId: 'paused' },
      ['quota_held true -> false'],
    ],
    [
      'a promise that waits for victims which do not exist',
      `update tasks set promised = true where task_id = 'big'`,
      { what: 'tasks', tenantId: 'b', runId: 'big', taskId: 'big' },
      ['promised true -> false'],
    ],
    [
      'spending of the month',
      `update account_spend set spent_usd_nanos = 0 where account_id = 'a'`,
      { what: 'account_spend', tenantId: 'a', part: 'tenant a, period from 2026-03-01T00:00:00.000Z' },
      ['spent_usd_nanos 0 -> 750000000'],
    ],
    [
      'spending of the month that has lost its row',
      `delete from account_spend where account_id = 'b'`,
      { what: 'account_spend', tenantId: 'b', part: 'tenant b, period from 2026-03-01T00:00:00.000Z' },
      ['spent_usd_nanos 0 -> 1910000000'],
    ],
    [
      'spending of a month without events',
      `insert into account_spend values ('tenant', 'a', '2026-02-01T00:00:00Z', 5)`,
      { what: 'account_spend', tenantId: 'a', part: 'tenant a, period from 2026-02-01T00:00:00.000Z' },
      ['spent_usd_nanos 5 -> 0'],
    ],
    [
      'a waiting line that has lost count: urgent is in it',
      `update waiting_lines set tasks = 7 where tenant_id = 'b' and queue_class = 0`,
      { what: 'waiting_lines', tenantId: 'b', part: 'P0 for pool' },
      ['tasks 7 -> 1'],
    ],
    [
      'a waiting line that has lost its row: later is in it',
      `delete from waiting_lines where tenant_id = 'a'`,
      { what: 'waiting_lines', tenantId: 'a', part: 'P3 for quota' },
      ['tasks 0 -> 1'],
    ],
    [
      'a waiting line that nobody is in',
      `insert into waiting_lines (tenant_id, queue_class, on_burst, waiting_for, tasks) values ('a', 1, true, 'pool', 2)`,
      { what: 'waiting_lines', tenantId: 'a', part: 'P1 for pool on burst' },
      ['tasks 2 -> 0'],
    ],
    [
      'an allocation that the usage ledger has lost',
      `delete from tenant_usage where run_id = 'big'`,
      { what: 'tenant_usage', tenantId: 'b', runId: 'big' },
      ['cpu 0 -> 5', 'memory_gb 0 -> 1', 'runs 0 -> 1'],
    ],
    [
      'a release that it has lost',
      `delete from tenant_usage where run_id = 'done' and kind = 'release'`,
      { what: 'tenant_usage', tenantId: 'a', runId: 'done' },
      ['cpu 1 -> 0', 'memory_gb 1 -> 0', 'runs 1 -> 0'],
    ],
  ];

  // One stage for all: each repair leaves it as it was.
  beforeAll(busyStage);

  test.each(drifts)('%s', async (_injected, sql, place, differs) => {
    await db.admin.query(sql);
    const expected = differs.map((differ) => {
      const [counter, stored, , derived] = differ.split(' ');
      return {
        ...{ tenantId: null, runId: null, taskId: null, part: null, ...place },
        counter,
        stored: stored === 'null' ? null : stored,
        derived: derived === 'null' ? null : derived,
      };
    });
    expect(await look()).toEqual(expected.map((drift) => ({ ...drift, repaired: false })));
    const repaired = expected.map((drift) => ({ ...drift, repaired: true }));
    expect(await repair()).toEqual(repaired);
    expect(await look()).toEqual([]);
  });
});

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

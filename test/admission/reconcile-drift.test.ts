/** Counters are recomputed from rows: drift in any one place is reported and repaired (R5). */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { reconciledStage } from './reconcile-stage.ts';

const { db, emptyStage, busyStage, look, repair } = reconciledStage();

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
  /** Whose drift it is: the table, and the key of its row, of which a task and its run have the same id. */
  const tenants = (tenantId: string) => ({ what: 'tenants', tenantId });
  const runs = (tenantId: string, runId: string) => ({ what: 'runs', tenantId, runId });
  const tasks = (tenantId: string, taskId: string) => ({ what: 'tasks', tenantId, runId: taskId, taskId });
  const pool = { what: 'pool' };
  type Drift = [
    injected: string,
    place: { readonly what: string; readonly [key: string]: string },
    /** `counter stored -> derived` for each counter that differs. */
    differs: string[],
    /** Where it takes more than to set the counters of that row. */
    sql?: string,
  ];
  const drifts: Drift[] = [
    // The pool holds a's 6 + 6 and b's 3 + 1 vCPU, four tasks of 1 GB.
    ['pool cpu', pool, ['cpu_used 17.5 -> 16']],
    ['pool memory', pool, ['memory_gb_used 0 -> 4']],
    ['pool tasks', pool, ['tasks_used 5 -> 4']],
    [
      'everything a tenant holds and uses, as after a restore of its row',
      tenants('b'),
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
      tenants('b'),
      ['cost_held_usd_nanos 3050000001 -> 3050000000'],
    ],
    [
      'more money than a JavaScript number can count',
      tenants('b'),
      ['cost_held_usd_nanos 9007199254740993 -> 3050000000'],
    ],
    ["a tenant's sequence of events", tenants('a'), ['event_sequence 3 -> 0']],
    [
      'burst marks that are too many',
      { what: 'burst_marks', tenantId: 'a' },
      ['burst_cpu 5 -> 2'],
      `update tasks set burst_cpu = 5 where task_id = 'burst'`,
    ],
    [
      'burst marks that are gone',
      { what: 'burst_marks', tenantId: 'a' },
      ['burst_cpu 0 -> 2'],
      `update tasks set burst_cpu = 0 where task_id = 'burst'`,
    ],
    [
      'burst marks of a tenant without limits',
      { what: 'burst_marks', tenantId: 'b' },
      ['burst_memory_gb 1 -> 0'],
      `update tasks set burst_memory_gb = 1 where task_id = 'big'`,
    ],
    [
      'the sums of a run',
      runs('b', 'demoted'),
      ['live_tasks 3 -> 1', 'lost_work_usd_nanos 5 -> 0', 'preemptions 7 -> 1'],
    ],
    ['work lost with a lease', runs('b', 'lapsed'), ['lost_work_usd_nanos 0 -> 100000000']],
    ['what a run spent', runs('a', 'work'), ['spent_usd_nanos 0 -> 500000000']],
    [
      'what it spent in its period, from which its hold follows',
      runs('a', 'work'),
      ['period_spent_usd_nanos 0 -> 500000000'],
    ],
    ['what a task spent: its own events only', tasks('a', 'work'), ['spent_usd_nanos 1 -> 300000000']],
    [
      'a live run that says it has ended',
      runs('a', 'work'),
      ['ended_at 2026-03-11T12:00:30.000Z -> null', 'status failed -> running'],
    ],
    [
      'an ended run that says it is live',
      runs('a', 'done'),
      ['ended_at null -> 2026-03-11T12:00:00.000Z', 'status queued -> completed'],
    ],
    ['a waiting and a paused run that have changed places', runs('b', 'big'), ['status paused -> queued']],
    [
      'the sequence of the events of a run: run-admitted, task-started, run-completed',
      runs('a', 'done'),
      ['event_sequence 0 -> 3'],
    ],
    [
      'what the budget has brought about',
      runs('b', 'paused'),
      ['budget_paused false -> true', 'demoted false -> true'],
    ],
    [
      'what no budget has brought about',
      runs('a', 'work'),
      ['budget_paused true -> false', 'demoted true -> false'],
    ],
    ['a waiting task that lost its hold', tasks('b', 'big'), ['quota_held false -> true']],
    ['a paused task that kept it', tasks('b', 'paused'), ['quota_held true -> false']],
    ['a promise that waits for victims which do not exist', tasks('b', 'big'), ['promised true -> false']],
    [
      'spending of the month',
      { what: 'account_spend', tenantId: 'a', part: 'tenant a, period from 2026-03-01T00:00:00.000Z' },
      ['spent_usd_nanos 0 -> 750000000'],
      `update account_spend set spent_usd_nanos = 0 where account_id = 'a'`,
    ],
    [
      'spending of the month that has lost its row',
      { what: 'account_spend', tenantId: 'b', part: 'tenant b, period from 2026-03-01T00:00:00.000Z' },
      ['spent_usd_nanos 0 -> 1910000000'],
      `delete from account_spend where account_id = 'b'`,
    ],
    [
      'spending of a month without events',
      { what: 'account_spend', tenantId: 'a', part: 'tenant a, period from 2026-02-01T00:00:00.000Z' },
      ['spent_usd_nanos 5 -> 0'],
      `insert into account_spend values ('tenant', 'a', '2026-02-01T00:00:00Z', 5)`,
    ],
    [
      'a waiting line that has lost count: urgent is in it',
      { what: 'waiting_lines', tenantId: 'b', part: 'P0 for pool' },
      ['tasks 7 -> 1'],
      `update waiting_lines set tasks = 7 where tenant_id = 'b' and queue_class = 0`,
    ],
    [
      'a waiting line that has lost its row: later is in it',
      { what: 'waiting_lines', tenantId: 'a', part: 'P3 for quota' },
      ['tasks 0 -> 1'],
      `delete from waiting_lines where tenant_id = 'a'`,
    ],
    [
      'a waiting line that nobody is in',
      { what: 'waiting_lines', tenantId: 'a', part: 'P1 for pool on burst' },
      ['tasks 2 -> 0'],
      `insert into waiting_lines (tenant_id, queue_class, on_burst, waiting_for, tasks) values ('a', 1, true, 'pool', 2)`,
    ],
    [
      'an allocation that the usage ledger has lost',
      { what: 'tenant_usage', tenantId: 'b', runId: 'big' },
      ['cpu 0 -> 5', 'memory_gb 0 -> 1', 'runs 0 -> 1'],
      `delete from tenant_usage where run_id = 'big'`,
    ],
    [
      'a release that it has lost',
      { what: 'tenant_usage', tenantId: 'a', runId: 'done' },
      ['cpu 1 -> 0', 'memory_gb 1 -> 0', 'runs 1 -> 0'],
      `delete from tenant_usage where run_id = 'done' and kind = 'release'`,
    ],
  ];

  // One stage for all: each repair leaves it as it was.
  beforeAll(busyStage);

  test.each(drifts)('%s', async (_injected, place, differs, sql = updateOf(place, differs)) => {
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

/** Sets the counters of one row. */
function updateOf({ what, ...key }: Record<string, string>, differs: readonly string[]): string {
  const columns = { tenantId: 'tenant_id', runId: 'run_id', taskId: 'task_id' };
  const row = Object.entries(columns).flatMap(([name, column]) =>
    key[name] === undefined ? [] : [`${column} = '${key[name]}'`],
  );
  const sets = differs.map((differ) => {
    const [counter, stored] = differ.split(' ');
    return `${counter} = ${stored === 'null' ? stored : `'${stored}'`}`;
  });
  return `update ${what} set ${sets.join(', ')} where ${['true', ...row].join(' and ')}`;
}

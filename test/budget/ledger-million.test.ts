/**
 * B1, B4 and B8 over very many events at once: whatever the order, the repeats, the corrections and the periods, counters are
 * sums. LEDGER_EVENTS says how many, TEST_SEED which; docs/testing.md has the command for a million.
 */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../shared/platform/db.ts';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { expectInvariants } from '../setup/invariants.ts';
import { testSeed } from '../setup/seed.ts';
import type { Calendar } from './million/calendar.ts';
import { castOf } from './million/cast.ts';
import { drive, type Told } from './million/drive.ts';
import { calendarsOf, end_ms, keyOf, type Model, modelOf, orgsBetween } from './million/model.ts';
import { emptyLedger, noTask, type Step, stepsOf } from './million/plan.ts';
import { alerts, setStage } from './million/stage.ts';
import { randomOf } from './random.ts';

const database = withDatabase();

const events = Number(process.env.LEDGER_EVENTS ?? 100_000);
const connections = 6;
const patience_ms = 900_000;

const random = randomOf(testSeed);
/** An event is worth 0.37 USD on average. */
const cast = castOf(random, events * 0.33);
const calendars = calendarsOf(cast);
/** Room for the last events, one of each run. */
const ledger = emptyLedger(events + cast.runs.length);

const clocks_ms: number[] = [];
function* noted(steps: Iterable<Step>): Generator<Step> {
  for (const step of steps) {
    clocks_ms[step.step] = step.now_ms;
    yield step;
  }
}

const orgOf: (string | null)[] = [];
let told: Told;
let model: Model;

/** As superuser, whose statements over the whole ledger may take as long as they need. */
const slow = () => openDatabase({ connectionString: database.adminUrl, statementTimeout_ms: patience_ms });

beforeAll(async () => {
  process.stderr.write(`${events} events of TEST_SEED=${testSeed}\n`);
  await setStage(database, cast);
  const started_ms = performance.now();
  told = await drive(database, cast, noted(stepsOf(random, cast, ledger, events)), connections);
  const took_seconds = (performance.now() - started_ms) / 1000;
  process.stderr.write(
    `${told.calls} calls in ${took_seconds.toFixed(1)} s: ${(events / took_seconds).toFixed(0)} events per second, ` +
      `${told.duplicates} repeats, ${told.overtaken.size} calls overtaken by the clock\n`,
  );
  await lastEvents();
}, patience_ms);

/** An event of each run when all is over, one after the other: every period is now the one that holds the end. */
async function lastEvents(): Promise<void> {
  const api = testApi(() => database.app);
  api.at(new Date(end_ms));
  expect((await api.call('operator', 'POST', '/v1/sweep')).status).toBe(200);
  for (const [place, { tenantId, runId }] of cast.runs.entries()) {
    const event = ledger.count++;
    ledger.run[event] = place;
    ledger.nanos[event] = 1n;
    ledger.occurred_ms[event] = end_ms;
    ledger.task[event] = noTask;
    ledger.step[event] = clocks_ms.push(end_ms) - 1;
    const body = { events: [{ eventId: `e${event}`, costUSD: 1e-9 }] };
    const { status } = await api.call({ tenantId }, 'POST', `/v1/runs/${runId}/costs`, body);
    expect(status).toBe(200);
  }
}

describe('the ledger (B1)', () => {
  test('each event is accepted once, and all others are repeats', () => {
    expect(told.accepted).toBe(ledger.count - cast.runs.length);
    expect(told.accepted + told.duplicates + told.rejected).toBe(events);
  });

  test(
    'has each event as it was sent first, and nothing else',
    async () => {
      let rows = 0;
      const wrong: string[] = [];
      for (const [place, { tenantId, runId, taskIds }] of cast.runs.entries()) {
        const tenant = cast.tenants.findIndex((one) => one.tenantId === tenantId);
        const booked = await database.app.query<Booked>(
          `select substr(event_id, 2)::integer as event, cost_usd_nanos as nanos, task_id, org_id,
           floor(extract(epoch from occurred_at) * 1000)::bigint as occurred_ms
         from cost_events where tenant_id = $1 and run_id = $2`,
          [tenantId, runId],
        );
        rows += booked.length;
        for (const { event, nanos, task_id, org_id, occurred_ms } of booked) {
          orgOf[event] = org_id;
          const step = ledger.step[event] ?? 0;
          const ends = Number.POSITIVE_INFINITY;
          const homes = orgsBetween(
            told.stays[tenant] ?? [],
            told.began.get(step) ?? ends,
            told.answered.get(step) ?? ends,
          );
          const same =
            ledger.run[event] === place &&
            ledger.nanos[event] === nanos &&
            ledger.occurred_ms[event] === Number(occurred_ms) &&
            (taskIds[ledger.task[event] ?? noTask] ?? null) === task_id &&
            homes.includes(org_id);
          if (!same && wrong.length < 10)
            wrong.push(`${tenantId}/${runId}/e${event} ${nanos} ${task_id} ${org_id}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(rows).toBe(ledger.count);
      model = modelOf(
        cast,
        ledger,
        told,
        (step) => clocks_ms[step] ?? 0,
        (event) => orgOf[event] ?? null,
      );
    },
    patience_ms,
  );
});

type Booked = {
  readonly event: number;
  readonly nanos: bigint;
  readonly task_id: string | null;
  readonly org_id: string | null;
  readonly occurred_ms: bigint;
};

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint`;
const withoutZeros = (sums: Iterable<readonly [string, bigint]>) =>
  [...sums].filter(([, nanos]) => nanos !== 0n).sort(([a], [b]) => (a < b ? -1 : 1));

describe('counters are the sums of distinct events', () => {
  test('of tasks', async () => {
    const rows = await database.app.query<{ tenant_id: string; task_id: string; nanos: bigint }>(
      'select tenant_id, task_id, spent_usd_nanos as nanos from tasks',
    );
    expect(withoutZeros(rows.map((row) => [keyOf(row.tenant_id, row.task_id), row.nanos]))).toEqual(
      withoutZeros(model.tasks),
    );
  });

  test('of tenants and organisations, by their own periods (B8)', async () => {
    const rows = await database.app.query<{
      scope: string;
      account_id: string;
      start: bigint;
      nanos: bigint;
    }>(
      `select scope, account_id, ${ms('period_start')} as start, spent_usd_nanos as nanos from account_spend`,
    );
    const expected = [...model.periods].filter(([key]) => !key.startsWith('run/'));
    expect(
      withoutZeros(rows.map((row) => [keyOf(row.scope, row.account_id, Number(row.start)), row.nanos])),
    ).toEqual(withoutZeros(expected.map(([key, { total }]) => [key, total])));
  });

  test('of runs, over their lives and in the period that holds the end, as everybody sees them', async () => {
    const rows = await database.app.query<{ held: bigint | null }>(
      `select tenant_id, run_id, r.spent_usd_nanos as life, r.period_spent_usd_nanos as nanos, ${ms('r.period_start')} as start,
         r.limit_usd_nanos as limit_nanos, (v.spent_usd * 1000000000)::bigint as shown, (v.total_spent_usd * 1000000000)::bigint as shown_life,
         v.level, case when live_tasks > 0 then (v.held_usd * 1000000000)::bigint end as held
       from runs r join v_budget_status v using (tenant_id, run_id) order by tenant_id, run_id`,
    );
    const expected = cast.runs.map(({ tenantId, runId }, place) => {
      const start = calendars.runs[place]?.start(end_ms) ?? 0;
      const life = model.runs.get(keyOf(tenantId, runId)) ?? 0n;
      const nanos = model.periods.get(keyOf('run', tenantId, runId, start))?.total ?? 0n;
      const limit_nanos = nanosOf(lastLimitOf(place));
      const reached = (percent: bigint) => nanos * 100n >= percent * limit_nanos;
      return {
        ...{
          tenant_id: tenantId,
          run_id: runId,
          life,
          nanos,
          start: BigInt(start),
          limit_nanos,
          shown: nanos,
          shown_life: life,
        },
        level: reached(95n) ? 'pause' : reached(80n) ? 'throttle' : reached(50n) ? 'warning' : 'ok',
        left: limit_nanos > nanos ? limit_nanos - nanos : 0n,
      };
    });
    expect(rows).toEqual(
      expected.map(({ left, ...row }, index) => ({ ...row, held: rows[index]?.held === null ? null : left })),
    );
  });

  test(
    'and whatever else is counted equals its rows',
    async () => {
      const admin = slow();
      expect(await admin.query('select * from counter_drift(null)')).toEqual([]);
      await expectInvariants(admin, new Date(end_ms), { limitsLowered: true });
      await admin.close();
    },
    patience_ms,
  );
});

describe('thresholds (B4, B6)', () => {
  const budgets: readonly Budget[] = [
    ...cast.runs.map(({ tenantId, runId }, place): Budget => {
      const limits = () => [...(told.limits[place]?.values() ?? [])];
      return {
        name: keyOf('run', tenantId, runId),
        calendar: calendars.runs[place],
        limits,
        alerts: alerts.tenant,
      };
    }),
    ...cast.tenants.map(({ tenantId, limitUSD }, place): Budget => {
      const limits = () => (limitUSD === null ? [] : [limitUSD]);
      return {
        name: keyOf('tenant', tenantId),
        calendar: calendars.tenants[place],
        limits,
        alerts: alerts.tenant,
      };
    }),
    ...cast.orgs.map(({ orgId, limitUSD }): Budget => {
      const calendar = calendars.orgs.get(orgId);
      return { name: keyOf('org', orgId), calendar, limits: () => [limitUSD], alerts: alerts.org };
    }),
  ];
  let fired: readonly Fired[];

  beforeAll(async () => {
    fired = await database.app.query<Fired>(
      `select concat_ws('/', 'run', tenant_id, run_id) as name, ${ms('period_start')} as start, threshold::float8 as percent,
         budget_version as version, spent_usd_nanos as spent, limit_usd_nanos as limit_nanos, ${ms('triggered_at')} as fired_ms
       from budget_events
       union all
       select concat_ws('/', scope, account_id), ${ms('period_start')}, threshold::float8, limit_version,
         spent_usd_nanos, limit_usd_nanos::bigint, ${ms('triggered_at')}
       from account_budget_events`,
    );
  });

  test('each fires at most once for a budget, limit, period and percentage, and is told once', async () => {
    const keys = fired.map(({ name, version, start, percent }) =>
      keyOf(name, version, Number(start), percent),
    );
    expect(new Set(keys).size).toBe(keys.length);
    const told = await database.app.query<{ name: string; percent: number }>(
      `select case when run_id is not null then concat_ws('/', 'run', tenant_id, run_id)
           else concat_ws('/', body->'data'->>'scope', coalesce(body->'data'->>'orgId', tenant_id)) end as name,
         (body->'data'->>'threshold')::float8 as percent
       from events where kind = 'event' and detail_type = 'budget-alert'`,
    );
    const sorted = (list: readonly { name: string; percent: number }[]) =>
      list.map(({ name, percent }) => keyOf(name, percent)).sort();
    expect(sorted(told)).toEqual(sorted(fired));
    for (const scope of ['run/', 'tenant/', 'org/']) {
      expect(fired.filter(({ name }) => name.startsWith(scope)).length).toBeGreaterThan(0);
    }
  });

  test('none fires before its percentage is reached, in a period that is not one, or after its end', () => {
    const known = new Map(budgets.map((budget) => [budget.name, budget]));
    const wrong = fired.filter(({ name, start, percent, spent, limit_nanos, fired_ms }) => {
      const budget = known.get(name);
      const most = model.periods.get(keyOf(name, Number(start)))?.most ?? 0n;
      return !(
        budget?.calendar?.start(Number(start)) === Number(start) &&
        Number(fired_ms) < budget.calendar.end(Number(start)) &&
        percentsOf(budget).includes(percent) &&
        budget.limits().some((usd) => nanosOf(usd) === limit_nanos) &&
        reaches(spent, percent, limit_nanos) &&
        spent <= most
      );
    });
    expect(wrong).toEqual([]);
  });

  test('none is missing that was still reached at the end of its period', () => {
    const present = new Set(fired.map(({ name, start, percent }) => keyOf(name, Number(start), percent)));
    const missing = budgets.flatMap((budget) => {
      const { name, calendar, limits } = budget;
      const highest = nanosOf(Math.max(0, ...limits()));
      if (highest === 0n) return [];
      return [...model.periods].flatMap(([key, { least }]) => {
        const start = startOf(key, name);
        if (start === null || calendar === undefined) return [];
        return percentsOf(budget)
          .filter((percent) => reaches(least, percent, highest) && !present.has(keyOf(key, percent)))
          .map((percent) => keyOf(key, percent));
      });
    });
    expect(missing).toEqual([]);
  });

  test('of runs, the period that is under way has fired exactly what it has reached', () => {
    const present = new Set(fired.map(({ name, start, percent }) => keyOf(name, Number(start), percent)));
    const missing = cast.runs.flatMap(({ tenantId, runId }, place) => {
      const name = keyOf('run', tenantId, runId);
      const key = keyOf(name, calendars.runs[place]?.start(end_ms) ?? 0);
      const spent = model.periods.get(key)?.total ?? 0n;
      return [...alerts.tenant, 50, 80, 95]
        .filter(
          (percent) =>
            reaches(spent, percent, nanosOf(lastLimitOf(place))) && !present.has(keyOf(key, percent)),
        )
        .map((percent) => keyOf(key, percent));
    });
    expect(missing).toEqual([]);
  });
});

type Budget = {
  readonly name: string;
  readonly calendar: Calendar | undefined;
  /** In USD, all that it has had; none = no bound. */
  readonly limits: () => readonly number[];
  readonly alerts: readonly number[];
};

type Fired = {
  readonly name: string;
  readonly start: bigint;
  readonly percent: number;
  readonly version: number;
  readonly spent: bigint;
  readonly limit_nanos: bigint;
  readonly fired_ms: bigint;
};

const percentsOf = (budget: Budget): number[] => [...budget.alerts, 50, 80, 95];

/** Percentages have three decimals. */
function reaches(spent_nanos: bigint, percent: number, limit_nanos: bigint): boolean {
  return spent_nanos * 100_000n >= BigInt(Math.round(percent * 1000)) * limit_nanos;
}

/** Limits are in whole cents. */
function nanosOf(usd: number): bigint {
  return BigInt(Math.round(usd * 100)) * 10_000_000n;
}

function lastLimitOf(run: number): number {
  const limits = told.limits[run] ?? new Map<number, number>();
  return limits.get(Math.max(...limits.keys())) ?? 0;
}

/** The period's first moment in a key of the budget `name`; null in the key of another. */
function startOf(key: string, name: string): number | null {
  const [, start] = key.startsWith(`${name}/`) ? [name, key.slice(name.length + 1)] : [];
  return start === undefined || start.includes('/') ? null : Number(start);
}

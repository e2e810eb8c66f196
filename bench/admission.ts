/** Admissions per second: many connections, over a thousand tenants and for one hot tenant. */

import { admit } from '../shared/admission/admit.ts';
import { type Database, StoreUnavailable } from '../shared/platform/db.ts';
import { newId } from '../shared/platform/ids.ts';
import { admitSeedStyle } from './seed-style.ts';
import type { BenchServer } from './server.ts';
import { updateOneRow, yardstickRows } from './yardsticks.ts';

export type Cell = {
  readonly tenants: number;
  readonly connections: number;
  /** Median over the repetitions. */
  readonly perSecond: Readonly<Record<Form, number>>;
  /** Calls of all repetitions and the warm-up that got no answer within the time limit of a statement. */
  readonly unanswered: number;
};

export type Form = 'admit' | 'seedStyle' | 'updateOneRow';

/** One transaction of a form for the tenant of this number, from 1. */
const forms: Readonly<Record<Form, (database: Database, tenant: number) => Promise<unknown>>> = {
  updateOneRow,
  admit: admitOnce,
  seedStyle: (database, tenant) => admitSeedStyle(database, idOf('s', tenant)),
};
const formNames: readonly Form[] = ['updateOneRow', 'admit', 'seedStyle'];

const repetitions = 3;

/** Calls of each connection before any is counted: a session plans its statements anew for the first few. */
const warmUps = 8;

/** Measures the forms in turns, `seconds` each. */
export function measureAdmission(
  server: BenchServer,
  seconds: number,
  log: (line: string) => void,
): Promise<Cell[]> {
  return server.withDatabase(async ({ admin, open }) => {
    await admin.query(`
      insert into tenants (tenant_id, created_at)
      select 'a' || lpad(n::text, 4, '0'), now() from generate_series(1, ${yardstickRows}) n;
      insert into tenant_quotas (tenant_id, resource, limit_value, updated_at, updated_by)
      select tenant_id, resource, 100000000, now(), 'bench'
      from tenants cross join unnest(array['cpu', 'memory', 'cost', 'concurrent_runs']) r (resource);
      update pool set cpu = 100000000, memory_gb = 400000000;
    `);
    await admin.query('vacuum analyze');
    const cells: Cell[] = [];
    for (const tenants of [yardstickRows, 1]) {
      for (const connections of [1, 10, 50]) {
        log(`admission: ${tenants} tenants, ${connections} connections`);
        const database = open(connections);
        // What the planner knew of the empty tables would not hold for what the first cells have filled them with.
        await admin.query('analyze');
        const rates: Record<Form, number[]> = { updateOneRow: [], admit: [], seedStyle: [] };
        let unanswered = 0;
        for (const form of formNames) {
          const calls = await callAtOnce(connections, warmUps * connections, (call) =>
            forms[form](database, 1 + (call % tenants)),
          );
          unanswered += calls.unanswered;
        }
        for (let repetition = 0; repetition < repetitions; repetition += 1) {
          for (const form of formNames) {
            const rate = await rateOf(database, forms[form], tenants, connections, seconds);
            rates[form].push(rate.perSecond);
            unanswered += rate.unanswered;
          }
        }
        cells.push({
          tenants,
          connections,
          perSecond: {
            updateOneRow: median(rates.updateOneRow),
            admit: median(rates.admit),
            seedStyle: median(rates.seedStyle),
          },
          unanswered,
        });
      }
    }
    return cells;
  });
}

type Calls = { readonly answered: number; readonly unanswered: number };

/** Transactions per second of `connections` callers. */
async function rateOf(
  database: Database,
  transaction: (database: Database, tenant: number) => Promise<unknown>,
  tenants: number,
  connections: number,
  seconds: number,
): Promise<Calls & { perSecond: number }> {
  const started_ms = performance.now();
  const deadline_ms = started_ms + seconds * 1000;
  const calls = await callAtOnce(
    connections,
    Number.POSITIVE_INFINITY,
    (call) => transaction(database, 1 + (call % tenants)),
    () => performance.now() < deadline_ms,
  );
  return { ...calls, perSecond: (calls.answered * 1000) / (performance.now() - started_ms) };
}

/** Callers, each of which makes its next call when the last was answered, while `goOn` says so; returns what was answered. */
async function callAtOnce(
  callers: number,
  calls_max: number,
  work: (call: number) => Promise<unknown>,
  goOn = () => true,
): Promise<Calls> {
  let calls = 0;
  let answered = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (calls < calls_max && goOn()) {
        calls += 1;
        try {
          await work(calls);
          answered += 1;
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
        }
      }
    }),
  );
  return { answered, unanswered: calls - answered };
}

async function admitOnce(database: Database, tenant: number): Promise<void> {
  const request = {
    runId: newId('run'),
    phase: 'plan',
    resources: { cpu: 1, memoryGb: 4 },
    budget: { maxCostUSD: 1 },
    start: 'now' as const,
    onQuota: 'refuse' as const,
    leaseSeconds: 86_400,
    labels: {},
    dryRun: false,
  };
  const input = {
    tenantId: idOf('a', tenant),
    request,
    asSent: request,
    idempotencyKey: null,
    actor: 'bench',
  };
  const result = await admit(database, input, new Date());
  const decision = result.kind === 'answer' ? result.outcome.decision : result.kind;
  if (decision !== 'admitted') throw new Error(`a request with room and quota was ${decision}`);
}

function idOf(letter: string, tenant: number): string {
  return `${letter}${String(tenant).padStart(4, '0')}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Admissions per second: many connections, over a thousand tenants and for one hot tenant. */

import { admit } from '../shared/admission/admit.ts';
import type { Database } from '../shared/platform/db.ts';
import { newId } from '../shared/platform/ids.ts';
import { admitSeedStyle } from './seed-style.ts';
import type { BenchServer } from './server.ts';
import { updateOneRow, yardstickRows } from './yardsticks.ts';

export type Cell = {
  readonly tenants: number;
  readonly connections: number;
  /** Median over the repetitions. */
  readonly perSecond: Readonly<Record<Form, number>>;
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
        for (let repetition = 0; repetition < repetitions; repetition += 1) {
          for (const form of formNames) {
            rates[form].push(await rateOf(database, forms[form], tenants, connections, seconds));
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
        });
      }
    }
    return cells;
  });
}

/** Transactions per second of `connections` callers, each of which makes its next call when the last was answered. */
async function rateOf(
  database: Database,
  call: (database: Database, tenant: number) => Promise<unknown>,
  tenants: number,
  connections: number,
  seconds: number,
): Promise<number> {
  let calls = 0;
  let next = 0;
  const started_ms = performance.now();
  const deadline_ms = started_ms + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < deadline_ms) {
        next += 1;
        await call(database, 1 + (next % tenants));
        calls += 1;
      }
    }),
  );
  return (calls * 1000) / (performance.now() - started_ms);
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

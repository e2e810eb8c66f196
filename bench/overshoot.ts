/**
 * How far fifty runners of one tenant get past its pause threshold and past its limit, and how long it takes until the last of
 * them has left (B7). Real time, real parallel calls; the store's own notes of the moment and of the bound.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { admit } from '../shared/admission/admit.ts';
import { policyInForce } from '../shared/admission/policy-in-force.ts';
import { schedule } from '../shared/admission/scheduler.ts';
import { claimTask, saveCheckpoint } from '../shared/admission/store.ts';
import { actOnBudget, recordCosts } from '../shared/budget/costs.ts';
import type { Database } from '../shared/platform/db.ts';
import { newId } from '../shared/platform/ids.ts';
import { nanosToUsd } from '../shared/platform/money.ts';
import { overshootOf, type Superuser, watchOvershoot } from './overshoot-watch.ts';
import type { BenchServer } from './server.ts';

export type OvershootCell = {
  /** Between two reports of a runner. */
  readonly reportEvery_ms: number;
  /** Reports that were answered, in a second. */
  readonly reportsPerSecond: number;
  readonly limitUSD: number;
  readonly finalUSD: number;
  readonly past95USD: number;
  readonly past100USD: number;
  /** The bound: settled at the moment and live holds then, and besides these what was spent above holds. */
  readonly settledAndHeldUSD: number;
  readonly aboveHoldsUSD: number;
  /** From the moment that the tenant's pause threshold was reached until the last runner left. */
  readonly lastLeft_seconds: number;
};

const tenantId = 'overshoot';
const runners = 50;
const runUSD = 2;
const limitUSD = runners * runUSD;
/** On average: 25 reports use a run's budget up. */
const reportUSD = runUSD / 25;
const intervals_ms = [20, 100, 500];
/** Parallel invocations of the function that carries orders out. */
const carriers = 5;

/** What EventBridge and the queue take for an order of the budget, about; and how often it is looked for new ones. */
const busTakes_ms = 1000;
const busLooks_ms = 50;

export async function measureOvershoot(
  server: BenchServer,
  log: (line: string) => void,
): Promise<OvershootCell[]> {
  const cells: OvershootCell[] = [];
  for (const reportEvery_ms of intervals_ms) {
    log(`overshoot: ${runners} runners, a report every ${reportEvery_ms} ms`);
    cells.push(
      await server.withDatabase(async ({ admin, open }) => {
        const superuser: Superuser = async (text, values) => (await admin.query(text, values)).rows;
        await admin.query(`
          insert into tenants (tenant_id, created_at) values ('${tenantId}', now());
          insert into tenant_quotas (tenant_id, resource, limit_value, updated_at, updated_by)
          values ('${tenantId}', 'cost', ${limitUSD}, now(), 'bench');
        `);
        await watchOvershoot(superuser);
        return measure({ runners: open(runners), bus: open(carriers) }, superuser, reportEvery_ms);
      }),
    );
  }
  return cells;
}

async function measure(
  { runners: database, bus }: { readonly runners: Database; readonly bus: Database },
  superuser: Superuser,
  reportEvery_ms: number,
): Promise<OvershootCell> {
  const runIds = Array.from({ length: runners }, (_, index) => `run-${index}`);
  for (const runId of runIds) await start(database, runId);
  const allLeft = new AbortController();
  const carried = carryOrders(bus, allLeft.signal);
  const started_ms = performance.now();
  const reports = await Promise.all(runIds.map((runId) => spendUntilTold(database, runId, reportEvery_ms)));
  const took_ms = performance.now() - started_ms;
  const left_ms = Date.now();
  allLeft.abort();
  await carried;
  const account = { scope: 'tenant', id: tenantId } as const;
  const { settled, live, above, final } = await overshootOf(superuser, account);
  const [moment] = await database.query<{ at: Date }>(
    `select triggered_at as at from account_budget_events where account_id = $1 and level = 'pause'`,
    [tenantId],
  );
  const pastUSD = (percent: number) => Math.max(nanosToUsd(final) - (limitUSD * percent) / 100, 0);
  return {
    reportEvery_ms,
    reportsPerSecond: (reports.reduce((sum, count) => sum + count, 0) * 1000) / took_ms,
    limitUSD,
    finalUSD: nanosToUsd(final),
    past95USD: pastUSD(95),
    past100USD: pastUSD(100),
    settledAndHeldUSD: nanosToUsd(settled + live),
    aboveHoldsUSD: nanosToUsd(above),
    lastLeft_seconds: (left_ms - (moment?.at.getTime() ?? Number.NaN)) / 1000,
  };
}

/** Reports at its pace until an answer says otherwise, leaves by a checkpoint, and goes on if it was only sent to the line. */
async function spendUntilTold(database: Database, runId: string, reportEvery_ms: number): Promise<number> {
  let epoch = 1;
  const started_ms = performance.now();
  for (let report = 1; ; report += 1) {
    await wait(Math.max(started_ms + report * reportEvery_ms - performance.now(), 0));
    const cents = Math.round(reportUSD * 100 * (0.5 + Math.random()));
    const events = [{ eventId: `e${report}`, taskId: runId, epoch, costUSD: cents / 100 }];
    const answer = await recordCosts(database, tenantId, runId, events, policyInForce(), new Date());
    const action = answer?.directive.action ?? 'stop';
    if (action === 'continue') continue;
    if (action === 'stop') return report;
    const checkpoint = {
      checkpointId: newId('chk'),
      epoch,
      sequence: report,
      data: {},
      sizeBytes: 2,
      sha256: null,
    };
    await saveCheckpoint(database, tenantId, runId, checkpoint, new Date());
    if (action === 'pause') return report;
    await schedule(database, new Date());
    const claimed = await claimTask(database, tenantId, runId, null, new Date());
    if (claimed.kind !== 'claimed') return report;
    epoch = Number(claimed.task.epoch);
  }
}

/** Stands for the bus: each order of the budget is carried out a while after it was written. */
async function carryOrders(database: Database, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await wait(busLooks_ms);
    const orders = await database.query<{ run_id: string; level: 'throttle' | 'pause' }>(
      `select run_id, level from budget_events where acted_at is null and triggered_at <= $1 order by triggered_at, threshold`,
      [new Date(Date.now() - busTakes_ms)],
    );
    const carry = async (): Promise<void> => {
      for (let order = orders.shift(); order !== undefined; order = orders.shift()) {
        const action = { level: order.level, causeId: null };
        await actOnBudget(database, tenantId, order.run_id, action, policyInForce(), new Date());
      }
    };
    await Promise.all(Array.from({ length: carriers }, carry));
  }
}

async function start(database: Database, runId: string): Promise<void> {
  const request = {
    runId,
    phase: 'build',
    resources: { cpu: 1, memoryGb: 4 },
    budget: { maxCostUSD: runUSD },
    start: 'now' as const,
    onQuota: 'refuse' as const,
    leaseSeconds: 86_400,
    labels: {},
    dryRun: false,
  };
  const input = { tenantId, request, asSent: request, idempotencyKey: null, actor: 'bench' };
  const result = await admit(database, input, new Date());
  const decision = result.kind === 'answer' ? result.outcome.decision : result.kind;
  if (decision !== 'admitted') throw new Error(`${runId} was ${decision}`);
}

/** Lines of a table for a terminal; none when nothing was measured. */
export function overshootTable(cells: readonly OvershootCell[]): string[][] {
  if (cells.length === 0) return [];
  const usd = (amount: number, of: number) => `${amount.toFixed(2)} (${((100 * amount) / of).toFixed(1)}%)`;
  return [
    [''],
    [`overshoot, ${runners} runners`, 'reports/s', 'past 95 %', 'past 100 %', 'spent', 'bound', 'last left'],
    ...cells.map((cell) => [
      `  a report every ${cell.reportEvery_ms} ms`,
      cell.reportsPerSecond.toFixed(0),
      usd(cell.past95USD, cell.limitUSD),
      usd(cell.past100USD, cell.limitUSD),
      cell.finalUSD.toFixed(2),
      `${cell.settledAndHeldUSD.toFixed(2)} + ${cell.aboveHoldsUSD.toFixed(2)}`,
      `${cell.lastLeft_seconds.toFixed(1)} s`,
    ]),
  ];
}

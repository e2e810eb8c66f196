/**
 * What metering is held against, on the same server and in the same rounds: COPY of the same rows into a table like the
 * ledger, which is the most that Postgres takes, and a budget as it is often written first.
 */

import type pg from 'pg';
import { copyIn } from './copy.ts';
import type { CostEvents } from './metering-events.ts';

export async function createMeteringYardsticks(admin: pg.Client): Promise<void> {
  await admin.query(`
    create schema yardstick;
    create table yardstick.cost_events (like cost_events including all);
    alter table yardstick.cost_events
      add foreign key (tenant_id, run_id) references runs, add foreign key (org_id) references orgs;
    create table yardstick.costs (
      event_id text primary key, tenant_id text not null, run_id text not null, cost_usd numeric(18, 9) not null, at timestamptz not null
    );
    create index costs_of_run on yardstick.costs (tenant_id, run_id);
  `);
}

/** The ledger's indexes and constraints, and nothing else: no deduplication, no totals, no thresholds. */
export async function copyEvents(
  connection: pg.Client,
  run: { readonly tenantId: string; readonly runId: string },
  events: CostEvents,
  ids: readonly string[],
): Promise<void> {
  await copyIn(connection, 'yardstick.cost_events', events.rows(run.tenantId, run.runId, ids));
}

/** Insert the event, then sum up its run to see how far the budget is used: two statements per event. */
export async function insertAndSum(
  connection: pg.Client,
  { tenantId, runId }: { readonly tenantId: string; readonly runId: string },
  cost_nanos: bigint,
  id: string,
): Promise<void> {
  await connection.query('insert into yardstick.costs values ($1, $2, $3, $4::bigint / 1e9, now())', [
    id,
    tenantId,
    runId,
    cost_nanos,
  ]);
  await connection.query('select sum(cost_usd) from yardstick.costs where tenant_id = $1 and run_id = $2', [
    tenantId,
    runId,
  ]);
}

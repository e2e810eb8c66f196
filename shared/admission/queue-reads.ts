/** Reads of the waiting line. */

import * as z from 'zod';
import { type Database, json } from '../platform/db.ts';
import { decodeCursor, type Page, toPage } from '../platform/page.ts';
import type { QueueItem, QueueQuery } from './contract.ts';
import { type Pace, startEstimate } from './estimate.ts';
import { policyInForce } from './policy-in-force.ts';
import { className, classNumber } from './priority.ts';

/** The line in its order. A runner sees its own tenant's tasks, with their positions in the whole line. */
export async function listQueue(
  database: Database,
  tenantId: string | null,
  query: QueueQuery,
  now: Date,
): Promise<Page<QueueItem>> {
  const after = query.cursor === undefined ? 0 : decodeCursor(query.cursor, z.int());
  const rows = await database.query<{
    position: bigint;
    ahead_in_tenant: bigint;
    tenant_id: string;
    task_id: string;
    run_id: string;
    phase: string;
    class: number;
    waiting_for: 'pool' | 'quota';
    waiting_since: Date;
    pace: Pace;
  }>(
    `with recently as materialized (select start_pace($6) as pace)
     select l.line_position as position, l.ahead_in_tenant, t.tenant_id, t.task_id, t.run_id, t.phase, t.queue_class as class,
       t.waiting_for, t.waiting_since, p.pace
     from waiting_page(p_policy => $1, p_tenant_id => $2, p_class => $3, p_after => $4, p_limit => $5, p_now => $6) l
     join tasks t on t.tenant_id = l.tenant_id and t.task_id = l.task_id
     cross join recently p
     order by l.line_position`,
    [
      json(policyInForce()),
      tenantId,
      query.class === undefined ? null : classNumber(query.class),
      after,
      query.limit + 1,
      now,
    ],
  );
  return toPage(
    rows,
    query.limit,
    (row) => ({
      taskId: row.task_id,
      runId: row.run_id,
      tenantId: row.tenant_id,
      phase: row.phase,
      class: className(row.class),
      position: Number(row.position),
      aheadInTenant: Number(row.ahead_in_tenant),
      waitingFor: row.waiting_for,
      waitingSince: row.waiting_since.toISOString(),
      startEstimate: startEstimate(Number(row.position), row.class, row.pace, now),
    }),
    (row) => Number(row.position),
  );
}

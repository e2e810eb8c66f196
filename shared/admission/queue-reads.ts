/** Reads of the waiting line. */

import * as z from 'zod';
import { type Database, json } from '../platform/db.ts';
import { decodeCursor, type Page, toPage } from '../platform/page.ts';
import type { QueueItem, QueueQuery } from './contract.ts';
import { type DispatchRate, startEstimate } from './estimate.ts';
import { policy } from './policy.ts';
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
    rate: DispatchRate;
  }>(
    `select l.line_position as position, l.ahead_in_tenant, l.tenant_id, l.task_id, l.run_id, t.phase, t.queue_class as class,
       l.waiting_for, l.waiting_since,
       (select jsonb_build_object('grants', count(*), 'windowSeconds', 300) from decisions
        where kind = 'grant' and at > $2::timestamptz - interval '300 seconds' and at <= $2) as rate
     from waiting_line($1, $2) l join tasks t on t.tenant_id = l.tenant_id and t.task_id = l.task_id
     where ($3::text is null or l.tenant_id = $3) and ($4::smallint is null or t.queue_class = $4) and l.line_position > $5
     order by l.line_position limit $6`,
    [
      json(policy),
      now,
      tenantId,
      query.class === undefined ? null : classNumber(query.class),
      after,
      query.limit + 1,
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
      startEstimate: startEstimate(Number(row.position), row.rate, now),
    }),
    (row) => Number(row.position),
  );
}

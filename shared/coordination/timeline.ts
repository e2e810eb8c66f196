/** A run's timeline: every event and decision, in order. */

import * as z from 'zod';
import type { Database } from '../platform/db.ts';
import { decodeCursor, type Page, toPage } from '../platform/page.ts';
import type { TimelineItem, TimelineQuery } from './contract.ts';

const position = z.tuple([z.iso.datetime(), z.int(), z.string()]);

type TimelineRow = {
  kind: 'event' | 'decision';
  id: string;
  type: string;
  at: Date;
  task_id: string | null;
  sequence: bigint;
  detail: unknown;
};

/**
 * By time, then decisions before the events that they cause, then sequence. Null when the tenant has no such run.
 */
export async function readTimeline(
  database: Database,
  tenantId: string,
  runId: string,
  query: TimelineQuery,
): Promise<Page<TimelineItem> | null> {
  const known = await database.query('select 1 from runs where tenant_id = $1 and run_id = $2', [
    tenantId,
    runId,
  ]);
  if (known.length === 0) return null;
  const after = query.cursor === undefined ? null : decodeCursor(query.cursor, position);
  const rows = await database.query<TimelineRow>(
    `select * from (
       select 'event' as kind, event_id::text as id, detail_type as type, occurred_at as at, task_id, sequence, body->'data' as detail
       from events where kind = 'event' and tenant_id = $1 and run_id = $2
       union all
       select 'decision', decision_id, kind || ':' || result, at, task_id, 0, jsonb_build_object('policyVersion', policy_version)
       from decisions where tenant_id = $1 and run_id = $2
     ) items
     where $3::timestamptz is null or (at, sequence, id) > ($3, $4::bigint, $5)
     order by at, sequence, id limit $6`,
    [tenantId, runId, after?.[0] ?? null, after?.[1] ?? null, after?.[2] ?? null, query.limit + 1],
  );
  return toPage(
    rows,
    query.limit,
    (row) => ({
      kind: row.kind,
      id: row.id,
      type: row.type,
      at: row.at.toISOString(),
      taskId: row.task_id,
      sequence: Number(row.sequence),
      data: row.detail,
    }),
    (row) => [row.at.toISOString(), Number(row.sequence), row.id],
  );
}

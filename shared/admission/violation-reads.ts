/** Reads of a tenant's violations. */

import * as z from 'zod';
import type { Database } from '../platform/db.ts';
import { decodeCursor, type Page, toPage } from '../platform/page.ts';
import { instantOf } from './answers.ts';
import type { Violation } from './contract.ts';

export type ViolationRow = {
  readonly violation_id: string;
  readonly run_id: string | null;
  readonly task_id: string | null;
  readonly type: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly resource: string | null;
  readonly message: string;
  readonly at: string;
};

export function violationOf(row: ViolationRow): Violation {
  return {
    violationId: row.violation_id,
    type: row.type,
    severity: row.severity,
    resource: row.resource,
    message: row.message,
    at: instantOf(row.at),
    runId: row.run_id,
    taskId: row.task_id,
  };
}

export async function listViolations(
  database: Database,
  tenantId: string,
  query: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<Violation>> {
  const after =
    query.cursor === undefined ? null : decodeCursor(query.cursor, z.tuple([z.iso.datetime(), z.string()]));
  const rows = await database.query<{ violation: ViolationRow }>(
    `select to_jsonb(v) as violation from quota_violations v
     where tenant_id = $1 and ($2::timestamptz is null or (at, violation_id) < ($2, $3))
     order by at desc, violation_id desc limit $4`,
    [tenantId, after?.[0] ?? null, after?.[1] ?? null, query.limit + 1],
  );
  return toPage(
    rows,
    query.limit,
    (row) => violationOf(row.violation),
    (row) => [instantOf(row.violation.at), row.violation.violation_id],
  );
}

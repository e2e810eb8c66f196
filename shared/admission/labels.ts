/** Labels of a run: the caller's own words about it, which no decision reads. */

import { type Database, json } from '../platform/db.ts';
import type { LabelsRequest } from './contract.ts';

/** Replaces all labels; of a run that the tenant does not have, none. */
export async function setLabels(
  database: Database,
  tenantId: string,
  runId: string,
  labels: LabelsRequest['labels'],
): Promise<void> {
  await database.query('update runs set labels = $3 where tenant_id = $1 and run_id = $2', [
    tenantId,
    runId,
    json(labels),
  ]);
}

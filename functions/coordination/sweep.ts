/** The schedule's entry: every timed duty once (see `shared/coordination/sweep.ts`). */

import { environmentPublisher } from '../../shared/coordination/relay.ts';
import { type SweepReport, sweep } from '../../shared/coordination/sweep.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import { log } from '../../shared/platform/log.ts';

export async function handler(): Promise<SweepReport> {
  const report = await sweep(await databaseFromSecret(), environmentPublisher(), new Date());
  log.info(report, 'sweep');
  return report;
}

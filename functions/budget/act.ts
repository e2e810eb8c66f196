/**
 * Carries out what a fired threshold asks for (B5): fed by the rule on preempt-for-budget and run-paused-for-budget
 * through the queue `budget-actions`. Acts once however often and in whatever order the messages come (E1): the open
 * action in the store decides, not the message.
 */

import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import { schedule } from '../../shared/admission/scheduler.ts';
import { actOnBudget } from '../../shared/budget/costs.ts';
import { relayAfterCommit } from '../../shared/coordination/relay.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import type { Database } from '../../shared/platform/db.ts';
import { log } from '../../shared/platform/log.ts';

/** The EventBridge envelope, as far as it is read here. */
const message = z.object({
  'detail-type': z.enum(['preempt-for-budget', 'run-paused-for-budget']),
  detail: z.object({ id: z.uuid(), tenantId: z.string(), runId: z.string() }),
});

export type ActDependencies = {
  readonly database: () => Promise<Database>;
  readonly afterCommit: (call: { readonly database: Database }) => Promise<unknown>;
  readonly clock: () => Date;
};

/** A message that fails is reported alone, so that the others are not delivered again. */
export function budgetActions(dependencies: ActDependencies): (event: SQSEvent) => Promise<SQSBatchResponse> {
  return async ({ Records }) => {
    const database = await dependencies.database();
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const record of Records) {
      try {
        await actOn(record, database, dependencies.clock());
      } catch (error) {
        log.error(
          { err: error, messageId: record.messageId },
          'budget action failed; the message comes again',
        );
        batchItemFailures.push({ itemIdentifier: record.messageId });
      }
    }
    try {
      await dependencies.afterCommit({ database });
    } catch (error) {
      // What was done is committed: failing the batch would only bring its messages again.
      log.error({ err: error }, 'after commit failed; the sweep makes up for it');
    }
    return { batchItemFailures };
  };
}

async function actOn(record: SQSRecord, database: Database, now: Date): Promise<void> {
  const { 'detail-type': type, detail } = message.parse(JSON.parse(record.body));
  const level = type === 'preempt-for-budget' ? 'throttle' : 'pause';
  const outcome = await actOnBudget(
    database,
    detail.tenantId,
    detail.runId,
    { level, causeId: detail.id },
    policyInForce(),
    now,
  );
  log.info({ tenantId: detail.tenantId, runId: detail.runId, level, outcome }, 'budget action');
  if (outcome === 'acted') await schedule(database, now);
}

export const handler = budgetActions({
  database: databaseFromSecret,
  afterCommit: relayAfterCommit,
  clock: () => new Date(),
});

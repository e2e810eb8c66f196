/**
 * Books cost events from the queue `cost-events`, by the same code and with the same guarantees as over HTTP (B1, B2):
 * each event is judged on its own, booked once however often it comes, and never refused for money.
 *
 * What cannot be booked now comes again, alone. What can never be booked is put aside at once, with the reason.
 */

import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import { bookBatch } from '../../shared/budget/cost-batch.ts';
import {
  badMessageLetter,
  type DeadLetter,
  letterOf,
  type Patience,
} from '../../shared/budget/cost-dead-letter.ts';
import { type CostMessage, readCostMessage } from '../../shared/budget/cost-message.ts';
import { recordCosts } from '../../shared/budget/costs.ts';
import { deadLetterQueue, type PutAside } from '../../shared/coordination/dead-letters.ts';
import { relayAfterCommit } from '../../shared/coordination/relay.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import type { Database } from '../../shared/platform/db.ts';
import { log } from '../../shared/platform/log.ts';
import { costDeadLettersUrl, costReceives_max } from '../../shared/platform/process-env.ts';

/** A booking takes at most 3 s to connect and 10 s for its statement; the rest is for the letters and the relay. */
const bookingReserve_ms = 18_000;

/** With three minutes between two attempts, the last of them is twelve minutes after the first. */
const unknownRunReceives_max = 5;

export type MeterDependencies = {
  readonly database: () => Promise<Database>;
  readonly afterCommit: (call: { readonly database: Database }) => Promise<unknown>;
  readonly putAside: PutAside;
  readonly patience: Patience;
  readonly clock: () => Date;
};

type Meter = (
  event: SQSEvent,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
) => Promise<SQSBatchResponse>;

type Verdict = DeadLetter | 'again' | null;

export function meter(dependencies: MeterDependencies): Meter {
  return async ({ Records }, context) => {
    const hasTime = () => context.getRemainingTimeInMillis() > bookingReserve_ms;
    const verdicts = await judged(Records, dependencies, hasTime);
    const kept = await notPutAside(verdicts, dependencies.putAside);
    const again = Records.filter((record) => verdicts.get(record) === 'again' || kept.has(record));
    return { batchItemFailures: again.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

/** Books what can be read, and tells what becomes of each record. */
async function judged(
  records: readonly SQSRecord[],
  { database: open, afterCommit, patience, clock }: MeterDependencies,
  hasTime: () => boolean,
): Promise<ReadonlyMap<SQSRecord, Verdict>> {
  const verdicts = new Map<SQSRecord, Verdict>();
  const readable: { readonly record: SQSRecord; readonly message: CostMessage }[] = [];
  for (const record of records) {
    const read = readCostMessage(record.body);
    if (read.kind === 'bad') verdicts.set(record, badMessageLetter(record.body, read.errors));
    else readable.push({ record, message: read.message });
  }
  const counts = { accepted: 0, duplicates: 0, rejected: 0 };
  const outcomes = await bookBatch(
    readable.map(({ message }) => message),
    async (tenantId, runId, events) => {
      const answer = await recordCosts(await open(), tenantId, runId, events, policyInForce(), clock());
      counts.accepted += answer?.accepted ?? 0;
      counts.duplicates += answer?.duplicates ?? 0;
      counts.rejected += answer?.rejected.length ?? 0;
      return answer;
    },
    hasTime,
  );
  for (const [index, { record, message }] of readable.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    const receives = Number(record.attributes.ApproximateReceiveCount);
    verdicts.set(record, letterOf(message, record.body, outcome, receives, patience));
    if (outcome.kind === 'booked') continue;
    const { messageId } = record;
    const err = outcome.kind === 'failed' ? outcome.error : undefined;
    const { tenantId, runId } = message;
    log.warn({ err, messageId, tenantId, runId, receives, outcome: outcome.kind }, 'cost message not booked');
  }
  log.info({ messages: records.length, ...counts }, 'cost events');
  if (counts.accepted > 0) await relayed(open, afterCommit);
  return verdicts;
}

/** What was booked is committed: failing the batch would only bring its messages again. */
async function relayed(
  open: () => Promise<Database>,
  afterCommit: MeterDependencies['afterCommit'],
): Promise<void> {
  try {
    await afterCommit({ database: await open() });
  } catch (error) {
    log.error({ err: error }, 'after commit failed; the sweep makes up for it');
  }
}

/** Puts the letters aside; answers the records that must come again, since their letter was not taken. */
async function notPutAside(
  verdicts: ReadonlyMap<SQSRecord, Verdict>,
  putAside: PutAside,
): Promise<ReadonlySet<SQSRecord>> {
  const letters = [...verdicts].flatMap(([record, verdict]) =>
    verdict === null || verdict === 'again' ? [] : [{ record, letter: verdict }],
  );
  if (letters.length === 0) return new Set();
  const failures = await putAside(
    letters.map(({ record, letter: { reason, detail, body } }) => ({
      body,
      attributes: {
        reason,
        detail,
        originalMessageId: record.messageId,
        senderId: record.attributes.SenderId,
      },
    })),
  );
  const kept = letters.filter(({ record, letter: { reason, detail } }, index) => {
    const err = failures[index];
    const said = { messageId: record.messageId, senderId: record.attributes.SenderId, reason, detail };
    if (err === null) {
      log.warn(said, 'cost message put aside');
    } else {
      log.error({ err, ...said }, 'cost message not put aside; it comes again');
    }
    return err !== null;
  });
  return new Set(kept.map(({ record }) => record));
}

let putAside: PutAside | undefined;

export const handler: Meter = (event, context) =>
  meter({
    database: databaseFromSecret,
    afterCommit: relayAfterCommit,
    putAside: (letters) => {
      putAside ??= deadLetterQueue(costDeadLettersUrl());
      return putAside(letters);
    },
    patience: { receives_max: costReceives_max(), unknownRunReceives_max },
    clock: () => new Date(),
  })(event, context);

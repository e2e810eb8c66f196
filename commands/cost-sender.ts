/** Reports costs over the queue `cost-events`, as a collector of the platform would. */

import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { costMessageBodies } from '../shared/budget/cost-message.ts';

/** What SQS takes in one call, all its messages together. */
const batchBytes_max = 1024 * 1024;
const batchMessages_max = 10;

/**
 * Sends the events of one run in as few messages and calls as possible.
 *
 * @throws Error when an event is too large or the queue takes a message not; sending all again is harmless
 */
export async function sendCostEvents(
  sqs: SQSClient,
  queueUrl: string,
  run: { readonly tenantId: string; readonly runId: string },
  events: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  await sendBodies(sqs, queueUrl, run.tenantId, costMessageBodies(run.tenantId, run.runId, events));
}

/** Sends ready bodies of one tenant. @throws Error when the queue takes one of them not */
export async function sendBodies(
  sqs: SQSClient,
  queueUrl: string,
  tenantId: string,
  bodies: readonly string[],
): Promise<void> {
  for (const batch of batchesOf(bodies)) {
    const { Failed = [] } = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        // Fair queues: one tenant's backlog does not delay the others.
        Entries: batch.map((body, index) => ({
          Id: String(index),
          MessageBody: body,
          MessageGroupId: tenantId,
        })),
      }),
    );
    const [refused] = Failed;
    if (refused !== undefined)
      throw new Error(`The queue refused a message: ${refused.Message ?? refused.Code}`);
  }
}

function batchesOf(bodies: readonly string[]): string[][] {
  const batches: string[][] = [];
  let bytes = 0;
  for (const body of bodies) {
    const added_bytes = Buffer.byteLength(body);
    const last = batches.at(-1);
    if (last !== undefined && last.length < batchMessages_max && bytes + added_bytes <= batchBytes_max) {
      last.push(body);
      bytes += added_bytes;
    } else {
      batches.push([body]);
      bytes = added_bytes;
    }
  }
  return batches;
}

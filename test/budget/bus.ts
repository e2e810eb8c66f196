/** The way of an event from the outbox to the consumer of budget actions: bus, rule, queue, batch. */

import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { budgetActions } from '../../functions/budget/act.ts';
import type { Database } from '../../shared/platform/db.ts';
import type { Api } from '../setup/api.ts';
import type { OutboxEvent } from './world.ts';

/** The EventBridge envelope that the rule puts on the queue. */
export function messageOf(event: OutboxEvent): string {
  return JSON.stringify({
    version: '0',
    id: `delivery-of-${event.event_id}`,
    'detail-type': event.detail_type,
    source: 'mothership',
    account: '000000000000',
    time: '2026-03-11T12:00:00Z',
    region: 'eu-central-1',
    resources: [],
    detail: {
      id: event.event_id,
      version: '1.0',
      tenantId: event.tenant_id,
      runId: event.run_id,
      taskId: event.task_id,
      causeId: event.cause_id,
      data: event.data,
    },
  });
}

/** One batch; the message ids are the places in it. */
export function deliver(
  database: Database,
  api: Api,
  bodies: readonly string[],
  afterCommit: () => Promise<unknown> = async () => {},
): Promise<SQSBatchResponse> {
  const consume = budgetActions({ database: async () => database, afterCommit, clock: api.now });
  return consume({ Records: bodies.map(recordOf) });
}

function recordOf(body: string, place: number): SQSRecord {
  return {
    messageId: String(place),
    receiptHandle: `receipt-${place}`,
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: 'events',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:budget-actions',
    awsRegion: 'eu-central-1',
  };
}

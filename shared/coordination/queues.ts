/** The bus and the task queues, over the AWS SDK. */

import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { source } from './events.ts';

/** What EventBridge and SQS take in one call. */
export const batchMax = 10;

export type OutgoingEvent = {
  readonly detailType: string;
  readonly detail: string;
  readonly occurredAt: Date;
};

export type OutgoingDoorbell = { readonly tenantId: string; readonly body: string };

/** Sends a batch of at most `batchMax`; answers, by index, which ones were accepted. May throw: then none counts. */
export type Publisher = {
  publishEvents(events: readonly OutgoingEvent[]): Promise<boolean[]>;
  /** @param taskClass 0 for P0 to 3 for P3: which queue */
  ringDoorbells(taskClass: number, doorbells: readonly OutgoingDoorbell[]): Promise<boolean[]>;
};

/** Short, since the caller of an API waits meanwhile; the sweep sends whatever is left. */
const clientConfig = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2000 },
};

export type PublisherConfig = {
  readonly eventBusName: string;
  /** By class, index 0 for P0. */
  readonly taskQueueUrls: readonly string[];
};

/** The publisher of a deployed stage; endpoints come from the SDK's own environment variables. */
export function awsPublisher({ eventBusName, taskQueueUrls }: PublisherConfig): Publisher {
  const bus = new EventBridgeClient(clientConfig);
  // A queue URL's host need not resolve where AWS_ENDPOINT_URL is set, so the endpoint is used, not the URL.
  const queues = new SQSClient({ ...clientConfig, useQueueUrlAsEndpoint: false });
  return {
    async publishEvents(outgoing) {
      const { Entries = [] } = await bus.send(
        new PutEventsCommand({
          Entries: outgoing.map(({ detailType, detail, occurredAt }) => ({
            EventBusName: eventBusName,
            Source: source,
            DetailType: detailType,
            Detail: detail,
            Time: occurredAt,
          })),
        }),
      );
      // The call succeeds even when entries fail; only an entry with an id was taken.
      return outgoing.map((_, index) => Entries[index]?.EventId !== undefined);
    },
    async ringDoorbells(taskClass, doorbells) {
      const url = taskQueueUrls[taskClass];
      if (url === undefined) throw new Error(`There is no queue for class ${taskClass}; classes are 0 to 3.`);
      const { Successful = [] } = await queues.send(
        new SendMessageBatchCommand({
          QueueUrl: url,
          Entries: doorbells.map(({ tenantId, body }, index) => ({
            Id: String(index),
            MessageBody: body,
            // Fair queues: one tenant's backlog does not delay the others.
            MessageGroupId: tenantId,
          })),
        }),
      );
      const accepted = new Set(Successful.map((entry) => entry.Id));
      return doorbells.map((_, index) => accepted.has(String(index)));
    },
  };
}

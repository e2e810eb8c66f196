/** A queue on the stage's own SQS endpoint. */

import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';

export type QueuePlace = {
  readonly awsEndpointUrl: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

export function sqsClient({ awsEndpointUrl, region, credentials }: QueuePlace): SQSClient {
  return new SQSClient({ endpoint: awsEndpointUrl, region, credentials, useQueueUrlAsEndpoint: false });
}

/** Waits up to `wait_seconds` for at most ten messages, hidden from others for `hidden_seconds`. */
export async function receive(
  sqs: SQSClient,
  queueUrl: string,
  { wait_seconds, hidden_seconds }: { readonly wait_seconds: number; readonly hidden_seconds: number },
  signal?: AbortSignal,
): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: wait_seconds,
      VisibilityTimeout: hidden_seconds,
      MessageSystemAttributeNames: ['All'],
    }),
    signal === undefined ? {} : { abortSignal: signal },
  );
  return Messages;
}

export async function remove(sqs: SQSClient, queueUrl: string, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return;
  await sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
    }),
  );
}

/** Puts messages aside that a consumer has given up, each with its reason. */

import { type MessageAttributeValue, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

export type OutgoingDeadLetter = {
  readonly body: string;
  /** At most ten. */
  readonly attributes: Readonly<Record<string, string>>;
};

/** Sends all at once; answers, by index, null for each that was taken, else what went wrong. */
export type PutAside = (letters: readonly OutgoingDeadLetter[]) => Promise<(Error | null)[]>;

/** To the queue at `queueUrl`; the endpoint comes from the SDK's own environment variables. */
export function deadLetterQueue(queueUrl: string): PutAside {
  const queues = new SQSClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000 },
    useQueueUrlAsEndpoint: false,
  });
  const send = ({ body, attributes }: OutgoingDeadLetter) =>
    queues.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: body,
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [name, stringAttribute(value)]),
        ),
      }),
    );
  // One by one: ten letters of the largest size are more than a batch call takes.
  return async (letters) => {
    const sent = await Promise.allSettled(letters.map(send));
    return sent.map((one) =>
      one.status === 'fulfilled'
        ? null
        : one.reason instanceof Error
          ? one.reason
          : new Error(String(one.reason)),
    );
  };
}

/** SQS takes neither empty values nor characters that XML does not know. */
function stringAttribute(value: string): MessageAttributeValue {
  const text = value.replaceAll(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
  return { DataType: 'String', StringValue: text === '' ? '-' : text };
}

/**
 * The stack's SQS queues. The queue server (fauxqs) runs inside this process and listens nowhere: every call goes
 * through `call`, so that none escapes the permission check of `aws-endpoint.ts`.
 */

import { buildApp } from 'fauxqs';
import * as z from 'zod';
import type { Resource, Stack } from './stack.ts';

export type SqsResponse = { statusCode: number; headers: Record<string, string>; body: string };

const messageSchema = z.object({
  MessageId: z.string(),
  ReceiptHandle: z.string(),
  MD5OfBody: z.string(),
  Body: z.string(),
  Attributes: z.record(z.string(), z.string()).default({}),
  MessageAttributes: z
    .record(
      z.string(),
      z.object({
        DataType: z.string(),
        StringValue: z.string().optional(),
        BinaryValue: z.string().optional(),
      }),
    )
    .default({}),
});
export type QueueMessage = z.infer<typeof messageSchema>;

export type Queues = {
  /** One call of the SQS JSON protocol; `action` such as `SendMessage`, `body` its JSON text. */
  call: (action: string, body: string) => Promise<SqsResponse>;
  /** Sends as the service itself would. Throws when the queue refuses the message. */
  send: (queueArn: string, message: OutgoingMessage) => Promise<void>;
  /** Waits up to `waitSeconds` for at most `max` (1 to 10) messages. */
  receive: (queueArn: string, max: number, waitSeconds: number) => Promise<QueueMessage[]>;
  delete: (queueArn: string, messages: readonly QueueMessage[]) => Promise<void>;
  has: (queueArn: string) => boolean;
  stop: () => Promise<void>;
};

export type OutgoingMessage = {
  body: string;
  /** String attributes by name. */
  attributes?: Readonly<Record<string, string>>;
  messageGroupId?: string;
};

/** Starts the queue server with every queue of the stack. Throws when it refuses one, naming the logical id. */
export async function startQueues(stack: Stack): Promise<Queues> {
  const server = buildApp({ logger: false, defaultRegion: stack.place.region });
  const urlOfArn = new Map<string, string>();

  async function call(action: string, body: string): Promise<SqsResponse> {
    const response = await server.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` },
      payload: body,
    });
    const headers = Object.entries(response.headers).flatMap(([name, value]) =>
      /^(content-type|x-amz.*)$/.test(name) && typeof value === 'string' ? [[name, value] as const] : [],
    );
    return { statusCode: response.statusCode, headers: Object.fromEntries(headers), body: response.body };
  }

  async function request(action: string, input: Record<string, unknown>): Promise<unknown> {
    const response = await call(action, JSON.stringify(input));
    if (response.statusCode !== 200) throw new Error(`SQS ${action} failed: ${response.body}`);
    return JSON.parse(response.body);
  }

  function urlOf(queueArn: string): string {
    const url = urlOfArn.get(queueArn);
    if (url === undefined) throw new Error(`the stack has no queue ${queueArn}`);
    return url;
  }

  for (const queue of stack.resources('AWS::SQS::Queue')) {
    const { Arn = '', QueueName } = queue.identity.attributes;
    try {
      await request('CreateQueue', { QueueName, Attributes: queueAttributes(queue) });
    } catch (error) {
      throw new Error(`${queue.logicalId}: the queue cannot be created`, { cause: error });
    }
    urlOfArn.set(Arn, queue.identity.ref);
  }

  return {
    call,
    async send(queueArn, message) {
      const attributes = Object.entries(message.attributes ?? {}).map(
        ([name, value]) => [name, { DataType: 'String', StringValue: value }] as const,
      );
      await request('SendMessage', {
        QueueUrl: urlOf(queueArn),
        MessageBody: message.body,
        ...(attributes.length > 0 && { MessageAttributes: Object.fromEntries(attributes) }),
        ...(message.messageGroupId !== undefined && { MessageGroupId: message.messageGroupId }),
      });
    },
    async receive(queueArn, max, waitSeconds) {
      const answer = await request('ReceiveMessage', {
        QueueUrl: urlOf(queueArn),
        MaxNumberOfMessages: max,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      });
      return z.object({ Messages: z.array(messageSchema).default([]) }).parse(answer).Messages;
    },
    async delete(queueArn, messages) {
      // The batch call takes ten entries at most.
      for (let start = 0; start < messages.length; start += 10) {
        const entries = messages.slice(start, start + 10);
        await request('DeleteMessageBatch', {
          QueueUrl: urlOf(queueArn),
          Entries: entries.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
        });
      }
    },
    has: (queueArn) => urlOfArn.has(queueArn),
    stop: () => server.close(),
  };
}

function queueAttributes({ properties }: Resource<'AWS::SQS::Queue'>): Record<string, string> {
  const { QueueName: _name, RedrivePolicy, ...others } = properties;
  const plain = Object.entries(others).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  return {
    ...Object.fromEntries(plain),
    ...(RedrivePolicy && { RedrivePolicy: JSON.stringify(RedrivePolicy) }),
  };
}

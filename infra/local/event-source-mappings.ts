/** SQS event source mappings: poll a queue, hand batches to a function, delete what it has done. */

import type { LambdaFunction } from './lambda-function.ts';
import { functionArnOf, type LambdaFunctions } from './lambda-functions.ts';
import type { MayCall } from './permissions.ts';
import type { QueueMessage, Queues } from './queues.ts';
import type { Resource, Stack } from './stack.ts';

/** AWS waits 20 s. A wait that begins while the stage stops cannot be cut short, so it must be short itself. */
const longPollSeconds = 1;

type Mapping = Resource<'AWS::Lambda::EventSourceMapping'>;

export type EventSourceMappingsInput = {
  stack: Stack;
  functions: LambdaFunctions;
  queues: Queues;
  mayCall: MayCall;
  log: (line: string) => void;
  stopping: AbortSignal;
};

/**
 * Starts every enabled mapping's pollers; they end once `stopping` is aborted and the queues stop.
 * Throws when a source is not a queue of the stack or when the function's role may not consume it.
 */
export function startEventSourceMappings(input: EventSourceMappingsInput): void {
  for (const mapping of input.stack.resources('AWS::Lambda::EventSourceMapping')) {
    const { logicalId, properties } = mapping;
    if (!properties.Enabled) continue;
    const lambda = input.functions.byArn(functionArnOf(input.stack, properties.FunctionName));
    checkSource(input, mapping, lambda);
    const pollers = Math.min(
      properties.ScalingConfig?.MaximumConcurrency ?? lambda.spec.concurrency,
      lambda.spec.concurrency,
    );
    for (let index = 0; index < pollers; index++) {
      poll(input, mapping, lambda).catch((error: unknown) => {
        if (!input.stopping.aborted) input.log(`${logicalId}: polling ended: ${String(error)}`);
      });
    }
  }
}

function checkSource(
  input: EventSourceMappingsInput,
  { logicalId, properties }: Mapping,
  lambda: LambdaFunction,
): void {
  const { EventSourceArn: queueArn } = properties;
  if (!input.queues.has(queueArn)) throw new Error(`${logicalId}: ${queueArn} is not a queue of the stack`);
  for (const action of ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']) {
    if (!input.mayCall(lambda.spec.roleName, action, queueArn)) {
      throw new Error(
        `${logicalId}: the role of ${lambda.spec.logicalId} does not allow ${action} on ${queueArn}`,
      );
    }
  }
}

async function poll(
  input: EventSourceMappingsInput,
  mapping: Mapping,
  lambda: LambdaFunction,
): Promise<void> {
  const { EventSourceArn: queueArn } = mapping.properties;
  while (!input.stopping.aborted) {
    const messages = await receiveBatch(input, mapping);
    if (messages.length === 0 || input.stopping.aborted) continue;
    const event = {
      Records: messages.map((message) => toRecord(message, queueArn, input.stack.place.region)),
    };
    const invocation = await lambda.invoke(event);
    if (!invocation.ok) {
      input.log(`${mapping.logicalId}: batch of ${messages.length} failed: ${invocation.error.errorMessage}`);
      continue;
    }
    const reports = mapping.properties.FunctionResponseTypes.includes('ReportBatchItemFailures');
    const done = reports ? succeeded(messages, invocation.payload) : messages;
    if (done.length < messages.length) {
      input.log(
        `${mapping.logicalId}: ${messages.length - done.length} of ${messages.length} messages failed`,
      );
    }
    await input.queues.delete(queueArn, done);
  }
}

async function receiveBatch(
  input: EventSourceMappingsInput,
  { properties }: Mapping,
): Promise<QueueMessage[]> {
  const {
    EventSourceArn: queueArn,
    BatchSize: size,
    MaximumBatchingWindowInSeconds: windowSeconds,
  } = properties;
  const messages = await input.queues.receive(queueArn, Math.min(10, size), longPollSeconds);
  const closesAtMs = Date.now() + windowSeconds * 1000;
  while (messages.length > 0 && messages.length < size && !input.stopping.aborted) {
    const remainingSeconds = Math.floor((closesAtMs - Date.now()) / 1000);
    // Whole seconds are the unit of SQS's waits; a batch may close a little before its window ends.
    const more = await input.queues.receive(
      queueArn,
      Math.min(10, size - messages.length),
      Math.max(0, Math.min(longPollSeconds, remainingSeconds)),
    );
    messages.push(...more);
    if (more.length === 0 && remainingSeconds <= 0) break;
  }
  return messages;
}

/** Messages that the response does not report; none when it is malformed, which fails the whole batch on AWS. */
function succeeded(messages: readonly QueueMessage[], response: unknown): readonly QueueMessage[] {
  if (response === null || response === '') return messages;
  if (typeof response !== 'object' || !('batchItemFailures' in response)) {
    return typeof response === 'object' && Object.keys(response).length === 0 ? messages : [];
  }
  const failures = response.batchItemFailures;
  if (failures === null) return messages;
  if (!Array.isArray(failures)) return [];
  const failedIds = failures.map((failure: unknown) =>
    typeof failure === 'object' && failure !== null && 'itemIdentifier' in failure
      ? failure.itemIdentifier
      : '',
  );
  const known = new Set<unknown>(messages.map((message) => message.MessageId));
  if (failedIds.some((id) => !known.has(id))) return [];
  return messages.filter((message) => !failedIds.includes(message.MessageId));
}

function toRecord(message: QueueMessage, queueArn: string, region: string): Record<string, unknown> {
  const attributes = Object.entries(message.MessageAttributes).map(
    ([name, { DataType, StringValue, BinaryValue }]) =>
      [
        name,
        {
          dataType: DataType,
          ...(StringValue !== undefined && { stringValue: StringValue }),
          ...(BinaryValue !== undefined && { binaryValue: BinaryValue }),
          stringListValues: [],
          binaryListValues: [],
        },
      ] as const,
  );
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes,
    messageAttributes: Object.fromEntries(attributes),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}

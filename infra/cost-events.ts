import { CfnOutput, type Stack } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { StageConfig } from './config.ts';
import { type QueueWithDeadLetters, queueWithDeadLetters } from './queues.ts';

export const meterTimeout_seconds = 30;

/**
 * A message fails for a moment's reasons only, since the function itself puts aside what can never be booked: with
 * three minutes between two receives this outlasts an hour without a store.
 */
export const costEventReceives_max = 20;

/**
 * The larger the batch, the more messages of a hot run are booked by one call under one lock; a second is as late as a
 * threshold may fire for it. 50 messages of 500 events each take 5 s (100 ms each, on two busy cores), less than half of
 * what the function has for them; and no more than 50 come again when it dies.
 */
export const costEventBatches = { batchSize: 50, windowSeconds: 1 } as const;

/** As much as the HTTP API takes of the same events. A dead letter has the other half of SQS's limit for its reasons. */
const messageBytes_max = 512 * 1024;

/**
 * The queue `mothership-<stage>-cost-events`, and the policy that lets a role send to it.
 *
 * Its messages name their tenant, so sending is for the platform's own collectors: no queue policy admits anybody, and
 * the managed policy is attached to the role of each collector by whoever runs it. A tenant's runners report over
 * HTTP, where the key says whose they are.
 */
export function costEventsQueue(stack: Stack, config: StageConfig): QueueWithDeadLetters {
  const scope = new Construct(stack, 'CostEvents');
  const queues = queueWithDeadLetters(scope, 'Queue', {
    config,
    name: 'cost-events',
    visibilitySeconds: 6 * meterTimeout_seconds,
    receivesMax: costEventReceives_max,
    messageBytesMax: messageBytes_max,
  });
  const sender = new ManagedPolicy(scope, 'Sender', {
    description: `Report costs of every tenant of Mothership ${config.stage} over the queue cost-events`,
    statements: [new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queues.queue.queueArn] })],
  });
  const outputs = {
    CostEventsQueueUrl: [queues.queue.queueUrl, 'Takes cost events in batches'],
    CostEventsSenderPolicyArn: [sender.managedPolicyArn, 'Attach to the role of a collector of cost events'],
  } as const;
  for (const [name, [value, description]] of Object.entries(outputs)) {
    new CfnOutput(stack, name, { value, description, exportName: `${stack.stackName}:${name}` });
  }
  return queues;
}

import { CfnOutput, Duration } from 'aws-cdk-lib';
import { type EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { StageConfig } from './config.ts';
import { deadLetterQueue, secured } from './queues.ts';

/**
 * The queue `mothership-<stage>-events-tap` with every event of the bus, so that people and tests can watch what
 * subscribers get. Nobody drains it by itself, hence the short retention.
 */
export function eventsTap(stack: Construct, bus: EventBus, config: StageConfig): void {
  const scope = new Construct(stack, 'EventsTap');
  const deadLetters = deadLetterQueue(scope, 'DeadLetters', config, 'events-tap-dead-letters');
  const queue = new Queue(scope, 'Queue', {
    ...secured,
    queueName: `mothership-${config.stage}-events-tap`,
    retentionPeriod: Duration.hours(1),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: 5 },
  });
  new Rule(scope, 'Rule', {
    description: 'Every event, to watch',
    eventBus: bus,
    eventPattern: { source: ['mothership'] },
    targets: [
      new SqsQueue(queue, { deadLetterQueue: deadLetters, maxEventAge: Duration.hours(1), retryAttempts: 3 }),
    ],
  });
  new CfnOutput(stack, 'EventsTapQueueUrl', { value: queue.queueUrl, description: 'Every event, to watch' });
}

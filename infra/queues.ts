import { Duration, Validations } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { StageConfig } from './config.ts';

/** Task classes, most urgent first; the index of a class is the index of its queue. */
export const taskClasses = ['P0', 'P1', 'P2', 'P3'] as const;

/**
 * Encrypted by SQS itself: EventBridge drops events for a queue under the KMS key that AWS manages, since it may
 * not use that key.
 */
export const secured = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true } as const;

/** Keeps what could not be processed for as long as SQS allows. */
export function deadLetterQueue(scope: Construct, id: string, config: StageConfig, name: string): Queue {
  const queue = new Queue(scope, id, {
    ...secured,
    queueName: `mothership-${config.stage}-${name}`,
    retentionPeriod: Duration.days(14),
  });
  const reason = 'It is a dead-letter queue.';
  Validations.of(queue).acknowledge(
    { id: 'AwsSolutions-SQS3', reason },
    { id: 'Serverless-SQSRedrivePolicy', reason },
  );
  return queue;
}

export type QueueWithDeadLetters = { readonly queue: Queue; readonly deadLetters: Queue };

export type QueueProps = {
  readonly config: StageConfig;
  readonly name: string;
  /** For a Lambda consumer at least six times its timeout. */
  readonly visibilitySeconds: number;
  /** Receives before SQS puts a message aside; 5 unless given. */
  readonly receivesMax?: number;
  /** Largest message with its attributes; 1 MiB, the most that SQS takes, unless given. */
  readonly messageBytesMax?: number;
};

/** The queue `mothership-<stage>-<name>` and its dead-letter queue `...-dead-letters`. */
export function queueWithDeadLetters(scope: Construct, id: string, props: QueueProps): QueueWithDeadLetters {
  const deadLetters = deadLetterQueue(scope, `${id}DeadLetters`, props.config, `${props.name}-dead-letters`);
  const queue = new Queue(scope, id, {
    ...secured,
    queueName: `mothership-${props.config.stage}-${props.name}`,
    retentionPeriod: Duration.days(4),
    visibilityTimeout: Duration.seconds(props.visibilitySeconds),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: props.receivesMax ?? 5 },
    ...(props.messageBytesMax !== undefined && { maxMessageSizeBytes: props.messageBytesMax }),
  });
  return { queue, deadLetters };
}

/** One queue per class. They hold doorbells for runners: a task is claimed in the database, not here. */
export function taskQueues(scope: Construct, config: StageConfig): readonly QueueWithDeadLetters[] {
  return taskClasses.map((name) =>
    queueWithDeadLetters(scope, `Tasks${name}`, {
      config,
      name: `tasks-${name.toLowerCase()}`,
      // Time for a runner to claim over HTTP and delete the message.
      visibilitySeconds: 60,
    }),
  );
}

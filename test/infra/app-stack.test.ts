import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { costMessageBytes_max } from '../../shared/budget/cost-message.ts';
import { pointer, propertiesOf, resourcesOf, templatesOf, valuesUnder } from './template.ts';

const { app: template } = templatesOf('prod');

const seconds_per_day = 86_400;

const functions = propertiesOf(
  template,
  'AWS::Lambda::Function',
  z.object({
    Runtime: z.string(),
    Architectures: z.array(z.string()),
    MemorySize: z.number(),
    Timeout: z.number(),
    ReservedConcurrentExecutions: z.number().optional(),
    TracingConfig: z.object({ Mode: z.string() }),
    LoggingConfig: z.object({ LogGroup: pointer }),
    Role: pointer,
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
  }),
);

const queues = propertiesOf(
  template,
  'AWS::SQS::Queue',
  z.object({
    QueueName: z.string(),
    VisibilityTimeout: z.number().optional(),
    MessageRetentionPeriod: z.number(),
    SqsManagedSseEnabled: z.boolean(),
    KmsMasterKeyId: z.undefined().optional(),
    RedrivePolicy: z.object({ deadLetterTargetArn: pointer, maxReceiveCount: z.number() }).optional(),
  }),
);
const deadLetterQueues = queues.filter((queue) => queue.RedrivePolicy === undefined);

const rules = propertiesOf(
  template,
  'AWS::Events::Rule',
  z.object({
    EventPattern: z.object({ source: z.array(z.string()), 'detail-type': z.array(z.string()) }).optional(),
    ScheduleExpression: z.string().optional(),
    Targets: z.array(
      z.object({
        Arn: pointer,
        DeadLetterConfig: z.object({ Arn: pointer }),
        RetryPolicy: z.object({ MaximumEventAgeInSeconds: z.number(), MaximumRetryAttempts: z.number() }),
      }),
    ),
  }),
);

describe('functions', () => {
  const logGroups = new Map(
    propertiesOf(template, 'AWS::Logs::LogGroup', z.object({ RetentionInDays: z.number() })).map((group) => [
      group.id,
      group.RetentionInDays,
    ]),
  );

  test('are one per entry of the architecture', () => {
    expect(functions).toHaveLength(9);
  });

  test.each(functions)('$id states runtime, processor, memory, time and tracing', (lambda) => {
    expect(lambda).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
      TracingConfig: { Mode: 'Active' },
    });
    expect(logGroups.get(lambda.LoggingConfig.LogGroup)).toBe(90);
  });

  test('have a role each', () => {
    expect(new Set(functions.map((lambda) => lambda.Role)).size).toBe(functions.length);
  });

  test('that answer HTTP give up before API Gateway does after 30 s', () => {
    const authorizers = resourcesOf(template, 'AWS::ApiGatewayV2::Authorizer');
    const integrations = resourcesOf(template, 'AWS::ApiGatewayV2::Integration');
    const behindHttp = functions.filter((lambda) =>
      JSON.stringify([authorizers, integrations]).includes(`"${lambda.id}"`),
    );
    expect(behindHttp).toHaveLength(6);
    for (const lambda of behindHttp) expect(lambda.Timeout).toBeLessThanOrEqual(29);
  });

  test('reserve concurrency, which caps the connections to the database', () => {
    for (const lambda of functions) expect(lambda.ReservedConcurrentExecutions).toBeGreaterThan(0);
  });

  test('that change state reach the database, the bus and all four task queues; the authorizer only reads', () => {
    const variables = (lambda: (typeof functions)[number]): string[] =>
      Object.keys(lambda.Environment.Variables).filter((name) => /_(ARN|NAME|P\d)$/.test(name));
    const [authorizers, writers] = [
      functions.filter(({ id }) => id.startsWith('Authorizer')),
      functions.filter(({ id }) => !id.startsWith('Authorizer')),
    ];
    expect(authorizers.map(variables)).toEqual([['DATABASE_SECRET_ARN']]);
    for (const writer of writers) {
      expect(variables(writer).sort()).toEqual([
        'DATABASE_SECRET_ARN',
        'EVENT_BUS_NAME',
        'TASK_QUEUE_URL_P0',
        'TASK_QUEUE_URL_P1',
        'TASK_QUEUE_URL_P2',
        'TASK_QUEUE_URL_P3',
      ]);
    }
  });
});

describe('permissions', () => {
  const statements = [
    ...resourcesOf(template, 'AWS::IAM::Policy'),
    ...resourcesOf(template, 'AWS::IAM::Role'),
  ]
    .flatMap(([, { Properties }]) => valuesUnder('Statement', Properties))
    .flat()
    .map((statement) =>
      z
        .object({ Action: z.union([z.string(), z.array(z.string())]), Resource: z.unknown().optional() })
        .transform(({ Action, Resource }) => ({ actions: [Action].flat(), resource: Resource }))
        .parse(statement),
    );

  test('name their actions', () => {
    for (const { actions } of statements) {
      for (const action of actions) expect(action).not.toContain('*');
    }
  });

  test('name their resources, except actions that know none', () => {
    const withoutResource = statements
      .filter(({ resource }) => resource === '*')
      .flatMap(({ actions }) => actions.map((action) => action.split(':')[0]));
    expect(new Set(withoutResource)).toEqual(new Set(['xray', 'ec2']));
  });
});

describe('queues', () => {
  test('are the four of the contract, the one of cost events and the one of budget actions, each with a dead-letter queue', () => {
    const named = queues.filter((queue) => queue.RedrivePolicy !== undefined);
    expect(named.map((queue) => queue.QueueName).sort()).toEqual([
      'mothership-prod-budget-actions',
      'mothership-prod-cost-events',
      'mothership-prod-tasks-p0',
      'mothership-prod-tasks-p1',
      'mothership-prod-tasks-p2',
      'mothership-prod-tasks-p3',
    ]);
    for (const queue of named) {
      expect(queue.RedrivePolicy?.maxReceiveCount).toBeGreaterThanOrEqual(3);
      expect(deadLetterQueues.map(({ id }) => id)).toContain(queue.RedrivePolicy?.deadLetterTargetArn);
    }
  });

  test.each(queues)('$QueueName is encrypted by SQS, whose key EventBridge may use', (queue) => {
    expect(queue.SqsManagedSseEnabled).toBe(true);
  });

  test.each(deadLetterQueues)('$QueueName keeps messages for 14 days and has an alarm', (queue) => {
    expect(queue.MessageRetentionPeriod).toBe(14 * seconds_per_day);
    const watched = resourcesOf(template, 'AWS::CloudWatch::Alarm').filter(
      ([, { Properties }]) =>
        Properties.MetricName === 'ApproximateNumberOfMessagesVisible' &&
        Properties.Threshold === 0 &&
        JSON.stringify(Properties.Dimensions).includes(`"${queue.id}"`),
    );
    expect(watched).toHaveLength(1);
  });

  test('that feed a function hide a message six times as long as it may run, and retry failed messages alone', () => {
    const mappings = propertiesOf(
      template,
      'AWS::Lambda::EventSourceMapping',
      z.object({
        EventSourceArn: pointer,
        FunctionName: pointer,
        FunctionResponseTypes: z.array(z.string()),
        ScalingConfig: z.object({ MaximumConcurrency: z.number() }),
      }),
    );
    expect(mappings).toHaveLength(2);
    for (const mapping of mappings) {
      const queue = queues.find(({ id }) => id === mapping.EventSourceArn);
      const consumer = functions.find(({ id }) => id === mapping.FunctionName);
      expect(queue?.VisibilityTimeout).toBeGreaterThanOrEqual(6 * (consumer?.Timeout ?? Infinity));
      expect(mapping.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      expect(consumer?.ReservedConcurrentExecutions).toBeGreaterThanOrEqual(
        mapping.ScalingConfig.MaximumConcurrency,
      );
    }
  });
});

describe('cost events', () => {
  const queue = queues.find(({ QueueName }) => QueueName === 'mothership-prod-cost-events');
  const [meter] = functions.filter(({ id }) => id.startsWith('BudgetMeter'));
  const variables = meter?.Environment.Variables ?? {};

  test('a message may be as large as a report over HTTP, and its dead letter twice that', () => {
    const sizes = propertiesOf(
      template,
      'AWS::SQS::Queue',
      z.object({ QueueName: z.string(), MaximumMessageSize: z.number().optional() }),
    );
    const sizeOf = (name: string) =>
      sizes.find(({ QueueName }) => QueueName === `mothership-prod-${name}`)?.MaximumMessageSize;
    expect(sizeOf('cost-events')).toBe(costMessageBytes_max);
    // Without the property SQS takes 1 MiB.
    expect(sizeOf('cost-events-dead-letters')).toBeUndefined();
  });

  test('the function knows where to put messages aside, and when SQS would', () => {
    const deadLetters = pointer.parse(variables.COST_DEAD_LETTERS_URL);
    expect(deadLetters).toBe(queue?.RedrivePolicy?.deadLetterTargetArn);
    expect(Number(variables.COST_RECEIVES_MAX)).toBe(queue?.RedrivePolicy?.maxReceiveCount);
  });

  test('a batch is what one invocation takes, and waits at most a second', () => {
    const [mapping, ...others] = propertiesOf(
      template,
      'AWS::Lambda::EventSourceMapping',
      z.object({
        EventSourceArn: pointer,
        BatchSize: z.number(),
        MaximumBatchingWindowInSeconds: z.number().optional(),
      }),
    ).filter(({ EventSourceArn }) => EventSourceArn === queue?.id);
    expect(others).toEqual([]);
    expect(mapping).toMatchObject({ BatchSize: 50, MaximumBatchingWindowInSeconds: 1 });
  });

  test('only who has the managed policy may send, and the queue itself refuses what is not TLS', () => {
    const policies = propertiesOf(
      template,
      'AWS::IAM::ManagedPolicy',
      z.object({
        PolicyDocument: z.object({ Statement: z.array(z.unknown()) }),
        Roles: z.undefined().optional(),
      }),
    );
    expect(policies.map(({ PolicyDocument }) => PolicyDocument.Statement)).toEqual([
      [{ Action: 'sqs:SendMessage', Effect: 'Allow', Resource: { 'Fn::GetAtt': [queue?.id, 'Arn'] } }],
    ]);
    const queuePolicies = propertiesOf(
      template,
      'AWS::SQS::QueuePolicy',
      z.object({
        Queues: z.array(pointer),
        PolicyDocument: z.object({ Statement: z.array(z.looseObject({ Effect: z.string() })) }),
      }),
    ).filter(({ Queues }) => Queues.includes(queue?.id ?? ''));
    expect(queuePolicies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ]);
  });

  test('its address and the policy of senders are exported', () => {
    const exported = Object.values(template.Outputs).map((output) => output.Export?.Name);
    expect(exported).toEqual(
      expect.arrayContaining([
        'MothershipApp-prod:CostEventsQueueUrl',
        'MothershipApp-prod:CostEventsSenderPolicyArn',
      ]),
    );
  });
});

describe('rules', () => {
  test.each(rules)('$id gives up to a dead-letter queue after a bounded time', ({ Targets }) => {
    expect(Targets).toHaveLength(1);
    for (const target of Targets) {
      expect(deadLetterQueues.map(({ id }) => id)).toContain(target.DeadLetterConfig.Arn);
    }
  });

  test('budget decisions of Mothership, and nothing else, go to the budget-actions queue', () => {
    const [rule, ...others] = rules.filter(({ EventPattern }) => EventPattern !== undefined);
    expect(others).toEqual([]);
    expect(rule?.EventPattern).toEqual({
      source: ['mothership'],
      'detail-type': ['preempt-for-budget', 'run-paused-for-budget'],
    });
    const fed = queues.find(({ id }) => id === rule?.Targets[0]?.Arn);
    expect(fed?.QueueName).toBe('mothership-prod-budget-actions');
  });

  test('the sweep runs every minute and ends before the next begins', () => {
    const [schedule, ...others] = rules.filter(({ ScheduleExpression }) => ScheduleExpression !== undefined);
    expect(others).toEqual([]);
    expect(schedule?.ScheduleExpression).toBe('rate(1 minute)');
    const sweep = functions.find(({ id }) => id === schedule?.Targets[0]?.Arn);
    expect(sweep?.Timeout).toBeLessThan(60);
  });

  test('the bus is named after the stage and keeps an archive', () => {
    const buses = propertiesOf(template, 'AWS::Events::EventBus', z.object({ Name: z.string() }));
    expect(buses).toMatchObject([{ Name: 'mothership-prod' }]);
    const archives = propertiesOf(template, 'AWS::Events::Archive', z.object({ RetentionDays: z.number() }));
    expect(archives).toMatchObject([{ RetentionDays: 90 }]);
  });
});

import { Duration, Validations } from 'aws-cdk-lib';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  CfnFunction,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { environmentNames, type JudgeEnvironment } from '../shared/platform/env.ts';
import { type BundleProps, bundledCode } from './bundle.ts';
import type { JudgeConfig, StageConfig } from './config.ts';
import { judgePermissions } from './judge.ts';

/** Where a function's network interfaces live; ids rather than constructs, since they may be imported values. */
export type FunctionNetwork = {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
};

export type MothershipFunctionProps = {
  readonly config: StageConfig;
  readonly code: BundleProps;
  readonly description: string;
  readonly timeoutSeconds: number;
  /** No VPC when undefined. */
  readonly network: FunctionNetwork | undefined;
  /** Executions kept for this function, and the most it may have; the account's pool when undefined. */
  readonly reservedConcurrency?: number | undefined;
};

export type ConsumerProps = {
  /** Batches at the same time (SQS `MaximumConcurrency`, at least 2). */
  readonly maxConcurrency: number;
  /** 10 unless given; more of them need a window. */
  readonly batchSize?: number;
  /** How long a batch may wait to fill; not at all unless given. */
  readonly windowSeconds?: number;
};

/**
 * A Lambda with the project's defaults: arm64, one bundled ES module, its own role, its own log group.
 *
 * What it may touch is granted by the methods, each of which sets the permission and the environment variable
 * together, so that a handler never holds an address that it may not use.
 */
export class MothershipFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: MothershipFunctionProps) {
    const { config } = props;
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: config.logRetention,
      removalPolicy: config.logRemovalPolicy,
    });
    super(scope, id, {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: bundledCode(props.code),
      memorySize: 512,
      timeout: Duration.seconds(props.timeoutSeconds),
      role: functionRole(scope, `${id}Role`, props.network !== undefined),
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      // LOG_LEVEL decides what the handler writes; Lambda must not drop a second time.
      applicationLogLevelV2: ApplicationLogLevel.TRACE,
      systemLogLevelV2: SystemLogLevel.WARN,
      tracing: Tracing.ACTIVE,
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        [environmentNames.stage]: config.stage,
        [environmentNames.logLevel]: config.logLevel,
        ...(config.virtualTime && { [environmentNames.virtualTime]: 'allowed' }),
      },
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
    });
    logGroup.grantWrite(this);
    this.#join(props.network);
    Validations.of(this).acknowledge({
      id: 'Serverless-LambdaDLQ',
      reason:
        'Callers of synchronous functions see the failure; asynchronous ones have a failure destination.',
    });
    const reason = 'X-Ray and network interface actions know no resource.';
    Validations.of(this.role ?? this).acknowledge(
      { id: 'AwsSolutions-IAM5[Resource::*]', reason },
      { id: 'Serverless-LambdaStarPermissions', reason },
    );
  }

  /** Lets it read the secret with host, port, dbname, username and password of the application role. */
  usesDatabase(connectionSecret: ISecret): this {
    connectionSecret.grantRead(this);
    this.addEnvironment(environmentNames.databaseSecretArn, connectionSecret.secretArn);
    return this;
  }

  publishesEvents(bus: EventBus): this {
    bus.grantPutEventsTo(this);
    this.addEnvironment(environmentNames.eventBusName, bus.eventBusName);
    return this;
  }

  /** Lets it ring the doorbells of the four classes. */
  sendsTo(taskQueues: readonly IQueue[]): this {
    for (const [index, name] of environmentNames.taskQueueUrls.entries()) {
      const queue = taskQueues[index];
      if (queue === undefined) {
        throw new Error(`No queue for ${name}: pass one task queue per class, P0 first.`);
      }
      queue.grantSendMessages(this);
      this.addEnvironment(name, queue.queueUrl);
    }
    return this;
  }

  /** Lets it decide by the stage's policy. */
  decidesBy(policy: StageConfig['policy']): this {
    if (Object.keys(policy).length > 0) {
      this.addEnvironment(environmentNames.policyOverrides, JSON.stringify(policy));
    }
    return this;
  }

  /** Lets it ask the stage's judge, if there is one. */
  asksJudge(judge: JudgeConfig | null): this {
    if (judge === null) return this;
    for (const statement of judgePermissions(judge)) this.addToRolePolicy(statement);
    const settings: JudgeEnvironment = {
      modelId: judge.modelId,
      timeout_ms: judge.timeoutSeconds * 1000,
      attempts_max: judge.attempts,
    };
    this.addEnvironment(environmentNames.judge, JSON.stringify(settings));
    return this;
  }

  /** Feeds it from a queue in batches whose failed messages alone are retried. */
  consumes(queue: IQueue, { maxConcurrency, batchSize, windowSeconds }: ConsumerProps): this {
    this.addEventSource(
      new SqsEventSource(queue, {
        batchSize: batchSize ?? 10,
        ...(windowSeconds !== undefined && { maxBatchingWindow: Duration.seconds(windowSeconds) }),
        maxConcurrency,
        reportBatchItemFailures: true,
      }),
    );
    Validations.of(this).acknowledge({
      id: 'Serverless-LambdaEventSourceMappingDestination',
      reason: 'SQS mappings take no failure destination: the queue has a dead-letter queue.',
    });
    return this;
  }

  /** Lets it put messages aside, with its reasons, before SQS does so after `receivesMax` receives. */
  putsAside(deadLetters: IQueue, receivesMax: number): this {
    deadLetters.grantSendMessages(this);
    this.addEnvironment(environmentNames.costDeadLettersUrl, deadLetters.queueUrl);
    this.addEnvironment(environmentNames.costReceivesMax, String(receivesMax));
    return this;
  }

  /** Set on the resource: the L2 property wants a whole VPC, of which the App stack knows only ids. */
  #join(network: FunctionNetwork | undefined): void {
    const resource = this.node.defaultChild;
    if (network === undefined || !(resource instanceof CfnFunction)) return;
    resource.vpcConfig = {
      subnetIds: [...network.subnetIds],
      securityGroupIds: [...network.securityGroupIds],
    };
  }
}

/** A role of the function's own without AWS managed policies, which would let it write to every log group. */
function functionRole(scope: Construct, id: string, inVpc: boolean): Role {
  const networkInterfaces = new PolicyDocument({
    statements: [
      new PolicyStatement({
        actions: [
          'ec2:AssignPrivateIpAddresses',
          'ec2:CreateNetworkInterface',
          'ec2:DeleteNetworkInterface',
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeSubnets',
          'ec2:UnassignPrivateIpAddresses',
        ],
        resources: ['*'],
      }),
    ],
  });
  return new Role(scope, id, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    ...(inVpc && { inlinePolicies: { NetworkInterfaces: networkInterfaces } }),
  });
}

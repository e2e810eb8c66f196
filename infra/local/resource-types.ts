/**
 * The resource types that the local stage emulates: for each, the properties it acts on (parsed, units as in
 * CloudFormation) and the properties it knowingly ignores. Any other property stops the start, so that a new one
 * is either emulated or ignored by decision.
 */

import * as z from 'zod';

// CloudFormation takes numbers and booleans as strings too.
const number = z.coerce.number();
const flag = z.union([z.boolean(), z.stringbool()]);
const strings = z.array(z.string());
const json = z.record(z.string(), z.unknown());
const queueDestination = z.strictObject({ Arn: z.string() });
const retryPolicy = z.strictObject({
  MaximumEventAgeInSeconds: number.optional(),
  MaximumRetryAttempts: number.optional(),
});

const queue = z.strictObject({
  QueueName: z.string().optional(),
  VisibilityTimeout: number.optional(),
  DelaySeconds: number.optional(),
  MaximumMessageSize: number.optional(),
  MessageRetentionPeriod: number.optional(),
  ReceiveMessageWaitTimeSeconds: number.optional(),
  FifoQueue: flag.optional(),
  ContentBasedDeduplication: flag.optional(),
  RedrivePolicy: z.strictObject({ deadLetterTargetArn: z.string(), maxReceiveCount: number }).optional(),
});

const lambdaFunction = z.strictObject({
  FunctionName: z.string().optional(),
  Handler: z.string(),
  Runtime: z.string().startsWith('nodejs'),
  Role: z.string(),
  Code: z.strictObject({ S3Bucket: z.unknown(), S3Key: z.string() }),
  Timeout: number.default(3),
  MemorySize: number.default(128),
  ReservedConcurrentExecutions: number.min(1).optional(),
  Environment: z.strictObject({ Variables: z.record(z.string(), z.coerce.string()).default({}) }).optional(),
  DeadLetterConfig: z.strictObject({ TargetArn: z.string() }).optional(),
});

const destination = z.strictObject({ Destination: z.string() });
const eventInvokeConfig = z.strictObject({
  FunctionName: z.string(),
  Qualifier: z.literal('$LATEST'),
  MaximumRetryAttempts: number.optional(),
  MaximumEventAgeInSeconds: number.optional(),
  DestinationConfig: z
    .strictObject({ OnSuccess: destination.optional(), OnFailure: destination.optional() })
    .optional(),
});

const eventSourceMapping = z.strictObject({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  BatchSize: number.default(10),
  MaximumBatchingWindowInSeconds: number.default(0),
  Enabled: flag.default(true),
  ScalingConfig: z.strictObject({ MaximumConcurrency: number }).optional(),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
});

const target = z.strictObject({
  Id: z.string(),
  Arn: z.string(),
  Input: z.string().optional(),
  InputPath: z.string().optional(),
  InputTransformer: z
    .strictObject({
      InputPathsMap: z.record(z.string(), z.string()).default({}),
      InputTemplate: z.string(),
    })
    .optional(),
  SqsParameters: z.strictObject({ MessageGroupId: z.string() }).optional(),
  DeadLetterConfig: queueDestination.optional(),
  // Delivery happens inside one process: a failure is final at once and goes to the dead-letter queue.
  RetryPolicy: retryPolicy.optional(),
  RoleArn: z.string().optional(),
});

const rule = z.strictObject({
  Name: z.string().optional(),
  EventBusName: z.string().optional(),
  EventPattern: json.optional(),
  ScheduleExpression: z.string().optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  Targets: z.array(target).default([]),
});

const schedule = z.strictObject({
  Name: z.string().optional(),
  ScheduleExpression: z.string(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  Target: z.strictObject({
    Arn: z.string(),
    RoleArn: z.string(),
    Input: z.string().optional(),
    DeadLetterConfig: queueDestination.optional(),
    RetryPolicy: retryPolicy.optional(),
  }),
});

const generateSecretString = z.strictObject({
  SecretStringTemplate: z.string().optional(),
  GenerateStringKey: z.string().optional(),
  PasswordLength: number.default(32),
  ExcludeCharacters: z.string().default(''),
  ExcludeLowercase: flag.default(false),
  ExcludeNumbers: flag.default(false),
  ExcludePunctuation: flag.default(false),
  ExcludeUppercase: flag.default(false),
  IncludeSpace: flag.default(false),
  RequireEachIncludedType: flag.optional(),
});

const api = z.strictObject({
  Name: z.string(),
  ProtocolType: z.literal('HTTP'),
  CorsConfiguration: z
    .strictObject({
      AllowCredentials: flag.default(false),
      AllowHeaders: strings.default([]),
      AllowMethods: strings.default([]),
      AllowOrigins: strings.default([]),
      ExposeHeaders: strings.default([]),
      MaxAge: number.optional(),
    })
    .optional(),
});

const authorizer = z.strictObject({
  ApiId: z.string(),
  Name: z.string(),
  AuthorizerType: z.literal('REQUEST'),
  AuthorizerUri: z.string(),
  AuthorizerPayloadFormatVersion: z.literal('2.0'),
  AuthorizerResultTtlInSeconds: number.default(0),
  EnableSimpleResponses: z.union([z.literal(true), z.literal('true')]),
  IdentitySource: strings.default([]),
});

const integration = z.strictObject({
  ApiId: z.string(),
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal('2.0'),
  TimeoutInMillis: number.default(30_000),
});

const route = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.enum(['NONE', 'CUSTOM']).default('NONE'),
  AuthorizerId: z.string().optional(),
});

/** Statements are read by `permissions.ts`, which resolves only those about services that the stage serves. */
const policyDocument = z.object({ Statement: z.unknown() });
const rolePolicies = z.array(z.strictObject({ PolicyName: z.unknown(), PolicyDocument: policyDocument }));

export const emulatedTypes = {
  'AWS::SQS::Queue': {
    properties: queue,
    ignored: [
      'SqsManagedSseEnabled',
      'KmsMasterKeyId',
      'KmsDataKeyReusePeriodSeconds',
      'RedriveAllowPolicy',
      'Tags',
    ],
  },
  'AWS::Lambda::Function': {
    properties: lambdaFunction,
    ignored: [
      'Architectures',
      'Description',
      'EphemeralStorage',
      'LoggingConfig',
      'RecursiveLoop',
      'Tags',
      'TracingConfig',
      'VpcConfig',
    ],
  },
  'AWS::Lambda::EventInvokeConfig': { properties: eventInvokeConfig, ignored: [] },
  'AWS::Lambda::EventSourceMapping': { properties: eventSourceMapping, ignored: ['MetricsConfig', 'Tags'] },
  'AWS::Events::EventBus': {
    properties: z.strictObject({ Name: z.string() }),
    ignored: ['DeadLetterConfig', 'Description', 'KmsKeyIdentifier', 'LogConfig', 'Policy', 'Tags'],
  },
  'AWS::Events::Rule': { properties: rule, ignored: ['Description', 'RoleArn', 'Tags'] },
  'AWS::Scheduler::Schedule': {
    properties: schedule,
    ignored: ['Description', 'FlexibleTimeWindow', 'GroupName', 'KmsKeyArn', 'ScheduleExpressionTimezone'],
  },
  'AWS::SecretsManager::Secret': {
    properties: z.strictObject({
      Name: z.string().optional(),
      SecretString: z.string().optional(),
      GenerateSecretString: generateSecretString.optional(),
    }),
    ignored: ['Description', 'KmsKeyId', 'ReplicaRegions', 'Tags'],
  },
  'AWS::ApiGatewayV2::Api': {
    properties: api,
    ignored: ['Description', 'DisableExecuteApiEndpoint', 'IpAddressType', 'Tags', 'Version'],
  },
  'AWS::ApiGatewayV2::Authorizer': { properties: authorizer, ignored: [] },
  'AWS::ApiGatewayV2::Integration': { properties: integration, ignored: ['Description'] },
  'AWS::ApiGatewayV2::Route': { properties: route, ignored: ['OperationName'] },
  'AWS::ApiGatewayV2::Stage': {
    properties: z.strictObject({ ApiId: z.string(), StageName: z.literal('$default') }),
    ignored: [
      'AccessLogSettings',
      'AutoDeploy',
      'DefaultRouteSettings',
      'Description',
      'RouteSettings',
      'Tags',
    ],
  },
  'AWS::IAM::Role': {
    properties: z.strictObject({ RoleName: z.string().optional(), Policies: rolePolicies.default([]) }),
    ignored: [
      'AssumeRolePolicyDocument',
      'Description',
      'ManagedPolicyArns',
      'MaxSessionDuration',
      'Path',
      'PermissionsBoundary',
      'Tags',
    ],
  },
  'AWS::IAM::Policy': {
    properties: z.strictObject({ PolicyDocument: policyDocument, Roles: strings.default([]) }),
    ignored: ['Groups', 'PolicyName', 'Users'],
  },
  'AWS::IAM::ManagedPolicy': {
    properties: z.strictObject({ PolicyDocument: policyDocument, Roles: strings.default([]) }),
    ignored: ['Description', 'Groups', 'ManagedPolicyName', 'Path', 'Users'],
  },
} as const satisfies Record<string, { properties: z.ZodType; ignored: readonly string[] }>;

export type EmulatedType = keyof typeof emulatedTypes;

/** Properties of an emulated resource after every intrinsic has been evaluated. */
export type PropertiesOf<T extends EmulatedType> = z.infer<(typeof emulatedTypes)[T]['properties']>;

/** The stack's Lambda functions, found by ARN, with the environment that AWS would give them. */

import { devNull } from 'node:os';
import { createLambdaFunction, type FunctionSpec, type LambdaFunction } from './lambda-function.ts';
import type { Resource, Stack } from './stack.ts';

export type LambdaFunctions = {
  /** The function of that ARN; throws when the stack has none. */
  byArn: (functionArn: string) => LambdaFunction;
  has: (functionArn: string) => boolean;
  /** The function that signs its calls with this access key, which is its logical id. */
  byAccessKey: (accessKeyId: string) => LambdaFunction | undefined;
  stop: () => Promise<void>;
};

/**
 * No thread starts before a function's first event. `unreservedConcurrency` is how many environments a function
 * may have that reserves none; `log` gets each printed line, opened by the logical id.
 */
export function createLambdaFunctions(
  stack: Stack,
  unreservedConcurrency: number,
  log: (line: string) => void,
): LambdaFunctions {
  const functions = stack
    .resources('AWS::Lambda::Function')
    .map((resource) => specify(stack, resource, unreservedConcurrency))
    .map((spec) => createLambdaFunction(spec, (line) => log(`[${spec.logicalId}] ${line}`)));
  const byArn = new Map(functions.map((lambda) => [lambda.spec.functionArn, lambda]));
  const byAccessKey = new Map(functions.map((lambda) => [lambda.spec.logicalId, lambda]));
  return {
    byArn(functionArn) {
      const found = byArn.get(functionArn);
      if (found === undefined) throw new Error(`the stack has no function ${functionArn}`);
      return found;
    },
    has: (functionArn) => byArn.has(functionArn),
    byAccessKey: (accessKeyId) => byAccessKey.get(accessKeyId),
    async stop() {
      await Promise.all(functions.map((lambda) => lambda.stop()));
    },
  };
}

/** Functions are named by ARN in some properties and by name in others; this answers the ARN for both. */
export function functionArnOf(stack: Stack, nameOrArn: string): string {
  const found = stack
    .resources('AWS::Lambda::Function')
    .find(({ identity }) => identity.ref === nameOrArn || identity.attributes.Arn === nameOrArn);
  const arn = found?.identity.attributes.Arn;
  if (arn === undefined) throw new Error(`the stack has no function ${nameOrArn}`);
  return arn;
}

function specify(
  stack: Stack,
  resource: Resource<'AWS::Lambda::Function'>,
  unreservedConcurrency: number,
): FunctionSpec {
  const { logicalId, identity, properties } = resource;
  const functionName = identity.ref;
  const codeFolder = stack.assetFolder(properties.Code.S3Key);
  return {
    logicalId,
    codeFolder,
    functionName,
    functionArn: identity.attributes.Arn ?? '',
    handler: properties.Handler,
    roleName: properties.Role.split('/').at(-1) ?? '',
    timeoutSeconds: properties.Timeout,
    memoryMb: properties.MemorySize,
    concurrency: properties.ReservedConcurrentExecutions ?? unreservedConcurrency,
    environment: {
      AWS_ACCESS_KEY_ID: logicalId,
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL: stack.place.awsEndpointUrl,
      ...endpointsElsewhere(process.env),
      AWS_REGION: stack.place.region,
      AWS_DEFAULT_REGION: stack.place.region,
      // The developer's own profiles must not reach the functions.
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_EXECUTION_ENV: `AWS_Lambda_${properties.Runtime}`,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(properties.MemorySize),
      AWS_LAMBDA_FUNCTION_NAME: functionName,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      LAMBDA_TASK_ROOT: codeFolder,
      PATH: process.env.PATH ?? '',
      TZ: 'UTC',
      _HANDLER: properties.Handler,
      ...properties.Environment?.Variables,
    },
  };
}

/** Services that the stage serves; what calls the others may be sent to something else on this machine. */
const servedHere: ReadonlySet<string> = new Set(['SQS', 'EVENTBRIDGE', 'SECRETS_MANAGER']);

/** The variables by which the SDK is told a service's own endpoint, as whoever starts the stage has set them. */
function endpointsElsewhere(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const prefix = 'AWS_ENDPOINT_URL_';
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && name.startsWith(prefix) && !servedHere.has(name.slice(prefix.length))
        ? [[name, value] as const]
        : [],
    ),
  );
}

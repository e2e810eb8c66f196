/**
 * The local stage: runs a synthesised stack on this machine. What is wired to what is read from the template alone,
 * so the stack that is tested here is the stack that is deployed.
 */

import { createWriteStream, mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createAsyncInvocations } from './async-invocations.ts';
import { administratorAccessKey, createAwsEndpoint } from './aws-endpoint.ts';
import {
  createEventBus,
  type EventEnvelope,
  type PutEventsEntry,
  type PutEventsResult,
} from './event-bus.ts';
import { startEventSourceMappings } from './event-source-mappings.ts';
import { findNamed } from './find-named.ts';
import { createHttpApi } from './http-api.ts';
import type { Invocation, LambdaFunction } from './lambda-function.ts';
import { createLambdaFunctions, functionArnOf } from './lambda-functions.ts';
import { type LoopbackServer, startLoopbackServer } from './loopback-server.ts';
import { readPermissions } from './permissions.ts';
import { startQueues } from './queues.ts';
import { startSchedules } from './schedules.ts';
import { loadSecrets } from './secrets.ts';
import { loadStack, type Stack } from './stack.ts';

export type LocalRuntimeOptions = {
  /** Folder of the cloud assembly, such as `cdk synth -o` fills. */
  assemblyFolder: string;
  stackName: string;
  /** Value of another stack's export, for `Fn::ImportValue`; throws on an export that it does not know. */
  importValue: (exportName: string) => string;
  /** Secret values by ARN, or by logical id for secrets of this stack; the others are generated once and kept. */
  secrets: Readonly<Record<string, string>>;
  /** Holds `functions.log` and generated secrets. */
  dataFolder: string;
  /** Port of the HTTP API on 127.0.0.1; 0 takes any free one. */
  port: number;
  /** Gets what the stage itself has to say, a line at a time. */
  log: (line: string) => void;
  /** Gets each line that functions print, opened by `[logical id]`, besides `functions.log`. */
  functionLog?: (line: string) => void;
  /** Whether schedules run by themselves; default true. */
  automaticSchedules?: boolean;
  /** Wait before the first retry of an asynchronous invocation; default 1000. AWS waits a minute. */
  asyncRetryBaseMs?: number;
  /** Execution environments of a function that reserves no concurrency; default 4. */
  functionConcurrency?: number;
  /** Default `us-east-1`. */
  region?: string;
};

export type LocalRuntime = {
  /** Base URL of the HTTP API, without a trailing slash. */
  baseUrl: string;
  /** Endpoint for AWS SDK clients of SQS, EventBridge and Secrets Manager. */
  awsEndpointUrl: string;
  /** The same endpoint, under the name of its commonest use. */
  sqsEndpoint: string;
  region: string;
  /** Credentials that may call everything; functions have their own, which may do what their roles allow. */
  credentials: { accessKeyId: string; secretAccessKey: string };
  eventBus: {
    /** As the PutEvents call: at most 10 entries, a result for each; throws when AWS would refuse them all. */
    putEvents: (entries: PutEventsEntry[]) => PutEventsResult;
    /** Hears of every accepted event; answers a function that ends it. */
    subscribe: (listener: (event: EventEnvelope, busName: string) => void) => () => void;
  };
  /** URL of a queue by its name, logical id or construct id, such as `TasksP0`. Throws when there is none. */
  queueUrl: (name: string) => string;
  /** Invokes a function, named in the same ways, and waits for its result. */
  invoke: (name: string, event: unknown) => Promise<Invocation>;
  /** Ends a function's environments, named in the same ways, in the middle of their work. For tests. */
  crash: (name: string) => Promise<void>;
  /** Logical ids of the enabled schedules. */
  scheduleIds: readonly string[];
  /** Runs a schedule now, named in the same ways; resolves when its targets have been served. */
  runSchedule: (name: string) => Promise<void>;
  /** Where the stage listens. */
  addresses: AddressInfo[];
  stop: () => Promise<void>;
};

/**
 * Starts everything that the stack describes. Throws, and leaves nothing running, when the stack uses something
 * that the local stage neither emulates nor knowingly ignores; the message names the logical id.
 */
export async function startLocalRuntime(options: LocalRuntimeOptions): Promise<LocalRuntime> {
  mkdirSync(options.dataFolder, { recursive: true });
  const cleanups: (() => Promise<void> | void)[] = [];
  /** Ends in the order of starting reversed, once. */
  const stop = async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    const apiServer = await startLoopbackServer(options.port);
    cleanups.push(apiServer.stop);
    const awsServer = await startLoopbackServer(0);
    cleanups.push(awsServer.stop);
    return await wire(options, apiServer, awsServer, cleanups, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function wire(
  options: LocalRuntimeOptions,
  apiServer: LoopbackServer,
  awsServer: LoopbackServer,
  cleanups: (() => Promise<void> | void)[],
  stop: () => Promise<void>,
): Promise<LocalRuntime> {
  const { log } = options;
  const region = options.region ?? 'us-east-1';
  const place = { region, awsEndpointUrl: awsServer.url, apiUrl: apiServer.url };
  const stack = loadStack({ ...options, place });
  const mayCall = readPermissions(stack);
  const findSecret = loadSecrets(stack, options.secrets, options.dataFolder);

  const stopping = new AbortController();
  const functions = createLambdaFunctions(
    stack,
    options.functionConcurrency ?? 4,
    openFunctionLog(options, cleanups),
  );
  cleanups.push(functions.stop);
  const queues = await startQueues(stack);
  cleanups.push(queues.stop);
  cleanups.push(() => stopping.abort());

  const retryBaseMs = options.asyncRetryBaseMs ?? 1000;
  const invokeAsync = createAsyncInvocations({
    stack,
    functions,
    queues,
    retryBaseMs,
    log,
    stopping: stopping.signal,
  });
  const deliveries = { functions, queues, invokeAsync, log };
  const eventBus = createEventBus(stack, deliveries);
  awsServer.serve(createAwsEndpoint({ place, functions, queues, eventBus, findSecret, mayCall, log }));
  apiServer.serve(createHttpApi(stack, functions, log));
  const schedules = startSchedules(stack, deliveries, options.automaticSchedules ?? true);
  cleanups.push(schedules.stop);
  startEventSourceMappings({ stack, functions, queues, mayCall, log, stopping: stopping.signal });

  const functionNamed = (name: string): LambdaFunction => {
    const { ref } = findNamed('function', named(stack, 'AWS::Lambda::Function'), name);
    return functions.byArn(functionArnOf(stack, ref));
  };

  return {
    baseUrl: apiServer.url,
    awsEndpointUrl: awsServer.url,
    sqsEndpoint: awsServer.url,
    region,
    credentials: { accessKeyId: administratorAccessKey, secretAccessKey: 'local' },
    eventBus: {
      putEvents(entries) {
        const request = eventBus.read(JSON.stringify({ Entries: entries }));
        if ('code' in request) throw new Error(`${request.code}: ${request.message}`);
        return eventBus.put(request);
      },
      subscribe: eventBus.subscribe,
    },
    queueUrl: (name) => findNamed('queue', named(stack, 'AWS::SQS::Queue'), name).ref,
    invoke: (name, event) => functionNamed(name).invoke(event),
    crash: (name) => functionNamed(name).crash(),
    scheduleIds: schedules.logicalIds,
    runSchedule: schedules.run,
    addresses: [apiServer.address, awsServer.address],
    stop,
  };
}

function openFunctionLog(
  { dataFolder, functionLog }: LocalRuntimeOptions,
  cleanups: (() => Promise<void> | void)[],
): (line: string) => void {
  const file = createWriteStream(path.join(dataFolder, 'functions.log'), { flags: 'a' });
  cleanups.push(() => new Promise<void>((resolve) => file.end(resolve)));
  return (line) => {
    if (file.writable) file.write(`${line}\n`);
    functionLog?.(line);
  };
}

function named(
  stack: Stack,
  type: 'AWS::SQS::Queue' | 'AWS::Lambda::Function',
): { logicalId: string; name: string; ref: string }[] {
  return stack.resources(type).map(({ logicalId, identity }) => {
    return { logicalId, name: identity.attributes.QueueName ?? identity.ref, ref: identity.ref };
  });
}

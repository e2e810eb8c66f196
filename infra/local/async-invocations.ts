/**
 * Lambda's asynchronous invocations: a failing event is tried again twice, then goes to the function's
 * dead-letter queue and its on-failure destination.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Invocation } from './lambda-function.ts';
import { functionArnOf, type LambdaFunctions } from './lambda-functions.ts';
import type { Queues } from './queues.ts';
import type { PropertiesOf } from './resource-types.ts';
import type { Stack } from './stack.ts';

const defaultRetries = 2;
const defaultMaxAgeSeconds = 6 * 60 * 60;

/** Runs the event through all its tries; resolves when it has succeeded or been put aside, and never rejects. */
export type InvokeAsync = (functionArn: string, event: unknown) => Promise<void>;

export type AsyncInvocationsInput = {
  stack: Stack;
  functions: LambdaFunctions;
  queues: Queues;
  /** Wait before the first retry; the second waits twice as long. AWS waits one minute and two. */
  retryBaseMs: number;
  log: (line: string) => void;
  /** Aborted when the stage stops: retries still to come are dropped. */
  stopping: AbortSignal;
};

/** Throws when a dead-letter queue or destination is not a queue of the stack, naming the function. */
export function createAsyncInvocations(input: AsyncInvocationsInput): InvokeAsync {
  const { stack, functions, queues, log, stopping } = input;
  const configs = readConfigs(stack, queues);

  return async (functionArn, event) => {
    const lambda = functions.byArn(functionArn);
    const { retries, maxAgeSeconds, deadLetterArn, onFailureArn, onSuccessArn } = configs.get(
      functionArn,
    ) ?? {
      retries: defaultRetries,
      maxAgeSeconds: defaultMaxAgeSeconds,
    };
    const startedAtMs = Date.now();
    for (let attempt = 1; ; attempt++) {
      const invocation = await lambda.invoke(event);
      if (stopping.aborted) return;
      const record = (condition: string) =>
        destinationRecord(functionArn, condition, attempt, event, invocation, startedAtMs);
      if (invocation.ok) {
        if (onSuccessArn !== undefined) await put(onSuccessArn, record('Success'));
        return;
      }
      const waitMs = input.retryBaseMs * attempt;
      const tooOld = Date.now() + waitMs - startedAtMs > maxAgeSeconds * 1000;
      if (attempt > retries || tooOld) {
        const condition = attempt > retries ? 'RetriesExhausted' : 'EventAgeExceeded';
        log(
          `${lambda.spec.logicalId}: ${condition} after ${attempt} tries: ${invocation.error.errorMessage}`,
        );
        if (onFailureArn !== undefined) await put(onFailureArn, record(condition));
        if (deadLetterArn !== undefined) {
          await put(deadLetterArn, JSON.stringify(event), {
            RequestID: invocation.requestId,
            ErrorCode: '200',
            ErrorMessage: invocation.error.errorMessage.slice(0, 1024),
          });
        }
        return;
      }
      try {
        await delay(waitMs, undefined, { signal: stopping });
      } catch {
        return;
      }
    }
  };

  async function put(queueArn: string, body: string, attributes: Record<string, string> = {}): Promise<void> {
    try {
      await queues.send(queueArn, { body, attributes });
    } catch (error) {
      log(`${queueArn} refused a message: ${String(error)}`);
    }
  }
}

type AsyncConfig = {
  retries: number;
  maxAgeSeconds: number;
  deadLetterArn?: string | undefined;
  onFailureArn?: string | undefined;
  onSuccessArn?: string | undefined;
};

function readConfigs(stack: Stack, queues: Queues): Map<string, AsyncConfig> {
  const invokeConfigs = new Map<string, PropertiesOf<'AWS::Lambda::EventInvokeConfig'>>();
  for (const { properties } of stack.resources('AWS::Lambda::EventInvokeConfig')) {
    invokeConfigs.set(functionArnOf(stack, properties.FunctionName), properties);
  }
  const configs = new Map<string, AsyncConfig>();
  for (const { logicalId, identity, properties } of stack.resources('AWS::Lambda::Function')) {
    const functionArn = identity.attributes.Arn ?? '';
    const given = invokeConfigs.get(functionArn);
    const config: AsyncConfig = {
      retries: given?.MaximumRetryAttempts ?? defaultRetries,
      maxAgeSeconds: given?.MaximumEventAgeInSeconds ?? defaultMaxAgeSeconds,
      deadLetterArn: properties.DeadLetterConfig?.TargetArn,
      onFailureArn: given?.DestinationConfig?.OnFailure?.Destination,
      onSuccessArn: given?.DestinationConfig?.OnSuccess?.Destination,
    };
    for (const arn of [config.deadLetterArn, config.onFailureArn, config.onSuccessArn]) {
      if (arn !== undefined && !queues.has(arn)) {
        throw new Error(
          `${logicalId}: ${arn} is not a queue of the stack; other destinations are not emulated`,
        );
      }
    }
    configs.set(functionArn, config);
  }
  return configs;
}

function destinationRecord(
  functionArn: string,
  condition: string,
  attempts: number,
  event: unknown,
  invocation: Invocation,
  startedAtMs: number,
): string {
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date(startedAtMs).toISOString(),
    requestContext: {
      requestId: invocation.requestId,
      functionArn: `${functionArn}:$LATEST`,
      condition,
      approximateInvokeCount: attempts,
    },
    requestPayload: event,
    responseContext: {
      statusCode: 200,
      executedVersion: '$LATEST',
      ...(!invocation.ok && { functionError: 'Unhandled' }),
    },
    responsePayload: invocation.ok ? invocation.payload : invocation.error,
  });
}

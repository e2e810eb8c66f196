/** Delivers a text to a target of a rule or schedule: a queue or an asynchronous invocation. */

import type { InvokeAsync } from './async-invocations.ts';
import type { LambdaFunctions } from './lambda-functions.ts';
import type { Queues } from './queues.ts';

/** Largest payload of an asynchronous invocation. */
const asyncPayloadLimitBytes = 1024 * 1024;

export type Destination = {
  arn: string;
  /** Opens messages about this target: the logical id of its rule or schedule, and its own id. */
  where: string;
  ruleArn: string;
  deadLetterArn?: string | undefined;
  messageGroupId?: string | undefined;
};

/**
 * Resolves when the queue has the message or the invocation has ended, and never rejects. A delivery that fails
 * goes to the target's dead-letter queue; a function that fails has been reached, so it does not.
 */
export type Deliver = (text: string) => Promise<void>;

export type DeliveriesInput = {
  functions: LambdaFunctions;
  queues: Queues;
  invokeAsync: InvokeAsync;
  log: (line: string) => void;
};

/** Throws when the target or its dead-letter queue is none of the stack's functions and queues. */
export function createDelivery(input: DeliveriesInput, destination: Destination): Deliver {
  const { functions, queues, log } = input;
  const { arn, deadLetterArn, where } = destination;
  if (!queues.has(arn) && !functions.has(arn)) {
    throw new Error(`${where}: ${arn} is neither a queue nor a function of the stack`);
  }
  if (deadLetterArn !== undefined && !queues.has(deadLetterArn)) {
    throw new Error(`${where}: the dead-letter queue ${deadLetterArn} is not in the stack`);
  }

  async function deliver(text: string): Promise<void> {
    if (queues.has(arn)) {
      const { messageGroupId } = destination;
      await queues.send(arn, { body: text, ...(messageGroupId !== undefined && { messageGroupId }) });
      return;
    }
    if (Buffer.byteLength(text) > asyncPayloadLimitBytes) {
      throw new Error(`the event is larger than ${asyncPayloadLimitBytes} bytes`);
    }
    const event: unknown = JSON.parse(text);
    await input.invokeAsync(arn, event);
  }

  return async (text) => {
    try {
      await deliver(text);
    } catch (error) {
      log(`${where}: not delivered: ${String(error)}`);
      if (deadLetterArn === undefined) return;
      await queues
        .send(deadLetterArn, {
          body: text,
          attributes: {
            RULE_ARN: destination.ruleArn,
            TARGET_ARN: arn,
            ERROR_CODE: 'INVALID_PARAMETER',
            ERROR_MESSAGE: String(error).slice(0, 1024),
          },
        })
        .catch((refusal: unknown) => log(`${where}: the dead-letter queue refused it: ${String(refusal)}`));
    }
  };
}

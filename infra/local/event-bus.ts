/** EventBridge: PutEvents, and the rules that carry events to their targets. */

import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { createDelivery, type Deliver, type DeliveriesInput } from './deliveries.ts';
import { compilePattern, type EventPredicate } from './event-pattern.ts';
import { accountId } from './identities.ts';
import type { Stack } from './stack.ts';
import { compileTargetInput, type RenderInput } from './target-input.ts';

const maxRequestBytes = 1024 * 1024;
const maxDetailTypeLength = 128;

const entrySchema = z.object({
  Source: z.string().optional(),
  DetailType: z.string().optional(),
  Detail: z.string().optional(),
  EventBusName: z.string().optional(),
  Resources: z.array(z.string()).optional(),
  /** Seconds since the epoch, as the JSON protocol writes times. */
  Time: z.number().optional(),
});
const requestSchema = z.object({ Entries: z.array(entrySchema) });

export type PutEventsEntry = z.infer<typeof entrySchema>;
export type PutEventsRequest = z.infer<typeof requestSchema>;
export type PutEventsResultEntry = { EventId: string } | { ErrorCode: string; ErrorMessage: string };
export type PutEventsResult = { FailedEntryCount: number; Entries: PutEventsResultEntry[] };

/** An event as targets receive it. */
export type EventEnvelope = {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  /** ISO 8601, whole seconds. */
  time: string;
  region: string;
  resources: string[];
  detail: unknown;
};

/** A request that is refused as a whole; the message is for the caller. */
export type RequestFault = { code: string; message: string };

export type EventBus = {
  /** Reads the JSON text of a PutEvents request; a fault when AWS would refuse it as a whole. */
  read: (body: string) => PutEventsRequest | RequestFault;
  /** Judges each entry, answers at once and delivers afterwards. */
  put: (request: PutEventsRequest) => PutEventsResult;
  /** Hears of every accepted event with the name of its bus; answers a function that ends it. */
  subscribe: (listener: (event: EventEnvelope, busName: string) => void) => () => void;
};

type CompiledRule = {
  busName: string;
  matches: EventPredicate;
  targets: { render: RenderInput; deliver: Deliver }[];
};

/** Throws on a rule that cannot work here, naming its logical id. */
export function createEventBus(stack: Stack, input: DeliveriesInput): EventBus {
  const busNames = new Set([
    'default',
    ...stack.resources('AWS::Events::EventBus').map(({ identity }) => identity.ref),
  ]);
  const rules = compileRules(stack, input, busNames);
  const listeners = new Set<(event: EventEnvelope, busName: string) => void>();

  function accept(entry: PutEventsEntry): PutEventsResultEntry {
    const fault = entryFault(entry);
    if (fault) return { ErrorCode: fault.code, ErrorMessage: fault.message };
    const event = toEnvelope(entry, stack.place.region);
    const busName = busNameOf(entry.EventBusName);
    if (busNames.has(busName)) publish(event, busName);
    // AWS accepts such an event and drops it.
    else
      input.log(`an event ${event['detail-type']} went to the bus ${busName}, which the stack does not have`);
    return { EventId: event.id };
  }

  function publish(event: EventEnvelope, busName: string): void {
    for (const listener of listeners) listener(event, busName);
    for (const rule of rules) {
      if (rule.busName !== busName || !rule.matches(event)) continue;
      for (const { deliver, render } of rule.targets) void deliver(render(event));
    }
  }

  return {
    read,
    put({ Entries }) {
      const results = Entries.map(accept);
      return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Name of a bus given by name or ARN. */
export function busNameOf(nameOrArn: string | undefined): string {
  return nameOrArn?.split('/').at(-1) ?? 'default';
}

function compileRules(stack: Stack, input: DeliveriesInput, busNames: ReadonlySet<string>): CompiledRule[] {
  return stack.resources('AWS::Events::Rule').flatMap(({ logicalId, identity, properties }) => {
    if (properties.State === 'DISABLED' || properties.EventPattern === undefined) return [];
    const busName = busNameOf(properties.EventBusName);
    if (!busNames.has(busName)) throw new Error(`${logicalId}: the stack has no event bus ${busName}`);
    const ruleArn = identity.attributes.Arn ?? '';
    const targets = properties.Targets.map((target) => {
      const where = `${logicalId} target ${target.Id}`;
      return {
        render: compileTargetInput(target, ruleArn, where),
        deliver: createDelivery(input, {
          arn: target.Arn,
          where,
          ruleArn,
          deadLetterArn: target.DeadLetterConfig?.Arn,
          messageGroupId: target.SqsParameters?.MessageGroupId,
        }),
      };
    });
    try {
      return [{ busName, matches: compilePattern(properties.EventPattern), targets }];
    } catch (error) {
      throw new Error(`${logicalId}: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
}

function read(body: string): PutEventsRequest | RequestFault {
  const parsed = requestSchema.safeParse(JSON.parse(body));
  if (!parsed.success) return { code: 'ValidationException', message: z.prettifyError(parsed.error) };
  const count = parsed.data.Entries.length;
  if (count < 1 || count > 10) {
    return {
      code: 'ValidationException',
      message: `1 validation error detected: Value at 'entries' must have length between 1 and 10, has ${count}`,
    };
  }
  if (Buffer.byteLength(body) > maxRequestBytes) {
    return {
      code: 'ValidationException',
      message: 'Total size of the entries in the request is over the limit.',
    };
  }
  return parsed.data;
}

function entryFault(entry: PutEventsEntry): RequestFault | undefined {
  for (const name of ['Source', 'DetailType', 'Detail'] as const) {
    if (entry[name]) continue;
    const message = `Parameter ${name} is not valid. Reason: ${name} is a required argument.`;
    return { code: 'InvalidArgument', message };
  }
  if ((entry.DetailType ?? '').length > maxDetailTypeLength) {
    const message = `Parameter DetailType is not valid. Reason: it is longer than ${maxDetailTypeLength} characters.`;
    return { code: 'InvalidArgument', message };
  }
  if (entry.Source?.startsWith('aws.')) {
    return { code: 'NotAuthorizedForSourceException', message: 'Not authorized for the source.' };
  }
  return isJsonObject(entry.Detail ?? '')
    ? undefined
    : { code: 'MalformedDetail', message: 'Detail is malformed.' };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function toEnvelope(entry: PutEventsEntry, region: string): EventEnvelope {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': entry.DetailType ?? '',
    source: entry.Source ?? '',
    account: accountId,
    time: isoSeconds(entry.Time === undefined ? new Date() : new Date(entry.Time * 1000)),
    region,
    resources: entry.Resources ?? [],
    detail: JSON.parse(entry.Detail ?? '{}'),
  };
}

/** ISO 8601 in UTC without fractions, as EventBridge writes times. */
export function isoSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** Scheduled rules and EventBridge Scheduler schedules with `rate(…)` expressions. */

import { randomUUID } from 'node:crypto';
import { createDelivery, type Deliver, type DeliveriesInput } from './deliveries.ts';
import { isoSeconds } from './event-bus.ts';
import { findNamed } from './find-named.ts';
import { accountId } from './identities.ts';
import type { Stack } from './stack.ts';
import { compileTargetInput } from './target-input.ts';

const unitSeconds: Readonly<Record<string, number>> = { minute: 60, hour: 3_600, day: 86_400 };

export type Schedules = {
  /** Logical ids of all enabled schedules. */
  logicalIds: readonly string[];
  /** Runs one now, found as `findNamed` does, and resolves when its targets have been served. */
  run: (name: string) => Promise<void>;
  stop: () => void;
};

type Schedule = { logicalId: string; name: string; periodSeconds: number; run: () => Promise<void> };

/** The first run comes after one period, or never by itself when `automatic` is false. */
export function startSchedules(stack: Stack, input: DeliveriesInput, automatic: boolean): Schedules {
  const schedules = [...scheduledRules(stack, input), ...schedulerSchedules(stack, input)];
  const timers = automatic
    ? schedules.map(({ periodSeconds, run }) => setInterval(() => void run(), periodSeconds * 1000))
    : [];
  return {
    logicalIds: schedules.map(({ logicalId }) => logicalId),
    run: (name) => findNamed('schedule', schedules, name).run(),
    stop() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

/** Period of `rate(5 minutes)` and its like in seconds; throws on any other expression, naming `where`. */
export function periodSecondsOf(expression: string, where: string): number {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const seconds = Number(count) * (unitSeconds[unit ?? ''] ?? Number.NaN);
  if (!(seconds > 0))
    throw new Error(`${where}: the local stage knows only rate(…) schedules, not ${expression}`);
  return seconds;
}

function scheduledRules(stack: Stack, input: DeliveriesInput): Schedule[] {
  return stack.resources('AWS::Events::Rule').flatMap(({ logicalId, identity, properties }) => {
    if (properties.State === 'DISABLED' || properties.ScheduleExpression === undefined) return [];
    const ruleArn = identity.attributes.Arn ?? '';
    const targets = properties.Targets.map((target) => {
      const where = `${logicalId} target ${target.Id}`;
      const destination = { arn: target.Arn, where, ruleArn, deadLetterArn: target.DeadLetterConfig?.Arn };
      return {
        render: compileTargetInput(target, ruleArn, where),
        deliver: createDelivery(input, destination),
      };
    });
    const run = async () => {
      const event = scheduledEvent('aws.events', ruleArn, stack.place.region, {});
      await Promise.all(targets.map(({ deliver, render }) => deliver(render(event))));
    };
    return [
      {
        logicalId,
        name: identity.ref,
        periodSeconds: periodSecondsOf(properties.ScheduleExpression, logicalId),
        run,
      },
    ];
  });
}

function schedulerSchedules(stack: Stack, input: DeliveriesInput): Schedule[] {
  return stack.resources('AWS::Scheduler::Schedule').flatMap(({ logicalId, identity, properties }) => {
    if (properties.State === 'DISABLED') return [];
    const { Arn: arn, DeadLetterConfig, Input: constant } = properties.Target;
    const scheduleArn = identity.attributes.Arn ?? '';
    const deliver: Deliver = createDelivery(input, {
      arn,
      where: logicalId,
      ruleArn: scheduleArn,
      deadLetterArn: DeadLetterConfig?.Arn,
    });
    const run = () => {
      // Without an input, Scheduler sends an event whose detail is the text of an empty object.
      const event = scheduledEvent('aws.scheduler', scheduleArn, stack.place.region, '{}');
      return deliver(constant === undefined ? JSON.stringify(event) : fillContext(constant, scheduleArn));
    };
    return [
      {
        logicalId,
        name: identity.ref,
        periodSeconds: periodSecondsOf(properties.ScheduleExpression, logicalId),
        run,
      },
    ];
  });
}

function scheduledEvent(
  source: string,
  arn: string,
  region: string,
  detail: unknown,
): Record<string, unknown> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source,
    account: accountId,
    time: isoSeconds(new Date()),
    region,
    resources: [arn],
    detail,
  };
}

function fillContext(text: string, scheduleArn: string): string {
  return text
    .replaceAll('<aws.scheduler.schedule-arn>', scheduleArn)
    .replaceAll('<aws.scheduler.scheduled-time>', isoSeconds(new Date()))
    .replaceAll('<aws.scheduler.execution-id>', randomUUID())
    .replaceAll('<aws.scheduler.attempt-number>', '1');
}

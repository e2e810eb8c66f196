/** The whole story, told against a running stage. Leaves the stage as it was, but for two tenants at rest. */

import { type EventName, eventNames } from '../../shared/coordination/events.ts';
import type { StageFile } from '../stage-file.ts';
import { type Cast, demoTenantIds, dismiss, makeTenant, readPool, setPool, type Tenant } from './cast.ts';
import { createClient } from './client.ts';
import { type SeenEvent, watchEvents } from './events.ts';
import { budgetThresholds } from './money.ts';
import { quotasOfA, quotasOfB } from './quotas.ts';
import { plans, runawayLoop } from './restraint.ts';
import { fourClasses, preemption } from './sharing.ts';
import { sqsClient } from './sqs.ts';

export type StoryStage = Omit<StageFile, 'tenants' | 'databaseUrl'>;

/** Where the story is told. */
export type Audience = {
  readonly scene: (title: string) => void;
  /** Resolves when the reader has had time for the line. */
  readonly say: (line: string) => Promise<void>;
  readonly event: (event: SeenEvent) => void;
};

/** The events that the system which Mothership replaces had; the story shows each of them. */
export const shownEvents = [
  'budget-alert',
  'preempt-for-budget',
  'run-paused-for-budget',
  'quota-exceeded',
  'quota-violation',
  'tenant-throttled',
  'task-preempted',
  'task-resumed',
  'checkpoint-saved',
  'deliberation-scored',
] as const satisfies readonly EventName[];

/**
 * Tells the story and answers how many events of each name came to the queue.
 *
 * @param stopping ends the story between two scenes
 * @throws when the stage does not do what the story says; the stage is tidied up all the same
 */
export async function tellStory(
  stage: StoryStage,
  audience: Audience,
  stopping?: AbortSignal,
): Promise<ReadonlyMap<EventName, number>> {
  const operator = createClient(stage.url, stage.operatorKey);
  const pool = await readPool(operator);
  const ids = demoTenantIds();
  const tenants: Tenant[] = [];
  const sqs = sqsClient(stage);
  const isOurs = ({ tenantId }: SeenEvent): boolean => tenantId === ids.a || tenantId === ids.b;
  const events = watchEvents(sqs, stage.eventsQueueUrl, isOurs, audience.event);
  try {
    const a = await makeTenant(operator, stage.url, ids.a, quotasOfA);
    tenants.push(a);
    const b = await makeTenant(operator, stage.url, ids.b, quotasOfB);
    tenants.push(b);
    const { taskQueueUrls } = stage;
    await playScenes({ operator, a, b, sqs, taskQueueUrls, events, say: audience.say }, audience, stopping);
    for (const name of shownEvents) await events.until(name);
  } finally {
    for (const tenant of tenants) await dismiss(operator, tenant);
    await setPool(operator, pool);
    await events.stop();
    sqs.destroy();
  }
  return new Map(eventNames.map((name) => [name, events.seen.filter((event) => event.name === name).length]));
}

async function playScenes(cast: Cast, { scene }: Audience, stopping?: AbortSignal): Promise<void> {
  const begin = (title: string): void => {
    stopping?.throwIfAborted();
    scene(title);
  };
  begin(`Two tenants, A = ${cast.a.tenantId} and B = ${cast.b.tenantId}, share one pool`);
  const started = await fourClasses(cast);
  begin('Critical work runs first');
  await preemption(cast, started);
  begin('No run overspends');
  await budgetThresholds(cast);
  begin('No tenant takes more than its share');
  await runawayLoop(cast);
  begin('Poor reasoning does not pass unseen');
  await plans(cast);
}

/** A pretend runner: does no work, but talks to Mothership as one that does. */

import { setTimeout as delay } from 'node:timers/promises';
import type { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import {
  admissionAnswer,
  checkpointAnswer,
  type HeartbeatAnswer,
  heartbeatAnswer,
  task,
} from '../../shared/admission/contract.ts';
import { costReportAnswer } from '../../shared/budget/contract.ts';
import { type Doorbell, doorbell } from '../../shared/coordination/events.ts';
import type { Client } from './client.ts';
import { receive, remove } from './sqs.ts';

/** A task that this runner holds the lease of; `tenantId` as its key says. */
export type HeldTask = { readonly taskId: string; readonly runId: string; readonly epoch: number };

const patience_ms = 20_000;
const heartbeatPause_ms = 200;

/** Asks to start a run with a lease that outlasts the story. Throws when it is refused. */
export function askToStart(
  client: Client,
  request: { readonly runId: string; readonly phase: string; readonly [field: string]: unknown },
): Promise<z.output<typeof admissionAnswer>> {
  return client.ask(admissionAnswer, 'POST', '/v1/runs', {
    budget: { maxCostUSD: 10 },
    leaseSeconds: 600,
    ...request,
  });
}

/** The lease in an admission's answer. Throws when the run was queued instead. */
export function heldOf({ runId, taskId, lease }: z.output<typeof admissionAnswer>): HeldTask {
  if (lease === null) throw new Error(`${runId} was to start at once, but waits`);
  return { runId, taskId, epoch: lease.epoch };
}

let costEvents = 0;

/** Reports one cost event on the task's run. */
export function spend(
  client: Client,
  { runId, taskId, epoch }: HeldTask,
  cost: { readonly costUSD: number } | { readonly model: string; readonly usage: object },
): Promise<z.output<typeof costReportAnswer>> {
  costEvents += 1;
  return client.ask(costReportAnswer, 'POST', `/v1/runs/${runId}/costs`, {
    events: [{ eventId: `cost-${costEvents}`, taskId, epoch, ...cost }],
  });
}

/** Heartbeats until the answer says that the task must leave. */
export async function heartbeatUntilLeaving(
  client: Client,
  { taskId, epoch }: HeldTask,
): Promise<HeartbeatAnswer> {
  const deadline_ms = Date.now() + patience_ms;
  for (;;) {
    const answer = await client.ask(heartbeatAnswer, 'POST', `/v1/tasks/${taskId}/heartbeat`, { epoch });
    if (answer.state === 'preempting') return answer;
    if (Date.now() > deadline_ms) throw new Error(`${taskId} was not told to leave; it is ${answer.state}`);
    await delay(heartbeatPause_ms);
  }
}

export function storeCheckpoint(
  client: Client,
  { taskId, epoch }: HeldTask,
  sequence: number,
  data: unknown,
): Promise<z.output<typeof checkpointAnswer>> {
  return client.ask(checkpointAnswer, 'POST', `/v1/tasks/${taskId}/checkpoints`, { epoch, sequence, data });
}

export function complete(client: Client, { taskId, epoch }: HeldTask): Promise<unknown> {
  const end = { epoch, outcome: 'completed' };
  return client.ask(z.unknown(), 'POST', `/v1/tasks/${taskId}/complete`, end);
}

/** Waits for the task's doorbell on a class's queue and claims it; whoever the other doorbells are for still hears them. */
export async function claimAtDoorbell(
  client: Client,
  sqs: SQSClient,
  queueUrl: string,
  wanted: { readonly tenantId: string; readonly taskId: string },
): Promise<{ readonly held: HeldTask; readonly task: z.output<typeof task>; readonly doorbell: Doorbell }> {
  const rung = await awaitDoorbell(sqs, queueUrl, wanted);
  const claimed = await client.ask(task, 'POST', `/v1/tasks/${wanted.taskId}/claim`, { leaseSeconds: 600 });
  if (claimed.lease === null) throw new Error(`${wanted.taskId} was claimed, but has no lease`);
  const held = { taskId: claimed.taskId, runId: claimed.runId, epoch: claimed.lease.epoch };
  return { held, task: claimed, doorbell: rung };
}

async function awaitDoorbell(
  sqs: SQSClient,
  queueUrl: string,
  wanted: { readonly tenantId: string; readonly taskId: string },
): Promise<Doorbell> {
  const deadline_ms = Date.now() + patience_ms;
  while (Date.now() < deadline_ms) {
    for (const message of await receive(sqs, queueUrl, { wait_seconds: 2, hidden_seconds: 1 })) {
      const rung = doorbell.parse(JSON.parse(message.Body ?? ''));
      if (rung.tenantId !== wanted.tenantId || rung.taskId !== wanted.taskId) continue;
      await remove(sqs, queueUrl, [message]);
      return rung;
    }
  }
  throw new Error(`no doorbell for ${wanted.taskId} on ${queueUrl} within ${patience_ms / 1000} s`);
}

/** Scene 3: a budget crosses 50, 80 and 95 %, and is raised. */

import * as z from 'zod';
import { task } from '../../shared/admission/contract.ts';
import { type Cast, leaveRoom } from './cast.ts';
import {
  askToStart,
  claimAtDoorbell,
  complete,
  heartbeatUntilLeaving,
  heldOf,
  spend,
  storeCheckpoint,
} from './runner.ts';

const runId = 'story-7';

export async function budgetThresholds({
  operator,
  a,
  sqs,
  taskQueueUrls,
  events,
  say,
}: Cast): Promise<void> {
  const wanted = { tenantId: a.tenantId, taskId: runId };
  const alert = (threshold: number) =>
    events.until('budget-alert', ({ runId: of, data }) => of === runId && data.threshold === threshold);

  await leaveRoom(operator, { cpu: 32, memoryGb: 128 });
  await say('A starts story-7 (story_loop, P2) with a budget of $10.');
  let held = heldOf(await askToStart(a.client, { runId, phase: 'story_loop', budget: { maxCostUSD: 10 } }));

  await say('At $5.20 it is past 50 %: a warning, and the run goes on.');
  await spend(a.client, held, { costUSD: 5.2 });
  await alert(50);

  await say(
    'At $8.30 it is past 80 %: the event preempt-for-budget goes over the bus to the function that acts on it.',
  );
  await spend(a.client, held, { costUSD: 3.1 });
  await alert(80);
  await events.until('preempt-for-budget', (event) => event.runId === runId);
  const told = await heartbeatUntilLeaving(a.client, held);
  await say(`The heartbeat hears "${told.directive.action}": leave, and go on as class P3.`);
  await storeCheckpoint(a.client, held, 1, { chapter: 3 });
  const demoted = await claimAtDoorbell(a.client, sqs, taskQueueUrls.P3, wanted);
  held = demoted.held;
  await say(`There is room, so its doorbell rings on tasks-p3 and it resumes at epoch ${held.epoch}.`);

  await say('At $9.60 it is past 95 %: the run is paused, over the bus again.');
  await spend(a.client, held, { costUSD: 1.3 });
  await alert(95);
  await events.until('run-paused-for-budget', (event) => event.runId === runId);
  const stopped = await heartbeatUntilLeaving(a.client, held);
  await storeCheckpoint(a.client, held, 2, { chapter: 4 });
  const { state } = await a.client.ask(task, 'GET', `/v1/tasks/${runId}`);
  await say(
    `The heartbeat hears "${stopped.directive.action}"; after a checkpoint the task is ${state} and holds nothing.`,
  );

  await say('The operator raises the budget to $20.');
  await operator.ask(z.unknown(), 'PUT', `/v1/runs/${runId}/budget?tenantId=${a.tenantId}`, {
    maxCostUSD: 20,
    reason: 'the story is worth it',
  });
  const resumed = await claimAtDoorbell(a.client, sqs, taskQueueUrls.P2, wanted);
  await events.until(
    'task-resumed',
    ({ taskId, data }) => taskId === runId && data.epoch === resumed.held.epoch,
  );
  await say(
    `Back in class P2, its doorbell rings on tasks-p2 and it resumes from checkpoint ${resumed.task.checkpoint?.sequence} at epoch ${resumed.held.epoch}.`,
  );
  await complete(a.client, resumed.held);
}

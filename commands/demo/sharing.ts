/** Scenes 1 and 2: four classes share one pool; what is urgent takes room from what is not. */

import { type Cast, leaveRoom } from './cast.ts';
import {
  askToStart,
  claimAtDoorbell,
  complete,
  type HeldTask,
  heartbeatUntilLeaving,
  heldOf,
  spend,
  storeCheckpoint,
} from './runner.ts';

export type Started = {
  readonly marketScan: HeldTask;
  readonly nightlyBuild: HeldTask;
  readonly release: HeldTask;
};

/** Runs of all four classes from both tenants fill the pool; one more has to wait. */
export async function fourClasses({ operator, a, b, events, say }: Cast): Promise<Started> {
  await say('The operator gives the pool room for 18 more vCPU.');
  await leaveRoom(operator, { cpu: 18, memoryGb: 72 });
  await say(
    'A starts market-scan (research, P3), roadmap (plan, P2) and nightly-build (build, P1): 12 vCPU.',
  );
  const marketScan = heldOf(await askToStart(a.client, { runId: 'market-scan', phase: 'research' }));
  heldOf(await askToStart(a.client, { runId: 'roadmap', phase: 'plan' }));
  const nightlyBuild = heldOf(await askToStart(a.client, { runId: 'nightly-build', phase: 'build' }));
  await say('B starts paper-review (research, P3) and release-42 (deploy, P0): 6 vCPU. The pool is full.');
  heldOf(await askToStart(b.client, { runId: 'paper-review', phase: 'research' }));
  const release = heldOf(await askToStart(b.client, { runId: 'release-42', phase: 'deploy' }));
  await leaveRoom(operator, { cpu: 0, memoryGb: 0 });
  const waiting = await askToStart(b.client, { runId: 'patent-search', phase: 'research' });
  if (waiting.decision !== 'queued') {
    throw new Error('patent-search was to wait, but another tenant has left the pool meanwhile; try again');
  }
  await say(
    `B asks for patent-search (research, P3): its quota holds it, the pool does not, so it waits at place ${waiting.queue?.position}.`,
  );
  await events.until('run-queued', (event) => event.runId === 'patent-search');
  return { marketScan, nightlyBuild, release };
}

/** A P0 run preempts the P3 task of the tenant with most room, which stores a checkpoint and comes back with it. */
export async function preemption(
  { a, b, sqs, taskQueueUrls, events, say }: Cast,
  { marketScan, nightlyBuild, release }: Started,
): Promise<void> {
  const usage = { inputTokens: 40_000, outputTokens: 4_000 };
  const { budget } = await spend(a.client, marketScan, { model: 'gpt-4o', usage });
  await say(`A's market-scan reports 44 000 tokens of gpt-4o, priced at $${budget.spentUSD}.`);

  await say(
    'B asks for intrusion (security, P0) in the full pool. P0 need not wait until a victim ran a minute.',
  );
  await askToStart(b.client, { runId: 'intrusion', phase: 'security', resources: { cpu: 2, memoryGb: 8 } });
  await events.until('preempt-requested', (event) => event.taskId === marketScan.taskId);
  const { directive } = await heartbeatUntilLeaving(a.client, marketScan);
  await say(
    `The victim is market-scan: lowest class, of the tenant with most room. Its heartbeat hears "${directive.action}".`,
  );
  await say('market-scan stores a checkpoint and leaves; nothing that it paid for is lost.');
  await storeCheckpoint(a.client, marketScan, 1, { pagesRead: 120 });
  await events.until('task-preempted', (event) => event.taskId === marketScan.taskId);

  const alarm = await claimAtDoorbell(b.client, sqs, taskQueueUrls.P0, {
    tenantId: b.tenantId,
    taskId: 'intrusion',
  });
  await say('A doorbell on the queue tasks-p0: a runner of B claims intrusion and starts it.');
  await say('intrusion and release-42 are done; their room goes to the two P3 tasks in line.');
  await complete(b.client, alarm.held);
  await complete(b.client, release);

  await claimAtDoorbell(b.client, sqs, taskQueueUrls.P3, { tenantId: b.tenantId, taskId: 'patent-search' });
  const back = await claimAtDoorbell(a.client, sqs, taskQueueUrls.P3, {
    tenantId: a.tenantId,
    taskId: marketScan.taskId,
  });
  await events.until('task-resumed', (event) => event.taskId === marketScan.taskId);
  await say(
    `market-scan resumes from checkpoint ${back.task.checkpoint?.sequence} under epoch ${back.held.epoch}: a runner that still held epoch ${marketScan.epoch} could change nothing.`,
  );
  await complete(a.client, back.held);
  await complete(a.client, nightlyBuild);
}

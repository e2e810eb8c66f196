/** Runners that spend and hear what they are told, each late in its own way. */

import type { Call } from './persistent.ts';
import type { Random } from './random.ts';

export type Spender = {
  readonly tenantId: string;
  readonly runId: string;
  readonly limitUSD: number;
};

/** Reports that a runner still makes once it has heard that it must leave. */
const late_max = 5;

/** Beyond this share of its budget a runner has done all that it wanted. */
const done_share = 1.5;

/**
 * Spends until it is told to leave, and a little longer; a checkpoint is its way out. Sent back to the queue only, it goes
 * on as soon as it may. `told` is awaited after some of its reports: what the bus brings about in the meantime.
 */
export async function spendAndObey(
  call: Call,
  random: Random,
  { tenantId, runId, limitUSD }: Spender,
  told: () => Promise<void>,
): Promise<void> {
  const as = { tenantId };
  let epoch = 1;
  let spent_cents = 0;
  let late = random.whole(0, late_max);
  for (let event = 0; spent_cents < limitUSD * 100 * done_share; event += 1) {
    const share = random.chance(0.1) ? random.magnitude(0.2, 0.6) : random.magnitude(0.01, 0.15);
    const cents = Math.max(Math.round(limitUSD * 100 * share), 1);
    spent_cents += cents;
    const events = [{ eventId: `e${event}`, taskId: runId, epoch, costUSD: cents / 100 }];
    const { status, body } = await call(as, 'POST', `/v1/runs/${runId}/costs`, { events });
    if (status !== 200) throw new Error(`a report of ${runId} was answered ${status}`);
    if (random.chance(0.3)) await told();
    const { action } = body.directive;
    if (action === 'continue' || late-- > 0) continue;
    if (action === 'stop') return;
    await call(as, 'POST', `/v1/tasks/${runId}/checkpoints`, { epoch, sequence: 1, data: { event } });
    const claimed = await call(as, 'POST', `/v1/tasks/${runId}/claim`, {});
    if (claimed.status !== 200) return;
    epoch = claimed.body.lease.epoch;
  }
  await call(as, 'POST', `/v1/tasks/${runId}/complete`, { epoch, outcome: 'completed' });
}

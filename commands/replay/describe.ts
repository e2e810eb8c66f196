/** Conditions in words. */

import type { Conditions } from './conditions.ts';

/** Such as "pool 44 vCPU, 88 GB; no quota; preemption". */
export function describe({
  pool,
  quota,
  onQuota,
  preemption,
  policy,
  checkpoint_seconds,
}: Conditions): string {
  const { cpu, memoryGb, tasks } = pool;
  const poolParts = parts([cpu, 'vCPU'], [memoryGb, 'GB'], [tasks, 'tasks at once']);
  const quotaParts = parts(
    [quota.cpu, 'vCPU'],
    [quota.memoryGb, 'GB'],
    [quota.cost_usd, 'USD'],
    [quota.runs, 'runs'],
    [quota.burstShare, 'x burst'],
  );
  const changes = Object.entries(policy).map(([name, value]) => `${name} ${value}`);
  return [
    poolParts === '' ? 'no bound of the pool' : `pool ${poolParts}`,
    quotaParts === ''
      ? 'no quota'
      : `each tenant ${quotaParts}, over it ${onQuota === 'wait' ? 'waits' : 'is refused'}`,
    preemption ? 'preemption' : 'no preemption',
    ...(checkpoint_seconds === 1 ? [] : [`checkpoints within ${checkpoint_seconds} s`]),
    ...(changes.length === 0 ? [] : [`policy ${changes.join(', ')}`]),
  ].join('; ');
}

function parts(...amounts: readonly (readonly [number | null, string])[]): string {
  return amounts.flatMap(([amount, unit]) => (amount === null ? [] : [`${amount} ${unit}`])).join(', ');
}

import type { TracedTask } from '../../commands/replay/trace.ts';

/** A task of a hand-made trace: one vCPU, 1 GB, 10 s, at second 0, unless said otherwise. */
export function traced(taskId: string, facts: Partial<TracedTask> = {}): TracedTask {
  return {
    taskId,
    tenantId: 'acme',
    phase: 'research',
    class: 3,
    overridable: true,
    cpu: 1,
    memoryGb: 1,
    arrival_ms: 0,
    duration_ms: 10_000,
    cost_usd_nanos: 0n,
    ...facts,
  };
}

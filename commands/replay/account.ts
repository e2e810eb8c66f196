/** What the replay knows of a task that was accepted, and amounts that tasks hold. */

import type { TenantQuota } from './conditions.ts';
import type { TracedTask } from './trace.ts';

/** vCPU and GB in thousandths, so that sums are exact; a task of a trace is a run of its own, so `tasks` counts both. */
export type Use = { cpu_milli: number; memoryGb_milli: number; tasks: number };

export type Known = {
  readonly task: TracedTask;
  readonly acceptedAt_ms: number;
  state: 'waiting' | 'in_room' | 'leaving' | 'ended';
  /** Of a waiting task: since when, this time, and what for. */
  waitingSince_ms: number;
  waitingFor: 'pool' | 'quota';
  holdsQuota: boolean;
  usesBurst: boolean;
  epoch: number;
  runningSince_ms: number;
  /** The newcomer that it was told to leave for. */
  leftFor: string | null;
};

/** A newcomer for which victims were taken. */
export type Need = { readonly since_ms: number; readonly leaving: Set<string>; lastLeft_ms: number | null };

export function accepted(task: TracedTask, now_ms: number): Known {
  return {
    task,
    acceptedAt_ms: now_ms,
    state: 'waiting',
    waitingSince_ms: now_ms,
    waitingFor: 'pool',
    holdsQuota: false,
    usesBurst: false,
    epoch: 0,
    runningSince_ms: now_ms,
    leftFor: null,
  };
}

export function noUse(): Use {
  return { cpu_milli: 0, memoryGb_milli: 0, tasks: 0 };
}

export function addTask(use: Use, task: TracedTask, sign: 1 | -1): void {
  use.cpu_milli += sign * Math.round(task.cpu * 1000);
  use.memoryGb_milli += sign * Math.round(task.memoryGb * 1000);
  use.tasks += sign;
}

/** @param limit in whole units; null = no bound */
export function isAbove(milli: number, limit: number | null): boolean {
  return limit !== null && milli > Math.round(limit * 1000);
}

export function isOverQuota(use: Readonly<Use>, quota: TenantQuota, burstShare: number): boolean {
  const withBurst = (limit: number | null): number | null =>
    limit === null ? null : limit * (1 + burstShare);
  return (
    isAbove(use.cpu_milli, withBurst(quota.cpu)) ||
    isAbove(use.memoryGb_milli, withBurst(quota.memoryGb)) ||
    (quota.runs !== null && use.tasks > quota.runs)
  );
}

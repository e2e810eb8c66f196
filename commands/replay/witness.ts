/**
 * An account of the replay, kept from what callers and subscribers hear and from nothing that the decisions rest on: who
 * waits, who holds room, who left for whom. It judges every step by the rules and counts what breaks them.
 */

import { type Breaches, noBreaches } from './breaches.ts';
import type { PoolSize, TenantQuota } from './options.ts';
import type { TracedTask } from './trace.ts';

/** vCPU and GB in thousandths, so that sums are exact. */
export type Use = { cpu_milli: number; memoryGb_milli: number };

/** What the rules allow, in the terms of this account; from the policy. */
export type Allowance = {
  readonly pool: PoolSize;
  readonly quota: TenantQuota;
  readonly burstShare: number;
  readonly minimumRun_ms: number;
  readonly promise_ms: number;
};

type Known = {
  readonly task: TracedTask;
  state: 'waiting' | 'in_room' | 'leaving' | 'ended';
  holdsQuota: boolean;
  usesBurst: boolean;
  epoch: number;
  runningSince_ms: number;
  /** The newcomer that it was told to leave for. */
  leftFor: string | null;
};

/** A newcomer for which victims were taken. */
type Need = { readonly since_ms: number; readonly leaving: Set<string>; lastLeft_ms: number | null };

export type Witness = ReturnType<typeof createWitness>;

export function createWitness(allowance: Allowance, breaches: Breaches = noBreaches()) {
  const known = new Map<string, Known>();
  const needs = new Map<string, Need>();
  const room: Use = { cpu_milli: 0, memoryGb_milli: 0 };
  const held = new Map<string, Use & { runs: number }>();

  const get = (taskId: string): Known => {
    const found = known.get(taskId);
    if (found === undefined) throw new Error(`Heard of task ${taskId}, which was never accepted.`);
    return found;
  };

  function hold(one: Known, sign: 1 | -1): void {
    const { tenantId } = one.task;
    const use = held.get(tenantId) ?? { cpu_milli: 0, memoryGb_milli: 0, runs: 0 };
    held.set(tenantId, use);
    add(use, one.task, sign);
    use.runs += sign;
    one.holdsQuota = sign === 1;
    if (sign === 1 && isOverQuota(use, allowance)) breaches.quota_over += 1;
  }

  function enterRoom(one: Known, epoch: number): void {
    if (one.state !== 'waiting' || epoch <= one.epoch) breaches.task_twice += 1;
    if (!one.holdsQuota) hold(one, 1);
    add(room, one.task, 1);
    one.state = 'in_room';
    one.epoch = epoch;
    if (
      isAbove(room.cpu_milli, allowance.pool.cpu) ||
      isAbove(room.memoryGb_milli, allowance.pool.memoryGb)
    ) {
      breaches.pool_over += 1;
    }
  }

  function leaveRoom(one: Known, now_ms: number): void {
    add(room, one.task, -1);
    const need = one.state === 'leaving' && one.leftFor !== null ? needs.get(one.leftFor) : undefined;
    if (need?.leaving.delete(one.task.taskId) && need.leaving.size === 0) need.lastLeft_ms = now_ms;
  }

  /** A5: borrowed room of the same class, for a newcomer that borrows none. */
  const reclaims = (newcomer: Known, victim: Known): boolean =>
    victim.task.class === newcomer.task.class &&
    victim.usesBurst &&
    !(newcomer.usesBurst && isAboveLimit(newcomer));

  /** Whether its tenant holds more than its limit, so that one that was admitted on burst may still be on it. */
  function isAboveLimit(one: Known): boolean {
    const use = held.get(one.task.tenantId);
    const { quota } = allowance;
    return (
      use !== undefined && (isAbove(use.cpu_milli, quota.cpu) || isAbove(use.memoryGb_milli, quota.memoryGb))
    );
  }

  const isOpen = (need: Need | undefined, now_ms: number): boolean =>
    need !== undefined && (need.lastLeft_ms === null || now_ms < need.lastLeft_ms + allowance.promise_ms);

  return {
    breaches,
    /** Room held now. */
    room: room as Readonly<Use>,
    /** What each tenant holds now. */
    held: held as ReadonlyMap<string, Readonly<Use & { runs: number }>>,

    /** Admitted at once, with the lease. */
    admitted(task: TracedTask, epoch: number, usesBurst: boolean, now_ms: number): void {
      const one: Known = { ...accepted(task, now_ms), usesBurst };
      known.set(task.taskId, one);
      enterRoom(one, epoch);
    },

    queued(task: TracedTask, waitingFor: 'pool' | 'quota', now_ms: number): void {
      const one = accepted(task, now_ms);
      known.set(task.taskId, one);
      if (waitingFor === 'pool') hold(one, 1);
    },

    granted(taskId: string, epoch: number, now_ms: number): void {
      const one = get(taskId);
      if (one.leftFor !== null && isOpen(needs.get(one.leftFor), now_ms)) {
        breaches.victim_readmitted_before_preemptor += 1;
      }
      needs.delete(taskId);
      one.leftFor = null;
      enterRoom(one, epoch);
    },

    /** A grant was claimed: the task runs from now. */
    claimed(taskId: string, epoch: number, now_ms: number): void {
      const one = get(taskId);
      if (one.state !== 'in_room' || one.epoch !== epoch) breaches.task_twice += 1;
      one.runningSince_ms = now_ms;
    },

    /** A running task was told to leave for a newcomer, or (null) for its budget. */
    toldToLeave(taskId: string, newcomerId: string | null, now_ms: number): void {
      const victim = get(taskId);
      victim.state = 'leaving';
      victim.leftFor = newcomerId;
      if (newcomerId === null) return;
      const newcomer = get(newcomerId);
      if (!victim.task.overridable) breaches.victim_not_overridable += 1;
      if (victim.task.class === 0) breaches.victim_is_p0 += 1;
      else if (!outranks(newcomer, victim) && !reclaims(newcomer, victim)) {
        breaches.victim_of_better_or_equal_class += 1;
      }
      if (newcomer.task.class !== 0 && now_ms - victim.runningSince_ms < allowance.minimumRun_ms) {
        breaches.victim_before_minimum_run += 1;
      }
      const need = needs.get(newcomerId);
      // Victims of one decision are told at the same time.
      if (need !== undefined && isOpen(need, now_ms) && need.since_ms !== now_ms) {
        breaches.second_preemption_for_one_need += 1;
      }
      if (need !== undefined && isOpen(need, now_ms)) need.leaving.add(taskId);
      else needs.set(newcomerId, { since_ms: now_ms, leaving: new Set([taskId]), lastLeft_ms: null });
    },

    /** It stored its checkpoint and stands in line again. */
    left(taskId: string, now_ms: number): void {
      const one = get(taskId);
      leaveRoom(one, now_ms);
      one.state = 'waiting';
    },

    ended(taskId: string, now_ms: number): void {
      const one = get(taskId);
      if (one.state === 'ended') {
        breaches.task_twice += 1;
        return;
      }
      leaveRoom(one, now_ms);
      hold(one, -1);
      one.state = 'ended';
      needs.delete(taskId);
    },

    /** Counts accepted tasks that never ended. */
    finish(): void {
      for (const one of known.values()) {
        if (one.state !== 'ended') breaches.task_lost += 1;
      }
    },
  };
}

function accepted(task: TracedTask, now_ms: number): Known {
  return {
    task,
    state: 'waiting',
    holdsQuota: false,
    usesBurst: false,
    epoch: 0,
    runningSince_ms: now_ms,
    leftFor: null,
  };
}

/** P1: of a strictly better class. */
function outranks(newcomer: Known, victim: Known): boolean {
  return newcomer.task.class < victim.task.class;
}

function isOverQuota(use: Use & { runs: number }, { quota, burstShare }: Allowance): boolean {
  const withBurst = (limit: number | null): number | null =>
    limit === null ? null : limit * (1 + burstShare);
  return (
    isAbove(use.cpu_milli, withBurst(quota.cpu)) ||
    isAbove(use.memoryGb_milli, withBurst(quota.memoryGb)) ||
    (quota.runs !== null && use.runs > quota.runs)
  );
}

function isAbove(milli: number, limit: number | null): boolean {
  return limit !== null && milli > Math.round(limit * 1000);
}

function add(use: Use, task: TracedTask, sign: 1 | -1): void {
  use.cpu_milli += sign * Math.round(task.cpu * 1000);
  use.memoryGb_milli += sign * Math.round(task.memoryGb * 1000);
}

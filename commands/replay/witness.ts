/**
 * An account of the replay, kept from what callers and subscribers hear and from nothing that the decisions rest on: who
 * waits, who holds room, who left for whom. It judges every step by the rules and counts what breaks them.
 */

import type { TaskClass } from '../../shared/admission/priority.ts';
import {
  accepted,
  addTask,
  isAbove,
  isOverQuota,
  type Known,
  type Need,
  noUse,
  type Use,
} from './account.ts';
import { type Breaches, noBreaches } from './breaches.ts';
import type { PoolSize, TenantQuota } from './conditions.ts';
import { createLine } from './line.ts';
import type { TracedTask } from './trace.ts';

/** What the rules allow, in the terms of this account; from the policy. */
export type Allowance = {
  readonly pool: PoolSize;
  readonly quota: TenantQuota;
  readonly burstShare: number;
  readonly minimumRun_ms: number;
  readonly promise_ms: number;
  readonly agingStep_ms: number;
  /** How long the head of the line waits until nothing passes it. */
  readonly patience_ms: number;
};

export type Witness = ReturnType<typeof createWitness>;

export function createWitness(allowance: Allowance, breaches: Breaches = noBreaches()) {
  const known = new Map<string, Known>();
  const needs = new Map<string, Need>();
  const room = noUse();
  const held = new Map<string, Use>();
  const line = createLine(allowance, breaches, {
    isHeldBack: (one, now_ms) => one.leftFor !== null && isOpen(needs.get(one.leftFor), now_ms),
    isPromised: (one, now_ms) => isOpen(needs.get(one.task.taskId), now_ms),
  });

  const get = (taskId: string): Known => {
    const found = known.get(taskId);
    if (found === undefined) throw new Error(`Heard of task ${taskId}, which was never accepted.`);
    return found;
  };

  function hold(one: Known, sign: 1 | -1): void {
    const { tenantId } = one.task;
    const use = held.get(tenantId) ?? noUse();
    held.set(tenantId, use);
    addTask(use, one.task, sign);
    one.holdsQuota = sign === 1;
    if (sign === 1 && isOverQuota(use, allowance.quota, allowance.burstShare)) breaches.quota_over += 1;
  }

  function enterRoom(one: Known, epoch: number, promisedSince_ms: number | null, now_ms: number): void {
    if (one.state !== 'waiting' || epoch <= one.epoch) breaches.task_twice += 1;
    const neededQuota = !one.holdsQuota && allowance.quota.cost_usd === null;
    line.granted(one, neededQuota, promisedSince_ms, now_ms);
    if (!one.holdsQuota) hold(one, 1);
    addTask(room, one.task, 1);
    one.state = 'in_room';
    one.epoch = epoch;
    const { cpu, memoryGb, tasks } = allowance.pool;
    if (
      isAbove(room.cpu_milli, cpu) ||
      isAbove(room.memoryGb_milli, memoryGb) ||
      room.tasks > (tasks ?? Infinity)
    ) {
      breaches.pool_over += 1;
    }
  }

  function leaveRoom(one: Known, now_ms: number): void {
    addTask(room, one.task, -1);
    const need = one.state === 'leaving' && one.leftFor !== null ? needs.get(one.leftFor) : undefined;
    if (need?.leaving.delete(one.task.taskId) && need.leaving.size === 0) need.lastLeft_ms = now_ms;
  }

  function wait(one: Known, waitingFor: 'pool' | 'quota', now_ms: number): void {
    one.state = 'waiting';
    one.waitingFor = waitingFor;
    one.waitingSince_ms = now_ms;
    line.joined(one);
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

  function isOpen(need: Need | undefined, now_ms: number): need is Need {
    return (
      need !== undefined && (need.lastLeft_ms === null || now_ms < need.lastLeft_ms + allowance.promise_ms)
    );
  }

  return {
    breaches,
    /** Room held now. */
    room: room as Readonly<Use>,
    /** What each tenant holds now. */
    held: held as ReadonlyMap<string, Readonly<Use>>,
    /** How many wait now. */
    waiting: line.waiting as Readonly<Record<TaskClass, number>>,

    /** Admitted at once, with the lease. */
    admitted(task: TracedTask, epoch: number, usesBurst: boolean, now_ms: number): void {
      const one: Known = { ...accepted(task, now_ms), usesBurst };
      known.set(task.taskId, one);
      enterRoom(one, epoch, null, now_ms);
    },

    queued(task: TracedTask, waitingFor: 'pool' | 'quota', now_ms: number): void {
      const one = accepted(task, now_ms);
      known.set(task.taskId, one);
      if (waitingFor === 'pool') hold(one, 1);
      wait(one, waitingFor, now_ms);
    },

    granted(taskId: string, epoch: number, now_ms: number): void {
      const one = get(taskId);
      if (one.leftFor !== null && isOpen(needs.get(one.leftFor), now_ms)) {
        breaches.victim_readmitted_before_preemptor += 1;
      }
      const need = needs.get(taskId);
      needs.delete(taskId);
      enterRoom(one, epoch, isOpen(need, now_ms) ? need.since_ms : null, now_ms);
      one.leftFor = null;
    },

    holdsQuota(taskId: string): boolean {
      return get(taskId).holdsQuota;
    },

    /** It waits for quota now; if it held some, one of its tenant that stands before it has that. */
    displaced(taskId: string): void {
      const one = known.get(taskId);
      if (one === undefined || one.state !== 'waiting' || !one.holdsQuota) return;
      hold(one, -1);
      one.waitingFor = 'quota';
      needs.delete(taskId);
    },

    /** A grant was claimed: the task runs from now. */
    claimed(taskId: string, epoch: number, usesBurst: boolean, now_ms: number): void {
      const one = get(taskId);
      one.usesBurst ||= usesBurst;
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
      if (isOpen(need, now_ms) && need.since_ms !== now_ms) breaches.second_preemption_for_one_need += 1;
      if (isOpen(need, now_ms)) need.leaving.add(taskId);
      else needs.set(newcomerId, { since_ms: now_ms, leaving: new Set([taskId]), lastLeft_ms: null });
    },

    /** It stored its checkpoint and stands in line again; for quota when it gave that back too. */
    left(taskId: string, waitingFor: 'pool' | 'quota', now_ms: number): void {
      const one = get(taskId);
      leaveRoom(one, now_ms);
      if (waitingFor === 'quota') hold(one, -1);
      wait(one, waitingFor, now_ms);
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

    /** Judges the grants of a step against those that still wait after it. */
    settle(now_ms: number): void {
      line.settle(now_ms);
    },

    /** Counts accepted tasks that never ended. */
    finish(): void {
      for (const one of known.values()) {
        if (one.state !== 'ended') breaches.task_lost += 1;
      }
    },
  };
}

/** P1: of a strictly better class. */
function outranks(newcomer: Known, victim: Known): boolean {
  return newcomer.task.class < victim.task.class;
}

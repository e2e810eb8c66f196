/** What became of each running task that a preemption considered, in the order of victims (R5). Pure. */

import { openBooks } from './books.ts';
import { type Candidate, type Deciding, decidingAmongVictims } from './criteria.ts';
import { keyOf, type Step } from './line-walk.ts';
import type { Policy } from './policy.ts';
import { candidatesOf, eligibleFor, givenTo, roomAmounts } from './preemption.ts';
import type { Plan, Preemption, Snapshot, WaitingTask } from './schedule.ts';
import { type Amounts, chooseVictims, mayBePreempted, type RunningTask } from './victims.ts';

export type CandidateFate =
  | 'taken'
  /** Taken at first, and not needed once others had been taken too (P2). */
  | 'given_back'
  /** It leaves nothing of what is missing. */
  | 'gives_nothing'
  /** Those before it give enough. */
  | 'not_reached';

export type CandidateStep = {
  readonly task: RunningTask;
  readonly fate: CandidateFate;
  /** What put it before the next candidate; null for the last. */
  readonly beforeNext: Deciding | null;
};

/** Why a running task could not be preempted for this newcomer at all (P1). */
export type Exemption = 'leaves_for_another' | 'class' | 'shielded' | 'minimum_run';

export type VictimWalk = {
  /** vCPU, GB and slots of the pool, then vCPU, GB and runs of the tenant's quota. */
  readonly missing: Amounts;
  readonly candidates: readonly CandidateStep[];
  readonly exempt: readonly { readonly task: RunningTask; readonly why: Exemption }[];
};

/** @param step the preemptor's turn in the line, of `walkLine` */
export function walkVictims(
  preemption: Preemption,
  step: Step,
  plan: Plan,
  snapshot: Snapshot,
  policy: Policy,
  now: Date,
): VictimWalk {
  const newcomer = preemption.task;
  const running = candidatesOf(snapshot) ?? [];
  const earlier = plan.preemptions.slice(0, plan.preemptions.indexOf(preemption));
  const leaving = new Set(earlier.flatMap(({ victims }) => victims.map(keyOf)));
  const isLeaving = (task: RunningTask) => leaving.has(keyOf(task));
  const { standingOf } = openBooks(snapshot, policy);
  const shareOf = (tenantId: string) => standingOf(tenantId).share;
  const staying = running.filter((task) => !isLeaving(task));
  const eligible = eligibleFor(newcomer, staying, shareOf, policy, now);
  const missing = [...roomAmounts(step.short), ...step.quotaMissing];
  const asCandidate = (task: RunningTask): Candidate => ({
    ...task,
    share: shareOf(task.tenantId),
    ownTenant: task.tenantId === newcomer.tenantId,
  });
  const fates = fatesOf(eligible, preemption, missing);
  return {
    missing,
    candidates: eligible.map((task, index) => {
      const next = eligible[index + 1];
      return {
        task,
        fate: fates[index] ?? 'not_reached',
        beforeNext: next === undefined ? null : decidingAmongVictims(asCandidate(task), asCandidate(next)),
      };
    }),
    exempt: running.flatMap((task) => {
      const why = isLeaving(task) ? 'leaves_for_another' : exemption(task, newcomer, policy, now);
      return why === null ? [] : [{ task, why }];
    }),
  };
}

/** Null for one that may be preempted. */
function exemption(task: RunningTask, newcomer: WaitingTask, policy: Policy, now: Date): Exemption | null {
  const may = (changed: Partial<RunningTask>) =>
    mayBePreempted({ ...task, ...changed }, newcomer, policy, now);
  const noShield = { preemptionStreak: 0 };
  const ranLong = { runningSince: new Date(0).toISOString() };
  if (may({})) return null;
  if (!may({ ...noShield, ...ranLong })) return 'class';
  return may(ranLong) ? 'minimum_run' : 'shielded';
}

function fatesOf(
  eligible: readonly RunningTask[],
  preemption: Preemption,
  missing: Amounts,
): readonly CandidateFate[] {
  const newcomer = preemption.task;
  const gives = (task: RunningTask) => givenTo(newcomer, task);
  const isOfUse = (task: RunningTask) =>
    missing.some((amount, dimension) => amount > 0 && (gives(task)[dimension] ?? 0) > 0);
  const taken = new Set(preemption.victims.map(keyOf));
  // Victims are taken in order until they give enough: whoever comes after that was not looked at.
  const enough = eligible.findIndex(
    (_task, index) => chooseVictims(eligible.slice(0, index + 1), missing, gives) !== null,
  );
  return eligible.map((task, index) => {
    if (taken.has(keyOf(task))) return 'taken';
    if (enough !== -1 && index > enough) return 'not_reached';
    return isOfUse(task) ? 'given_back' : 'gives_nothing';
  });
}

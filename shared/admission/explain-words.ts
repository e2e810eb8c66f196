/** An explanation in words, a line each (R5). Pure. */

import { gateWords } from '../deliberation/gate.ts';
import {
  type AdmissionAsk,
  type AdmissionFacts,
  type Decided,
  type Dimension,
  decidedBy,
  dimensionsOf,
} from './admission-account.ts';
import { type Deciding, numberText } from './criteria.ts';
import type { StoredDecision } from './decision-reads.ts';
import type { Explanation } from './explain.ts';
import { keyOf, type Step, walkLine } from './line-walk.ts';
import { className } from './priority.ts';
import { type Room, roomOf, shortOf } from './room.ts';
import type { Preemption } from './schedule.ts';
import { type CandidateFate, type Exemption, type VictimWalk, walkVictims } from './victim-walk.ts';
import type { Amounts } from './victims.ts';

export function wordsOf(explanation: Explanation): string[] {
  const { decision, again, same, basis } = explanation;
  const replay = same
    ? ['Decided again from what is stored: the same.']
    : [
        'Decided again from what is stored: NOT the same.',
        `  stored: ${JSON.stringify(storedPartOf(decision))}`,
        `  again:  ${JSON.stringify(again)}`,
      ];
  const head = [headOf(decision)];
  switch (basis.kind) {
    case 'none':
      return [...head, basis.why];
    case 'admission':
      return [...head, ...admissionWords(basis.facts, basis.ask, basis.decided), '', ...replay];
    case 'plan': {
      const steps = walkLine(basis.snapshot, basis.policy, basis.now);
      const own = steps.findIndex(({ task }) => keyOf(task) === `${decision.tenantId}/${decision.taskId}`);
      const step = steps[own];
      const line = ['', ...lineWords(steps.slice(0, own + 1))];
      const preemption = basis.plan.preemptions.find(
        ({ task }) => step !== undefined && keyOf(task) === keyOf(step.task),
      );
      if (decision.kind === 'grant' || step === undefined || preemption === undefined) {
        return [...head, ...line, '', ...replay];
      }
      const walk = walkVictims(preemption, step, basis.plan, basis.snapshot, basis.policy, basis.now);
      return [...head, ...line, '', ...victimWords(walk, preemption.reason), '', ...replay];
    }
  }
}

/** One line for a list of decisions. */
export function headOf({
  decisionId,
  kind,
  result,
  at,
  tenantId,
  runId,
  taskId,
  policyVersion,
}: StoredDecision): string {
  const subject = runId === taskId || runId === null ? `task ${taskId}` : `task ${taskId} of run ${runId}`;
  return `${decisionId}: ${kind}, ${result}; ${subject} of tenant ${tenantId}, at ${at.toISOString()}, policy ${policyVersion}`;
}

function storedPartOf({ kind, inputs, counters, answer, result }: StoredDecision): unknown {
  if (kind === 'admit') {
    const { decision, waitingFor, burstCpu, burstMemoryGb, reasons } = answer;
    return { result, decision, waitingFor, burstCpu, burstMemoryGb, reasons };
  }
  return { result, ...counters, class: inputs.class, reason: inputs.reason, ...answer };
}

// Admissions

const verdicts: Readonly<Record<Dimension['verdict'], string>> = {
  fits: 'fits',
  burst: 'fits by borrowing',
  no_room: 'does not fit now',
  throttled: 'throttled',
  never_fits: 'never fits',
  quality_gate: 'gate',
  quota_exceeded: 'above the limit',
  budget_exhausted: 'exhausted',
};

const singular: Readonly<Record<string, string>> = { runs: 'run', slots: 'slot' };

export function admissionWords(facts: AdmissionFacts, ask: AdmissionAsk, decided: Decided): string[] {
  const [leading] = decided.reasons;
  const rows = dimensionsOf(facts, ask, decided).map((dimension) => {
    const { level, resource, unit, limit, burst, held, asked, verdict } = dimension;
    const isLeading = leading?.level === level && leading.resource === resource;
    return [
      `${level} ${resource}`,
      limit === null ? 'no limit' : `limit ${numberText(limit)}`,
      `burst ${numberText(burst)}`,
      `held ${numberText(held)}`,
      `asked ${numberText(asked)} ${asked === 1 ? (singular[unit] ?? unit) : unit}`,
      isLeading ? `${verdicts[verdict]}  <- decided` : verdicts[verdict],
    ];
  });
  const told =
    decided.advice === undefined
      ? []
      : [`Told, without effect on the decision (D5): ${gateWords(decided.advice)}`];
  return [`Class ${className(ask.class)}. ${decidedBy(facts, ask, decided)}`, ...told, '', ...columns(rows)];
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

// Grants

/** @param steps up to the decision's own */
export function lineWords(steps: readonly Step[]): string[] {
  const last = steps.length - 1;
  return [
    last <= 0 ? 'Nobody stood before it in the line.' : `In the order of the line, ${last} before it:`,
    ...steps.flatMap((step, index) => [
      `  ${index + 1}. ${keyOf(step.task)} (${className(step.task.effectiveClass)}): ${fateWords(step)}`,
      ...(index < last && step.beforeNext !== null
        ? [`     before the next by ${decidingWords(step.beforeNext)}`]
        : []),
    ]),
  ];
}

function decidingWords({ number, name, ahead, behind }: Deciding): string {
  return `criterion ${number}, ${name}: ${ahead}, the next ${behind}`;
}

function fateWords(step: Step): string {
  const { task, fate, room, coming, quotaMissing, displaced } = step;
  const asks = amountText(roomOf(task));
  switch (fate) {
    case 'granted': {
      const borrowed = task.usesBurst && task.waitingFor === 'quota' ? ', borrowing above its limit' : '';
      const from =
        displaced.length === 0
          ? ''
          : `, with the quota of ${displaced.map(({ taskId }) => taskId).join(', ')}`;
      return `starts: asks ${asks}, there is ${amountText(room)}${from}${borrowed}`;
    }
    case 'preempts': {
      const quota = quotaMissing.some((amount) => amount > 0)
        ? `, its quota lacks ${quotaText(quotaMissing)}`
        : '';
      const soon =
        coming.cpu + coming.memoryGb + coming.tasks > 0 ? `, on its way out ${amountText(coming)}` : '';
      return `preempts: asks ${asks}, there is ${amountText(room)}${soon}${quota}`;
    }
    case 'above_pool':
      return `waits: ${asks} is more than the whole pool`;
    case 'no_money':
      return "waits: its tenant's cost quota cannot hold its run's budget now";
    case 'no_quota':
      return `waits for quota: its limits lack ${quotaText(quotaMissing)}`;
    case 'awaits_victims':
      return `waits until its victims have left: asks ${asks}, there is ${amountText(room)}`;
    case 'no_room':
      return `waits, does not fit: asks ${asks}, there is ${amountText(room)}, short of ${amountText(shortOf(roomOf(task), room))}`;
    case 'held_back':
      return 'waits, though it fits: somebody before it has waited so long that nobody passes (A11)';
  }
}

function amountText({ cpu, memoryGb, tasks }: Room): string {
  const parts = (
    [
      [cpu, 'vCPU'],
      [memoryGb, 'GB'],
      [tasks, tasks === 1 ? 'slot' : 'slots'],
    ] as const
  ).map(([amount, unit]) => (Number.isFinite(amount) ? `${numberText(amount)} ${unit}` : `any ${unit}`));
  return parts.join(', ');
}

function quotaText(amounts: Amounts): string {
  const units = ['vCPU', 'GB', amounts[2] === 1 ? 'run' : 'runs'];
  return amounts
    .flatMap((amount, index) => (amount > 0 ? [`${numberText(amount)} ${units[index]}`] : []))
    .join(', ');
}

// Preemptions

const candidateFates: Readonly<Record<CandidateFate, string>> = {
  taken: 'has to leave',
  given_back: 'given back: not needed once the others leave (P2)',
  gives_nothing: 'passed over: it has nothing of what is missing',
  not_reached: 'stays: those before it are enough',
};

const exemptions: Readonly<Record<Exemption, string>> = {
  leaves_for_another: 'leaves for another already',
  class: 'not of a lower class, and not on burst that could be reclaimed (P1, A5)',
  shielded: 'shielded until its next checkpoint (P1)',
  minimum_run: 'has not run long enough (P1)',
};

/** Why it may preempt at all. */
const grounds: Readonly<Record<Preemption['reason'], string>> = {
  priority: 'Those of a lower class leave for it (P1).',
  reclaim_burst: 'It is within its limit and reclaims what is borrowed (A5).',
};

export function victimWords(
  { missing, candidates, exempt }: VictimWalk,
  reason: Preemption['reason'],
): string[] {
  const [cpu = 0, memoryGb = 0, tasks = 0, ...quota] = missing;
  const ofPool = cpu + memoryGb + tasks > 0 ? [`of the pool ${amountText({ cpu, memoryGb, tasks })}`] : [];
  const ofQuota = quota.some((amount) => amount > 0) ? [`of its tenant's quota ${quotaText(quota)}`] : [];
  return [
    `${grounds[reason]} Missing: ${[...ofPool, ...ofQuota].join('; ')}. In the order of victims (P2):`,
    ...candidates.flatMap(({ task, fate, beforeNext }, index) => [
      `  ${index + 1}. ${keyOf(task)} (${className(task.class)}, ${amountText(roomOf(task))}): ${candidateFates[fate]}`,
      ...(beforeNext === null ? [] : [`     before the next by ${decidingWords(beforeNext)}`]),
    ]),
    ...(exempt.length === 0 ? [] : ['Could not be preempted:']),
    ...exempt.map(({ task, why }) => `  ${keyOf(task)} (${className(task.class)}): ${exemptions[why]}`),
  ];
}

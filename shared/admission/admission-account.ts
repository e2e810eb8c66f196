/** An admission as an account: every dimension that it was judged in, and what decided (R5). Pure. */

import { type ClosedGate, gateWords } from '../deliberation/gate.ts';
import { nanosToUsd, sumUsd } from '../platform/money.ts';
import type { ReasonRow } from './rows.ts';

/** As `admission_facts.sql` stores them; amounts in vCPU, GB and USD. */
export type AdmissionFacts = {
  readonly tenant: {
    readonly cpuHeld: number;
    readonly memoryGbHeld: number;
    readonly runsHeld: number;
    readonly throttledUntil: string | null;
  };
  readonly limits: {
    readonly cpu?: { readonly limit: number; readonly burst: number };
    readonly memory?: { readonly limit: number; readonly burst: number };
    readonly concurrent_runs?: { readonly limit: number };
  };
  /** `money_levels.sql`: the budgets above the run, nearest first. */
  readonly money: readonly {
    readonly level: 'tenant' | 'org';
    readonly limitUSD: number | null;
    readonly spentUSD: number;
    readonly heldUSD: number;
  }[];
  readonly promisedQuota: { readonly cpu: number; readonly memoryGb: number; readonly runs: number };
  readonly pool: {
    readonly cpu: number | null;
    readonly memoryGb: number | null;
    readonly tasks: number | null;
    readonly cpuRoom: number | null;
    readonly memoryGbRoom: number | null;
    readonly tasksRoom: number | null;
  };
  readonly lineBlocks: boolean;
  readonly quotaLineBlocks: boolean;
  readonly run: {
    readonly liveTasks: number;
    readonly limitUSD: number;
    readonly spentUSD: number;
    readonly heldUSD: number;
  } | null;
};

export type AdmissionAsk = {
  readonly class: number;
  readonly cpu: number;
  readonly memoryGb: number;
  /** 1e-9 USD; null for a further phase of a run. */
  readonly maxCostNanos: string | null;
  readonly onQuota: string;
};

/** `decision_of.sql` */
export type Decided = {
  readonly decision: 'admitted' | 'queued' | 'refused';
  readonly waitingFor: 'pool' | 'quota' | null;
  readonly burstCpu: number;
  readonly burstMemoryGb: number;
  readonly reasons: readonly ReasonRow[];
  /** A rejected score that was told of and blocked nothing (D5). */
  readonly advice?: ClosedGate;
};

export type Dimension = {
  readonly level: 'tenant' | 'org' | 'pool' | 'run';
  readonly resource: string;
  readonly unit: string;
  /** Null: no bound. */
  readonly limit: number | null;
  readonly burst: number;
  /** Held, spent and promised: what stands against the limit before the request. */
  readonly held: number;
  readonly asked: number;
  /** The code of the reason that names it; `fits`, `burst` (fits by borrowing) or `no_room` (fits, and not now). */
  readonly verdict: ReasonRow['code'] | 'fits' | 'burst' | 'no_room';
};

export function dimensionsOf(facts: AdmissionFacts, ask: AdmissionAsk, decided: Decided): Dimension[] {
  const { tenant, limits, money, promisedQuota, pool, run } = facts;
  const startsRun = run === null || run.liveTasks === 0;
  const costAsked =
    run === null
      ? nanosToUsd(BigInt(ask.maxCostNanos ?? 0))
      : startsRun
        ? Math.max(sumUsd(run.limitUSD, -run.spentUSD), 0)
        : 0;
  const ofTenant = (
    [
      ['cpu', 'vCPU', limits.cpu, tenant.cpuHeld + promisedQuota.cpu, ask.cpu],
      ['memory', 'GB', limits.memory, tenant.memoryGbHeld + promisedQuota.memoryGb, ask.memoryGb],
      [
        'concurrent_runs',
        'runs',
        limits.concurrent_runs,
        tenant.runsHeld + promisedQuota.runs,
        startsRun ? 1 : 0,
      ],
    ] as const
  ).map(([resource, unit, bound, held, asked]) => {
    const limit = bound?.limit ?? null;
    const burst = bound !== undefined && 'burst' in bound ? bound.burst : 0;
    const isBorrowed =
      (resource === 'cpu' && decided.burstCpu > 0) || (resource === 'memory' && decided.burstMemoryGb > 0);
    const verdict = codeOf(decided, 'tenant', resource) ?? (isBorrowed ? 'burst' : 'fits');
    return { level: 'tenant', resource, unit, limit, burst, held, asked, verdict } as const;
  });
  const ofMoney = money.map(
    ({ level, limitUSD, spentUSD, heldUSD }) =>
      ({
        level,
        resource: 'cost',
        unit: 'USD',
        limit: limitUSD,
        burst: 0,
        held: sumUsd(spentUSD, heldUSD),
        asked: costAsked,
        verdict: codeOf(decided, level, 'cost') ?? 'fits',
      }) as const,
  );
  const ofPool = (
    [
      ['cpu', 'vCPU', pool.cpu, pool.cpuRoom, ask.cpu],
      ['memory', 'GB', pool.memoryGb, pool.memoryGbRoom, ask.memoryGb],
      ['tasks', 'slots', pool.tasks, pool.tasksRoom, 1],
    ] as const
  ).map(([resource, unit, limit, room, asked]) => {
    const held = limit === null || room === null ? 0 : limit - room;
    const verdict = codeOf(decided, 'pool', resource) ?? (room !== null && asked > room ? 'no_room' : 'fits');
    return { level: 'pool', resource, unit, limit, burst: 0, held, asked, verdict } as const;
  });
  if (run === null) return [...ofTenant, ...ofMoney, ...ofPool];
  const verdict = codeOf(decided, 'run', 'cost') ?? 'fits';
  const ofRun = { level: 'run', resource: 'cost', unit: 'USD', limit: run.limitUSD, burst: 0 } as const;
  return [...ofTenant, ...ofMoney, ...ofPool, { ...ofRun, held: run.spentUSD, asked: 0, verdict }];
}

function codeOf(decided: Decided, level: string, resource: string): ReasonRow['code'] | undefined {
  return decided.reasons.find((reason) => reason.level === level && reason.resource === resource)?.code;
}

/** Which rule decided, in a sentence. */
export function decidedBy(facts: AdmissionFacts, ask: AdmissionAsk, decided: Decided): string {
  const [leading] = decided.reasons;
  if (leading !== undefined) {
    const sentence = leadingSentence(leading);
    return decided.decision === 'queued'
      ? `${sentence} The request asked to wait for quota, and its quota can hold it later (A16).`
      : sentence;
  }
  if (decided.decision === 'admitted') {
    const isBorrowed = decided.burstCpu > 0 || decided.burstMemoryGb > 0;
    return isBorrowed
      ? `Every dimension holds it; above the limit it borrows ${decided.burstCpu} vCPU and ${decided.burstMemoryGb} GB from idle room (A5).`
      : 'Every dimension holds it, and nobody in the line comes before it.';
  }
  if (decided.waitingFor === 'quota') {
    return 'It fits its quota, but others of its tenant wait for quota ahead of it (A16).';
  }
  const full = dimensionsOf(facts, ask, decided).filter(({ verdict }) => verdict === 'no_room');
  if (full.length > 0) {
    return `The pool has no room for it now: ${full.map(({ resource }) => resource).join(', ')} (A10).`;
  }
  return facts.lineBlocks
    ? 'There is room, but somebody ahead of it in the line fits too, or has waited so long that nobody passes (A11).'
    : 'The pool has no room for it now (A10).';
}

function leadingSentence({ code, level, resource, score }: ReasonRow): string {
  const place = resource === undefined ? level : `${resource} of the ${level}`;
  switch (code) {
    case 'throttled':
      return 'The tenant is throttled after too many violations (A6).';
    case 'never_fits':
      return `${place}: more is asked than ever fits (A9).`;
    case 'quality_gate':
      return score === undefined
        ? 'The last reasoning scored for the run was rejected, and the tenant enforces its gate (D5).'
        : `${gateWords(score)} The tenant enforces its gate, and no score that counts for it has passed since (D5).`;
    case 'quota_exceeded':
      return resource === 'concurrent_runs'
        ? `${place}: what is held and asked is above the limit (A4).`
        : `${place}: what is held and asked is above the limit, and cannot be borrowed now (A4, A5).`;
    case 'budget_exhausted':
      return level === 'run'
        ? "The run's budget is used up to its pause threshold (B5)."
        : `cost of the ${level === 'org' ? 'organisation' : 'tenant'}: spent, held and asked are above the limit, or spending has reached the pause threshold (B6).`;
  }
}

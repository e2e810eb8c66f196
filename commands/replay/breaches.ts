/** The invariants that a replay checks; each is counted, none may be broken. */

export const invariants = [
  /** Room in use is above the pool's capacity (A1). */
  'pool_over',
  /** A tenant holds more than its limit and burst, or its money is over its limit (A4, A5). */
  'quota_over',
  'victim_is_p0',
  'victim_not_overridable',
  /** A victim of no strictly lower class, burst reclaimed for its owner apart (P1, A5). */
  'victim_of_better_or_equal_class',
  /** Preempted before its minimum of running, by another than P0 (P1). */
  'victim_before_minimum_run',
  /** A victim got room before the newcomer that it left for (P3). */
  'victim_readmitted_before_preemptor',
  /** More victims were taken for a newcomer while its promise was open (P3). */
  'second_preemption_for_one_need',
  /** A counter is not what the rows say (R5). */
  'counters_drift',
  'counters_not_zero_at_end',
  /** A threshold fired more than once for one budget version (B4). */
  'threshold_twice',
  /** Spend is not the sum of the ledger, or the ledger is not what was reported (B1). */
  'ledger_drift',
  /** Accepted and never finished (A14). */
  'task_lost',
  /** Two leases at once, an epoch that does not rise, or two ends (A13, P5). */
  'task_twice',
] as const;

export type Invariant = (typeof invariants)[number];
export type Breaches = Record<Invariant, number>;

export function noBreaches(): Breaches {
  return Object.fromEntries(invariants.map((name) => [name, 0])) as Breaches;
}

export function breachCount(breaches: Readonly<Breaches>): number {
  return invariants.reduce((sum, name) => sum + breaches[name], 0);
}

/** The invariants that a replay checks; each is counted, none may be broken. */

/** What each says, and the rule that it stands for. */
export const meanings = {
  pool_over: { says: 'Room in use never exceeds the pool.', rule: 'A1' },
  quota_over: {
    says: 'No tenant holds more than its limit and burst, or owes more money than its limit.',
    rule: 'A4, A5',
  },
  victim_is_p0: { says: 'No task of P0 is preempted.', rule: 'P1' },
  victim_not_overridable: { says: 'No task that is not overridable is preempted.', rule: 'P1' },
  victim_of_better_or_equal_class: {
    says: 'Only a strictly lower class is preempted, room that its owner takes back apart.',
    rule: 'P1, A5',
  },
  victim_before_minimum_run: {
    says: 'Nobody is preempted before its minimum of running, but for P0.',
    rule: 'P1',
  },
  victim_readmitted_before_preemptor: {
    says: 'No victim gets room before the newcomer that it left for.',
    rule: 'P3',
  },
  second_preemption_for_one_need: {
    says: 'No more victims are taken while those taken are still leaving.',
    rule: 'P3',
  },
  order_broken: {
    says: 'Nobody starts while one of its tenant waits that stands before it in every lawful order.',
    rule: 'A10, A11',
  },
  aging_bound_broken: {
    says: 'Nobody goes past a task that has waited for the bound of aging.',
    rule: 'A10',
  },
  counters_drift: { says: 'Counters equal what the rows say.', rule: 'R5' },
  counters_not_zero_at_end: { says: 'Once every task has ended, nothing is held.', rule: 'R5' },
  threshold_twice: { says: 'A threshold fires once for each version of a budget.', rule: 'B4' },
  ledger_drift: { says: 'Spend is the sum of the ledger, and the ledger is what was reported.', rule: 'B1' },
  task_lost: { says: 'Every accepted task ends.', rule: 'A14' },
  task_twice: { says: 'Nobody has two leases at once, a falling epoch, or two ends.', rule: 'A13, P5' },
} as const satisfies Record<string, { readonly says: string; readonly rule: string }>;

export type Invariant = keyof typeof meanings;
export type Breaches = Record<Invariant, number>;

export const invariants = Object.keys(meanings) as Invariant[];

export function noBreaches(): Breaches {
  return Object.fromEntries(invariants.map((name) => [name, 0])) as Breaches;
}

export function breachCount(breaches: Readonly<Breaches>): number {
  return invariants.reduce((sum, name) => sum + breaches[name], 0);
}

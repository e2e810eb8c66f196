/** Rules of deliberation and the one line each that breaks it. */

import type { Mutation } from './mutations.ts';

const tests = (...names: string[]): string[] => names.map((name) => `test/deliberation/${name}.test.ts`);

export const deliberationMutations: readonly Mutation[] = [
  {
    name: 'floor-missed',
    rule: 'D2',
    broken: 'a score that is exactly at its floor lies below it',
    file: 'shared/deliberation/verdict.ts',
    find: 'return score[of] < least ?',
    replacement: 'return score[of] <= least ?',
    tests: tests('verdict'),
  },
  {
    name: 'own-floors-ignored',
    rule: 'D2',
    broken: "a tenant's own thresholds are not asked",
    file: 'shared/deliberation/score-run.ts',
    find: 'thresholdsOf({ ...policy, ...terms.policy })',
    replacement: 'thresholdsOf(policy)',
    tests: tests('gate'),
  },
  {
    name: 'review-opens',
    rule: 'D5',
    broken: 'a review lifts the gate',
    file: 'migrations/functions/closed_gate.sql',
    find: " and recommendation in ('pass', 'reject')",
    replacement: '',
    tests: tests('gate'),
  },
  {
    name: 'any-phase-closes',
    rule: 'D5',
    broken: 'a reject of any phase closes the gate',
    file: 'shared/deliberation/gate.ts',
    find: 'return gatePhases.includes(phase);',
    replacement: "return phase !== '';",
    tests: tests('gate'),
  },
  {
    name: 'advice-blocks',
    rule: 'D5',
    broken: 'a gate that only advises blocks',
    file: 'migrations/functions/judge_admission.sql',
    find: "if v_tenant->>'qualityGate' = 'enforce' and v_gate->>'phase' <> p_ask->>'phase' then",
    replacement: "if v_gate->>'phase' <> p_ask->>'phase' then",
    tests: tests('gate'),
  },
  {
    name: 'no-way-to-revise',
    rule: 'D5',
    broken: 'the rejected phase itself may not come again',
    file: 'migrations/functions/judge_admission.sql',
    find: "v_gate->>'phase' <> p_ask->>'phase'",
    replacement: 'v_gate is not null',
    tests: tests('gate'),
  },
  {
    name: 'stale-gate',
    rule: 'A7',
    broken: 'a refusal is repeated although a score has passed since',
    file: 'migrations/functions/record_deliberation.sql',
    find: "and quality_gate <> 'off' and",
    replacement: 'and false and',
    tests: tests('gate', 'gate.race'),
  },
];

/** Rules of the budget and the one line each that breaks it. */

import type { Mutation } from './mutations.ts';

const sql = (name: string): string => `migrations/functions/${name}.sql`;
const tests = (...names: string[]): string[] => names.map((name) => `test/budget/${name}.test.ts`);

export const budgetMutations: readonly Mutation[] = [
  {
    name: 'org-not-asked',
    rule: 'B6',
    broken: 'the budget of the organisation is not asked',
    file: sql('money_refusals'),
    find: 'continue when v_limit is null or p_asked_usd <= 0;',
    replacement: "continue when v_limit is null or p_asked_usd <= 0 or v_level->>'level' = 'org';",
    tests: tests('hierarchy'),
  },
  {
    name: 'org-spends-nothing',
    rule: 'B6',
    broken: 'what tenants hold is not held against their organisation',
    file: sql('move_held'),
    find: '  if v_org_id is not null then',
    replacement: '  if false then',
    tests: tests('hierarchy', 'thresholds'),
  },
  {
    name: 'hold-kept',
    rule: 'B3',
    broken: 'the end of a run leaves its hold open',
    file: sql('release_quota'),
    find: '    update holds set released_at = p_now,',
    replacement: '    update holds set released_at = null,',
    tests: tests('holds'),
  },
  {
    name: 'phantom-hold',
    rule: 'B3',
    broken: 'a hold counts for ever when no sweep comes',
    file: sql('expired_holds'),
    find: '    where hold_has_expired(h.tenant_id, h.run_id, h.grace_seconds, p_now)',
    replacement: '    where false',
    tests: tests('holds'),
  },
  {
    name: 'old-period',
    rule: 'B8',
    broken: 'a new period begins with what the old one has spent',
    file: sql('roll_run'),
    find: 'period_spent_usd_nanos = 0,',
    replacement: 'period_spent_usd_nanos = period_spent_usd_nanos,',
    tests: tests('run-period'),
  },
  {
    name: 'never-lifted',
    rule: 'B5',
    broken: 'a new period lifts nothing',
    file: sql('roll_run'),
    find: 'fired_floor_percent = 0, demoted = false, budget_paused = false',
    replacement: 'fired_floor_percent = 0',
    tests: tests('run-period'),
  },
  {
    name: 'fired-again',
    rule: 'B4',
    broken: 'a raise repeats thresholds that are still reached',
    file: sql('set_budget'),
    find: '    fired_floor_percent = v_floor,\n',
    replacement: '    fired_floor_percent = 0,\n',
    tests: tests('thresholds'),
  },
  {
    name: 'demoted-for-good',
    rule: 'B5',
    broken: 'a raise leaves tasks in P3',
    file: sql('lift_budget'),
    find: '  if p_before.demoted and not p_run.demoted then',
    replacement: '  if false then',
    tests: tests('actions', 'act'),
  },
  {
    name: 'duplicate-booked',
    rule: 'B1',
    broken: 'an event booked before counts again',
    file: sql('record_costs'),
    find: 'on conflict on constraint cost_event_once do nothing',
    replacement: 'on conflict on constraint cost_event_once do update set recorded_at = excluded.recorded_at',
    tests: tests('ledger'),
  },
];

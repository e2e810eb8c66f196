/** Rules of the product and the one line each that breaks it. `mutate.ts` sees to it that the tests notice. */

export type Mutation = {
  /** For `--only`. */
  readonly name: string;
  readonly rule: string;
  /** What Mothership does once it is broken. */
  readonly broken: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replacement: string;
  /** Test files, one of which ought to notice. */
  readonly tests: readonly string[];
};

const sql = (name: string): string => `migrations/functions/${name}.sql`;
const code = (name: string): string => `shared/admission/${name}.ts`;
const tests = (...names: string[]): string[] => names.map((name) => `test/admission/${name}.test.ts`);

export const mutations: readonly Mutation[] = [
  {
    name: 'unlocked',
    rule: 'A1',
    broken: "a request is judged without the scheduler's lock",
    file: sql('admit_task'),
    find: 'v_pool := lock_scheduler(array[v_tenant_id]);',
    replacement: 'select * into v_pool from pool;',
    tests: tests('admit.race'),
  },
  {
    name: 'refusal-counts',
    rule: 'A1',
    broken: 'a refusal takes one of the concurrent runs',
    file: sql('book_refusal'),
    find: '  if v_written = 0 then',
    replacement:
      '  update tenants set runs_held = runs_held + 1 where tenant_id = p_tenant.tenant_id;\n  if v_written = 0 then',
    tests: tests('admit', 'quota'),
  },
  {
    name: 'zero-unlimited',
    rule: 'A4',
    broken: 'a limit of zero means no limit',
    file: sql('quota_limits'),
    find: 'limit_value is not null',
    replacement: 'limit_value > 0',
    tests: tests('admit'),
  },
  {
    name: 'burst-not-idle',
    rule: 'A5',
    broken: 'burst is lent while the pool is not idle',
    file: sql('judge_admission'),
    find: '<= v_limit + v_burst and v_startable and not v_throttled',
    replacement: '<= v_limit + v_burst and not v_throttled',
    tests: tests('quota'),
  },
  {
    name: 'throttle-extended',
    rule: 'A6',
    broken: 'requests during a throttle count, and extend it',
    file: sql('book_refusal'),
    find: 'if p_tenant.throttled_until > p_now then',
    replacement: 'if false then',
    tests: tests('repeat'),
  },
  {
    name: 'repeat-books-twice',
    rule: 'A7',
    broken: 'a request repeated under its Idempotency-Key is booked again',
    file: sql('seen_admission'),
    find: 'continue when not found;',
    replacement: "continue when not found or v_answer.request_key like 'key:%';",
    tests: tests('repeat'),
  },
  {
    name: 'dry-run-books',
    rule: 'A8',
    broken: 'a dry run books what it was to try only',
    file: sql('admit_task'),
    find: '  if not v_dry then\n    if v_accepted then',
    replacement: '  if true then\n    if v_accepted then',
    tests: tests('dry-run'),
  },
  {
    name: 'aging-into-p0',
    rule: 'A10',
    broken: 'waiting raises a task into P0',
    file: sql('aged_tasks'),
    find: 'greatest(least(1, t.queue_class), ',
    replacement: 'greatest(0, ',
    tests: tests('line'),
  },
  {
    name: 'share-ignored',
    rule: 'A10',
    broken: 'the tenant with the smaller share in use does not go first',
    file: code('line'),
    find: '    compareStanding(standingOf(a.tenantId), standingOf(b.tenantId)) ||\n',
    replacement: '',
    tests: tests('schedule'),
  },
  {
    name: 'head-passed-for-ever',
    rule: 'A11',
    broken: 'smaller tasks pass a head that does not fit, however long it has waited',
    file: code('schedule'),
    find: 'closed = !isPatient(task);',
    replacement: 'closed = false;',
    tests: tests('schedule'),
  },
  {
    name: 'lapsed-lease-counts',
    rule: 'A12',
    broken: 'a lapsed lease holds its room until a sweep',
    file: sql('pool_room'),
    find: 'from tasks t where t.room_until is not null and t.room_until <= p_now;',
    replacement: 'from tasks t where false;',
    tests: tests('lease'),
  },
  {
    name: 'requeued-for-ever',
    rule: 'A12',
    broken: 'the sweep requeues a task however often its lease lapses',
    file: sql('sweep_rooms'),
    find: "if v_task.lapses >= policy_number(p_policy, 'lapses_max') then",
    replacement: 'if false then',
    tests: tests('lease'),
  },
  {
    name: 'old-epoch',
    rule: 'A13',
    broken: 'a runner with an old epoch ends the task',
    file: sql('complete_task'),
    find: 'v_task.epoch <> p_epoch',
    replacement: 'false',
    tests: tests('lease'),
  },
  {
    name: 'waiter-without-quota',
    rule: 'A16',
    broken: 'a task that waits for quota is granted without it',
    file: code('quota'),
    find: 'held + promised + asked <= bound.limit',
    replacement: 'asked <= bound.limit',
    tests: tests('schedule'),
  },
  {
    name: 'waiter-holds-quota',
    rule: 'A16',
    broken: 'a task that waits for quota holds it all the while',
    file: sql('book_admission'),
    find: "v_task.quota_held := p_task.waiting_for is distinct from 'quota';",
    replacement: 'v_task.quota_held := true;',
    tests: tests('quota'),
  },
  {
    name: 'equal-class',
    rule: 'P1',
    broken: 'a task preempts one of its own class',
    file: code('victims'),
    find: 'task.class > newcomer.class;',
    replacement: 'task.class >= newcomer.class;',
    tests: tests('victims'),
  },
  {
    name: 'no-minimum-run',
    rule: 'P1',
    broken: 'a task is preempted that has only just started',
    file: code('victims'),
    find: 'return newcomer.class === 0 || ran_ms >= policy.min_run_seconds * 1000;',
    replacement: 'return ran_ms >= 0;',
    tests: tests('victims'),
  },
  {
    name: 'no-shield',
    rule: 'P1',
    broken: 'a task is preempted a fourth time',
    file: code('victims'),
    find: 'task.preemptionStreak >= policy.shield_after_preemptions',
    replacement: 'false',
    tests: tests('victims'),
  },
  {
    name: 'no-give-back',
    rule: 'P2',
    broken: 'victims that are not needed are not given back',
    file: code('victims'),
    find: 'if (isCovered(without)) sum = without;\n    else kept.push(candidate);',
    replacement: 'kept.push(candidate);',
    tests: tests('victims'),
  },
  {
    name: 'promise-ignored',
    rule: 'P3',
    broken: 'room that victims free goes to whoever asks for it first',
    file: sql('pool_room'),
    find: 'where w.promised and (',
    replacement: 'where false and (',
    tests: tests('preempt'),
  },
  {
    name: 'victim-first',
    rule: 'P3',
    broken: 'a victim is granted room again before its preemptor',
    file: sql('held_back'),
    find: 'if p_by_task_id is not null and exists (',
    replacement: 'if false and exists (',
    tests: tests('preempt', 'admission.property'),
  },
  {
    name: 'no-end-in-grace',
    rule: 'P4',
    broken: 'completion within the grace time is refused',
    file: sql('complete_task'),
    find: "v_task.state in ('running', 'preempting')",
    replacement: "v_task.state = 'running'",
    tests: tests('preempt'),
  },
];

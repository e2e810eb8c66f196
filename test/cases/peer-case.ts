/**
 * Decision cases retold from the test suites of comparable systems: how they are written, and where they are read from.
 * The file lies beside the project and is not part of it.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { taskClass } from '../../shared/platform/schema.ts';

const seconds = z.number();
const usd = z.number();
const ids = z.array(z.string());

const taskFields = {
  id: z.string(),
  tenant: z.string(),
  priority: taskClass,
  /** vCPU */
  cpu: z.number(),
  memory_gb: z.number().optional(),
  overridable: z.boolean().optional(),
};

const quota = z.strictObject({
  cpu: z.number().optional(),
  burst_cpu: z.number().optional(),
  memory_gb: z.number().optional(),
  burst_memory_gb: z.number().optional(),
  concurrent: z.number().optional(),
  cost_usd: usd.optional(),
});
export type CaseQuota = z.infer<typeof quota>;

const running = z.strictObject({
  ...taskFields,
  started_s: seconds.optional(),
  lease_s: seconds.optional(),
  /** Told to leave before the case begins. */
  state: z.literal('stopping').optional(),
});
export type RunningTask = z.infer<typeof running>;

const waiting = z.strictObject({
  ...taskFields,
  created_s: seconds.optional(),
  /** It ran from its creation until it was pushed out. */
  preempted_s: seconds.optional(),
  /** Until when it is worth starting. */
  deadline_s: seconds.optional(),
});
export type WaitingTask = z.infer<typeof waiting>;

const newcomer = z.strictObject({
  ...taskFields,
  created_s: seconds.optional(),
  duration_s: seconds.optional(),
  preempts: z.boolean().optional(),
  /** Which of the tenant's runners asks. */
  runner: z.string().optional(),
  model: z.string().optional(),
  reserve_usd: usd.optional(),
});
export type Newcomer = z.infer<typeof newcomer>;

const costEvent = z.strictObject({
  run: z.string(),
  usd,
  occurred_s: seconds.optional(),
  arrives_s: seconds.optional(),
});
export type CaseCostEvent = z.infer<typeof costEvent>;

const scriptStep = z.strictObject({
  at_s: seconds.optional(),
  submit: newcomer.optional(),
  idempotency_key: z.string().optional(),
  heartbeat: z.string().optional(),
  finish: z.string().optional(),
  cancel_before_start: z.string().optional(),
  cost_event: costEvent.optional(),
});
export type ScriptStep = z.infer<typeof scriptStep>;

const given = z.strictObject({
  quotas: z.record(z.string(), quota),
  /** `runs`: how many tasks may hold room at the same time. */
  capacity: z.strictObject({
    cpu: z.number(),
    memory_gb: z.number().optional(),
    runs: z.number().optional(),
  }),
  running: z.array(running),
  waiting: z.array(waiting),
  /** What each tenant used lately. */
  history: z.record(z.string(), z.strictObject({ cpu: z.number() })).default({}),
  /** USD of this period by tenant. */
  spent: z.record(z.string(), usd).default({}),
  /** USD by run. */
  run_budgets: z.record(z.string(), usd).default({}),
  thresholds_pct: z.array(z.number()).optional(),
});
export type Given = z.infer<typeof given>;

const when = z.strictObject({
  submit: z.array(newcomer).optional(),
  script: z.array(scriptStep).optional(),
  tick: z.literal(true).optional(),
  now_s: seconds.optional(),
  drain_one_at_a_time: z.literal(true).optional(),
  cost_event: costEvent.optional(),
});
export type When = z.infer<typeof when>;

const then = z.strictObject({
  preempt: ids.optional(),
  wait: ids.optional(),
  /** The newcomer starts only after the victims have stored their checkpoints and left. */
  wait_until_stopped: ids.optional(),
  then_admit: ids.optional(),
  admit: ids.optional(),
  /** Refused or waiting. */
  not_admitted: ids.optional(),
  wait_or_reject: ids.optional(),
  expire: ids.optional(),
  order: ids.optional(),
  http_status: z.record(z.string(), z.number()).optional(),
  usage_after: z.record(z.string(), z.strictObject({ runs: z.number() })).optional(),
  usage_after_each: z.array(z.number()).optional(),
  same_answer: z.literal(true).optional(),
  no_error: z.literal(true).optional(),
  no_server_error: z.literal(true).optional(),
  finite: z.literal(true).optional(),
  record: z.strictObject({ model: z.string(), start_unchanged: z.literal(true) }).optional(),
  paused: ids.optional(),
  untouched: ids.optional(),
  fired: z.array(z.number()).optional(),
  fired_highest: z.number().optional(),
  not_fired: z.array(z.number()).optional(),
  fired_count: z.record(z.string(), z.number()).optional(),
  invariant: z.literal('used + left - overspend == budget').optional(),
  used_usd: usd.optional(),
});
export type Then = z.infer<typeof then>;

const peerCase = z.strictObject({
  id: z.string(),
  area: z.string(),
  /** must: any sound system answers so; should: another answer needs a reason; policy: the peer's own choice. */
  agreement: z.enum(['must', 'should', 'policy']),
  source: z.string(),
  given,
  when,
  then,
  why: z.string(),
  may_differ: z.string().optional(),
  adapted: z.string().optional(),
});
export type PeerCase = z.infer<typeof peerCase>;

const file = path.join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  'shared',
  'data',
  'cases',
  'peer-cases-dev.json',
);

/**
 * The cases, or null where the file is absent.
 *
 * @throws ZodError naming whatever a case says that this runner does not know
 */
export function readPeerCases(): readonly PeerCase[] | null {
  if (!existsSync(file)) return null;
  const document = z.looseObject({ cases: z.array(peerCase) });
  return document.parse(JSON.parse(readFileSync(file, 'utf8'))).cases;
}

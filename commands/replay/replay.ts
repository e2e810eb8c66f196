/** A trace through the real decisions in virtual time: a discrete-event simulation whose only clock is its agenda. */

import type { Policy } from '../../shared/admission/policy.ts';
import { putInForce } from '../../shared/admission/policy-in-force.ts';
import { schedule } from '../../shared/admission/scheduler.ts';
import { claimTasks, sweepRooms } from '../../shared/admission/store.ts';
import { sweepBudgets } from '../../shared/budget/costs.ts';
import type { Database } from '../../shared/platform/db.ts';
import { createAgenda } from './agenda.ts';
import type { Breaches } from './breaches.ts';
import { checkEnd, checkRows } from './checks.ts';
import { type Conditions, policyUnder } from './conditions.ts';
import {
  ask,
  checkpointAndLeave,
  complete,
  estimateOf,
  type Job,
  lease_seconds,
  newJob,
  reportCosts,
} from './job.ts';
import { type Announcement, listenTo, waitingForQuota } from './outbox.ts';
import { allowanceOf, rangeOf, setLimits, start_ms } from './setup.ts';
import { createTally, type Tally } from './tally.ts';
import type { TracedTask } from './trace.ts';
import { createWitness } from './witness.ts';

type Event =
  | { readonly kind: 'finish' | 'leave'; readonly job: Job; readonly stretch: number }
  | { readonly kind: 'arrive'; readonly job: Job }
  | { readonly kind: 'sweep' };

/** Of events at the same time, those that free room come first. */
const ranks: Readonly<Record<Event['kind'], number>> = { finish: 0, leave: 1, arrive: 2, sweep: 3 };

const sweep_interval_ms = 60_000;
const steps_per_check = 1000;
/** Sweeps in a row that bring nothing forward, after which what still waits counts as lost. */
const idleSweeps_max = 120;
const claims_max = 100;
const swept_max = 1000;

export type ReplayResult = {
  readonly tally: Tally;
  readonly breaches: Breaches;
  readonly spent_usd_nanos: bigint;
  /** Real time, and the part of it that the checks of rows took. */
  readonly wall_ms: number;
  readonly checking_ms: number;
};

/**
 * Drives the tasks to their ends and checks the invariants on the way.
 *
 * @param database migrated and empty; the caller keeps and closes it
 * @param tasks by arrival
 * @param onDone called once for each task that was refused or has ended
 */
export async function replay(
  database: Database,
  tasks: readonly TracedTask[],
  conditions: Conditions,
  onDone: () => void = () => {},
): Promise<ReplayResult> {
  const rules = policyUnder(conditions);
  const restore = putInForce(rules);
  try {
    return await drive(database, tasks, conditions, rules, onDone);
  } finally {
    restore();
  }
}

async function drive(
  database: Database,
  tasks: readonly TracedTask[],
  conditions: Conditions,
  rules: Policy,
  onDone: () => void,
): Promise<ReplayResult> {
  const began_ms = performance.now();
  const allowance = allowanceOf(conditions, rules);
  const tally = createTally(tasks.at(-1)?.arrival_ms ?? 0);
  const witness = createWitness(allowance);
  const { breaches } = witness;
  const hear = listenTo(database);
  const agenda = createAgenda<Event>();
  const jobs = new Map<string, Job>();
  let unfinished = 0;
  let planned = 0;
  let sweepPlanned = false;
  let idleSweeps = 0;
  let reported_usd_nanos = 0n;
  let checking_ms = 0;

  const plan = (at_ms: number, event: Event): void => {
    if (event.kind !== 'sweep') planned += 1;
    agenda.add(at_ms, ranks[event.kind], event);
  };

  function start(job: Job, epoch: number, at_ms: number): void {
    if (job.stretch === 0) tally.started(job.task, at_ms);
    job.state = 'running';
    job.epoch = epoch;
    job.stretch += 1;
    job.startedAt_ms = at_ms;
    plan(at_ms + job.remaining_ms, { kind: 'finish', job, stretch: job.stretch });
  }

  /** Stops the clock of a job and reports what it has cost so far. */
  async function stop(job: Job, at_ms: number, now: Date): Promise<void> {
    job.remaining_ms -= at_ms - job.startedAt_ms;
    tally.worked(job.task, job.startedAt_ms, at_ms);
    reported_usd_nanos += await reportCosts(database, job, now);
  }

  /** Grants are claimed at once; who is told to leave plans to. */
  async function listen(at_ms: number, now: Date): Promise<void> {
    let granted = 0;
    const announcements = await hear();
    await hearOfDisplaced(announcements);
    for (const announcement of announcements) {
      if (announcement.kind === 'granted') {
        witness.granted(announcement.taskId, announcement.epoch, at_ms);
        tally.counts.grants += 1;
        granted += 1;
      } else {
        witness.toldToLeave(announcement.taskId, announcement.newcomerId, at_ms);
        tally.preempted(at_ms);
        const job = known(jobs, announcement.taskId);
        plan(at_ms + Math.round(conditions.checkpoint_seconds * 1000), {
          kind: 'leave',
          job,
          stretch: job.stretch,
        });
      }
    }
    if (granted > 0) idleSweeps = 0;
    for (let left = granted; left > 0; left -= claims_max) {
      const input = { tenantId: null, classes: null, max: claims_max, leaseSeconds: lease_seconds };
      for (const claimed of await claimTasks(database, input, now)) {
        if (claimed.kind !== 'claimed') continue;
        const job = known(jobs, claimed.task.task_id);
        const { epoch, burst_cpu, burst_memory_gb } = claimed.task;
        witness.claimed(job.task.taskId, epoch, burst_cpu > 0 || burst_memory_gb > 0, at_ms);
        if (job.stretch > 0) tally.counts.resumes += 1;
        start(job, claimed.task.epoch, at_ms);
      }
    }
  }

  /** One that is granted quota may have it from those of its tenant that stand behind it, which nobody announces. */
  async function hearOfDisplaced(announcements: readonly Announcement[]): Promise<void> {
    const tenantIds = announcements.flatMap(({ kind, taskId }) =>
      kind === 'granted' && !witness.holdsQuota(taskId) ? [known(jobs, taskId).task.tenantId] : [],
    );
    if (tenantIds.length === 0) return;
    for (const taskId of await waitingForQuota(database, [...new Set(tenantIds)])) witness.displaced(taskId);
  }

  async function scheduleAndListen(at_ms: number, now: Date): Promise<void> {
    const { granted, preempting } = await schedule(database, now);
    if (granted.length + preempting.length > 0) await listen(at_ms, now);
  }

  async function arrive(job: Job, at_ms: number, now: Date): Promise<void> {
    const { task } = job;
    tally.asked(task);
    const { outcome } = await ask(database, job, conditions, now);
    if (outcome.decision === 'refused') {
      tally.refused(outcome.reasons[0]?.code ?? 'unknown');
      onDone();
      return;
    }
    jobs.set(task.taskId, job);
    unfinished += 1;
    if (!sweepPlanned) plan(at_ms + sweep_interval_ms, { kind: 'sweep' });
    sweepPlanned = true;
    if (outcome.decision === 'admitted') {
      tally.counts.admitted += 1;
      witness.admitted(task, outcome.epoch, outcome.burstCpu > 0 || outcome.burstMemoryGb > 0, at_ms);
      start(job, outcome.epoch, at_ms);
      return;
    }
    tally.queued(task, rangeOf(estimateOf(outcome, now)));
    witness.queued(task, outcome.queue?.waitingFor ?? 'pool', at_ms);
    await listen(at_ms, now);
  }

  async function finish(job: Job, at_ms: number, now: Date): Promise<void> {
    await stop(job, at_ms, now);
    if (await complete(database, job, now)) {
      job.state = 'ended';
      unfinished -= 1;
      witness.ended(job.task.taskId, at_ms);
      tally.ended(at_ms);
      onDone();
    } else {
      // Somebody else has its lease.
      job.state = 'waiting';
      breaches.task_twice += 1;
    }
    await scheduleAndListen(at_ms, now);
  }

  async function leave(job: Job, at_ms: number, now: Date): Promise<void> {
    await stop(job, at_ms, now);
    job.state = 'waiting';
    const waitingFor = await checkpointAndLeave(database, job, now);
    if (waitingFor === null) breaches.task_twice += 1;
    else witness.left(job.task.taskId, waitingFor, at_ms);
    await scheduleAndListen(at_ms, now);
  }

  async function sweep(at_ms: number, now: Date): Promise<void> {
    await sweepRooms(database, swept_max, now);
    await sweepBudgets(database, 0, swept_max, rules, now);
    await scheduleAndListen(at_ms, now);
    idleSweeps = planned > 0 ? 0 : idleSweeps + 1;
    sweepPlanned = unfinished > 0 && idleSweeps < idleSweeps_max;
    if (sweepPlanned) plan(at_ms + sweep_interval_ms, { kind: 'sweep' });
  }

  async function take(event: Event, at_ms: number, now: Date): Promise<void> {
    if (event.kind === 'sweep') return sweep(at_ms, now);
    planned -= 1;
    if (event.kind === 'arrive') return arrive(event.job, at_ms, now);
    if (event.job.state !== 'running' || event.job.stretch !== event.stretch) return;
    return event.kind === 'finish' ? finish(event.job, at_ms, now) : leave(event.job, at_ms, now);
  }

  async function check(now: Date): Promise<void> {
    const from_ms = performance.now();
    await checkRows(
      database,
      { ...conditions, burstShare: allowance.burstShare, room: witness.room, reported_usd_nanos },
      now,
      breaches,
    );
    checking_ms += performance.now() - from_ms;
  }

  await setLimits(database, tasks, conditions);
  for (const task of tasks) plan(task.arrival_ms, { kind: 'arrive', job: newJob(task) });
  let steps = 0;
  let now = new Date(start_ms);
  for (let entry = agenda.next(); entry !== undefined; entry = agenda.next()) {
    now = new Date(start_ms + entry.at_ms);
    await take(entry.event, entry.at_ms, now);
    witness.settle(entry.at_ms);
    tally.measure(witness, unfinished, entry.at_ms);
    steps += 1;
    if (steps % steps_per_check === 0) await check(now);
  }
  witness.finish();
  await check(now);
  await checkEnd(database, breaches);
  return {
    tally,
    breaches,
    spent_usd_nanos: reported_usd_nanos,
    wall_ms: performance.now() - began_ms,
    checking_ms,
  };
}

function known(jobs: ReadonlyMap<string, Job>, taskId: string): Job {
  const job = jobs.get(taskId);
  if (job === undefined) throw new Error(`The stage speaks of task ${taskId}, which was never accepted.`);
  return job;
}

/** `when`: plays what happens, and notes what was answered, what started and in which order. */

import type { RunResult } from '../../shared/admission/contract.ts';
import type { Answer } from '../setup/api.ts';
import type { CaseCostEvent, PeerCase, ScriptStep, Then } from './peer-case.ts';
import { type Opening, removeBlockers } from './set-stage.ts';
import {
  announce,
  labelsOf,
  moveTo,
  type Role,
  roleOf,
  type Stage,
  secondOf,
  startGranted,
  statesOf,
  timeOf,
} from './stage.ts';

export type Heard = {
  /** The call in words, such as `submit a`. */
  readonly call: string;
  /** Of a submission, the task's id. */
  readonly submitted?: string;
  readonly answer: Answer;
};

export type Seen = {
  readonly heard: readonly Heard[];
  /** Ids in the order in which they started, from the beginning of the act. */
  readonly started: readonly string[];
  /** Tasks told to leave by what happened. */
  readonly preempted: readonly string[];
  /** Right after what happened, before anybody told to leave has left. */
  readonly states: ReadonlyMap<string, string>;
  /** Concurrent runs of the first tenant after each step of the script. */
  readonly runsAfterEach: readonly number[];
  /** Runs of a script as they were read after the step that announced them; null for one that was refused. */
  readonly firstRead: ReadonlyMap<string, RunResult | null>;
};

export async function act(stage: Stage, { when, then }: PeerCase, opening: Opening): Promise<Seen> {
  const heard: Heard[] = [];
  const runsAfterEach: number[] = [];
  const startedBefore = stage.started.length;
  const firstRead = new Map<string, RunResult | null>();
  const agenda = agendaOf(stage);
  moveTo(stage, when.now_s ?? (when.tick || when.drain_one_at_a_time ? secondOf(stage) + 1 : 0));
  await removeBlockers(stage, opening.blockers);
  await agenda.settle();

  for (const newcomer of when.submit ?? []) {
    moveTo(stage, newcomer.created_s ?? secondOf(stage));
    const answer = await announce(stage, newcomer, { onQuota: onQuotaOf(then, newcomer.id) });
    heard.push({ call: `submit ${newcomer.id}`, submitted: newcomer.id, answer });
    await agenda.settle();
  }
  for (const step of when.script ?? []) {
    await agenda.playUntil(step.cost_event?.arrives_s ?? step.at_s ?? secondOf(stage) + 1);
    heard.push(...(await playStep(stage, when.script ?? [], step, then)));
    await agenda.settle();
    runsAfterEach.push(await runsOfFirstTenant(stage));
    for (const { id } of stage.cast.values()) {
      if (!firstRead.has(id)) firstRead.set(id, await readRun(stage, id));
    }
  }
  if (when.cost_event !== undefined) heard.push(await report(stage, when.cost_event, 0));
  if (when.tick) await stage.calls.sweep();
  if (when.drain_one_at_a_time) await drain(stage);
  else await agenda.playOut();

  const states = await statesOf(stage);
  return {
    heard,
    started: stage.started.slice(startedBefore),
    preempted: [...states].flatMap(([id, state]) =>
      state === 'preempting' && !opening.leaving.includes(id) ? [id] : [],
    ),
    states,
    runsAfterEach,
    firstRead,
  };
}

/** Ends of tasks that work for a given time, in their order. */
function agendaOf(stage: Stage) {
  const ends: { readonly second: number; readonly role: Role }[] = [];
  const settle = async (): Promise<void> => {
    for (const role of await startGranted(stage)) {
      if (role.duration_seconds === null) continue;
      ends.push({ second: secondOf(stage) + role.duration_seconds, role });
    }
    ends.sort((a, b) => a.second - b.second);
  };
  const playUntil = async (second: number): Promise<void> => {
    for (let next = ends[0]; next !== undefined && next.second <= second; next = ends[0]) {
      ends.shift();
      moveTo(stage, next.second);
      await stage.calls.complete(next.role);
      await settle();
    }
    if (Number.isFinite(second)) moveTo(stage, second);
  };
  return { settle, playUntil, playOut: () => playUntil(Number.POSITIVE_INFINITY).then(settle) };
}

/** Where the case says only that it does not start, it is asked for as by callers who say nothing of waiting. */
function onQuotaOf({ http_status, not_admitted }: Then, id: string): 'wait' | 'refuse' {
  return http_status?.[id] !== undefined || not_admitted?.includes(id) === true ? 'refuse' : 'wait';
}

async function playStep(
  stage: Stage,
  script: readonly ScriptStep[],
  step: ScriptStep,
  then: Then,
): Promise<Heard[]> {
  const { submit, heartbeat, finish, cancel_before_start, cost_event } = step;
  const heard: Heard[] = [];
  if (submit !== undefined) {
    const isRepeat = stage.cast.has(submit.id);
    const answer = await announce(
      stage,
      { ...submit, ...overridableOf(script) },
      {
        onQuota: onQuotaOf(then, submit.id),
        isClaimed: !isCancelledBeforeStart(script, submit.id),
        ...(step.idempotency_key === undefined ? {} : { idempotencyKey: step.idempotency_key }),
      },
    );
    heard.push({ call: `submit ${submit.id}`, submitted: submit.id, answer });
    // A repeat says nothing new (A7): what is new about the run is told beside it.
    if (isRepeat && submit.model !== undefined) {
      const labelled = await stage.calls.label(roleOf(stage, submit.id), labelsOf(submit));
      heard.push({ call: `label ${submit.id}`, answer: labelled });
    }
  }
  const note = async (verb: string, id: string, answer: Promise<Answer>) =>
    heard.push({ call: `${verb} ${id}`, answer: await answer });
  if (heartbeat !== undefined)
    await note('heartbeat', heartbeat, stage.calls.heartbeat(roleOf(stage, heartbeat)));
  if (finish !== undefined) await note('finish', finish, stage.calls.complete(roleOf(stage, finish)));
  if (cancel_before_start !== undefined) {
    await note('cancel', cancel_before_start, stage.calls.cancel(roleOf(stage, cancel_before_start)));
  }
  if (cost_event !== undefined) heard.push(await report(stage, cost_event, script.indexOf(step)));
  return heard;
}

/** A newcomer that does not preempt is the same as nobody there being overridable. */
function overridableOf(script: readonly ScriptStep[]): { overridable?: boolean } {
  return script.some(({ submit }) => submit?.preempts === false) ? { overridable: false } : {};
}

function isCancelledBeforeStart(script: readonly ScriptStep[], id: string): boolean {
  return script.some(({ cancel_before_start }) => cancel_before_start === id);
}

async function report(stage: Stage, { run, usd, occurred_s }: CaseCostEvent, index: number): Promise<Heard> {
  const answer = await stage.calls.report(roleOf(stage, run), {
    eventId: `cost-${index}`,
    costUSD: usd,
    ...(usd < 0 ? { kind: 'correction' } : {}),
    ...(occurred_s === undefined ? {} : { occurredAt: timeOf(occurred_s).toISOString() }),
  });
  return { call: `cost ${run} ${usd}`, answer };
}

async function readRun(stage: Stage, id: string): Promise<RunResult | null> {
  const role = roleOf(stage, id);
  return (await stage.calls.stateOf(role)) === 'refused' ? null : stage.calls.runOf(role);
}

async function runsOfFirstTenant(stage: Stage): Promise<number> {
  const [tenantId = ''] = Object.keys(stage.given.quotas);
  return (await stage.calls.usageOf(tenantId)).concurrentRuns.used;
}

/** Whatever runs ends, until nothing more starts. */
async function drain(stage: Stage): Promise<void> {
  do {
    for (const id of stage.running) await stage.calls.complete(roleOf(stage, id));
  } while ((await startGranted(stage)).length > 0);
}

/** What came of letting all leave who were told to. */
export type Left = {
  readonly leavers: number;
  /** By what started meanwhile, how many had left by then. */
  readonly startedAfter: ReadonlyMap<string, number>;
  readonly states: ReadonlyMap<string, string>;
};

/** Those told to leave store their checkpoints, one after another; runners take what is granted meanwhile. */
export async function letLeave(stage: Stage, { states }: Seen): Promise<Left> {
  const leaving = [...states].flatMap(([id, state]) => (state === 'preempting' ? [id] : []));
  const startedAfter = new Map<string, number>();
  const note = async (left: number): Promise<void> => {
    for (const { id } of await startGranted(stage)) startedAfter.set(id, left);
  };
  await note(0);
  for (const [index, id] of leaving.entries()) {
    await stage.calls.checkpoint(roleOf(stage, id));
    await note(index + 1);
  }
  return { leavers: leaving.length, startedAfter, states: await statesOf(stage) };
}

/** The sweep does what fired thresholds ask for, in place of the bus (E2), and runners obey. */
export async function letBudgetsAct(stage: Stage): Promise<ReadonlyMap<string, string>> {
  stage.api.advance(61);
  await stage.calls.sweep();
  for (const [id, state] of await statesOf(stage)) {
    if (state === 'preempting') await stage.calls.checkpoint(roleOf(stage, id));
  }
  return statesOf(stage);
}

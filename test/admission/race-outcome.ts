/** What two calls leave behind: as the rules expect it, and as the store has it, in the same words. */

import type { Database } from '../../shared/platform/db.ts';
import type { RaceCall } from './race-calls.ts';
import { type TaskIs, type World, watchedEvents } from './race-world.ts';

export type Outcome = {
  /** In the order of the calls. */
  readonly heard: readonly string[];
  readonly tasks: Readonly<Record<string, string>>;
  readonly runs: Readonly<Record<string, string>>;
  /** Detail-types, sorted. */
  readonly happened: string[];
};

/**
 * Every outcome that the rules allow for two calls at once: first those of the one before the other, then those where one
 * comes between the transactions of the other.
 */
export function allowedOutcomes(world: World, calls: readonly [RaceCall, RaceCall]): Outcome[] {
  const found = new Map<string, Outcome>();
  for (const turns of turnsOfTwo) {
    const outcome = play(world, calls, turns);
    found.set(JSON.stringify(outcome), outcome);
  }
  return [...found.values()];
}

/** Whose turn it is, for calls of at most three steps: all of the first, all of the second, then every mixture. */
const turnsOfTwo: readonly (readonly (0 | 1)[])[] = [
  [0, 0, 0, 1, 1, 1],
  [1, 1, 1, 0, 0, 0],
  ...Array.from({ length: 2 ** 5 }, (_, bits) =>
    Array.from({ length: 5 }, (__, place): 0 | 1 => ((bits >> place) & 1) as 0 | 1),
  ),
];

/** The outcome of calls whose steps come in this order; whoever has steps left when the turns are over takes them. */
export function play(world: World, calls: readonly RaceCall[], turns: readonly (0 | 1)[] = []): Outcome {
  const rest = calls.flatMap((_, index) => Array.from({ length: 4 }, () => index as 0 | 1));
  return played(world, calls, [...turns, ...rest]);
}

/** The same with these turns and no more. */
function played(world: World, calls: readonly RaceCall[], turns: readonly (0 | 1)[]): Outcome {
  const left = structuredClone(world);
  const heard: string[] = [];
  const steps = calls.map((call, index) => stepsOf(call, left, (said) => (heard[index] = said)));
  for (const index of turns) steps[index]?.next();
  return {
    heard,
    tasks: mapped(left.tasks, taskInWords),
    runs: mapped(left.runs, ({ limit_cents, spent_cents, demoted, paused }) =>
      words([`${spent_cents} of ${limit_cents} cents`, demoted && 'demoted', paused && 'paused']),
    ),
    happened: left.happened.toSorted(),
  };
}

/** What is left when the call dies: before its first transaction, and after each. Nothing is heard. */
export function brokenOff(world: World, call: RaceCall): Outcome[] {
  return turnsTaken.map((turns) => ({ ...played(world, [call], turns), heard: [] }));
}

/** What is heard and left when a call that died there is made again. */
export function madeAgain(world: World, call: RaceCall): Outcome[] {
  return turnsTaken.map((turns) => {
    const outcome = played(world, [call, call], [...turns, 1, 1, 1, 1]);
    return { ...outcome, heard: outcome.heard.slice(1) };
  });
}

/** The first of two calls takes no step, one, two, three. */
const turnsTaken: readonly (readonly 0[])[] = [[], [0], [0, 0], [0, 0, 0]];

function* stepsOf(call: RaceCall, world: World, hear: (said: string) => void): Generator<void> {
  const said = call.rule(world);
  hear(typeof said === 'string' ? said : yield* said);
}

function taskInWords({
  state,
  due,
  waitingFor,
  promised,
  action,
  epoch,
  queueClass,
  sequence,
}: TaskIs): string {
  return words([
    state,
    due && 'due',
    waitingFor !== null && `for ${waitingFor}`,
    promised && 'promised',
    action !== null && `to ${action}`,
    `epoch ${epoch}`,
    `P${queueClass}`,
    `checkpoint ${sequence}`,
  ]);
}

const words = (list: readonly (string | false)[]): string => list.filter((word) => word !== false).join(' ');

function mapped<T>(
  record: Readonly<Record<string, T>>,
  inWords: (value: T) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([id, value]) => [id, inWords(value)]));
}

/** As the store has it, without the events that had happened `before`. */
export async function observe(
  admin: Database,
  now: Date,
  heard: readonly string[],
  before: readonly string[] = [],
): Promise<Outcome> {
  const [row] = await admin.query<Pick<Outcome, 'tasks' | 'runs'> & { happened: string[] }>(
    `select
       (select coalesce(json_object_agg(task_id, concat_ws(' ',
          state, case when room_until <= $1 then 'due' end, 'for ' || waiting_for,
          case when promised and coalesce(promised_until > $1, true) then 'promised' end, 'to ' || preempt_action,
          'epoch ' || epoch, 'P' || queue_class, 'checkpoint ' || checkpoint_sequence)), '{}') from tasks) as tasks,
       (select coalesce(json_object_agg(run_id, concat_ws(' ',
          trim_scale(spent_usd_nanos / 1e7) || ' of ' || trim_scale(limit_usd_nanos / 1e7) || ' cents',
          case when demoted then 'demoted' end, case when budget_paused then 'paused' end)), '{}') from runs) as runs,
       (select coalesce(json_agg(detail_type order by detail_type), '[]') from events
        where kind = 'event' and detail_type = any ($2)) as happened`,
    [now, watchedEvents],
  );
  if (row === undefined) throw new Error('no row from an aggregate');
  return { heard, tasks: row.tasks, runs: row.runs, happened: without(row.happened, before) };
}

function without(all: readonly string[], some: readonly string[]): string[] {
  const left = [...all];
  for (const each of some) left.splice(left.indexOf(each), 1);
  return left;
}

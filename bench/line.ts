/** The decisions in a long line: grants, victims, admissions, listings, and the calls of runners, one caller at a time. */

import { type AdmitResult, admit } from '../shared/admission/admit.ts';
import { listQueue } from '../shared/admission/queue-reads.ts';
import { schedule, type TaskRef } from '../shared/admission/scheduler.ts';
import { claimTask, completeTask, heartbeatTask } from '../shared/admission/store.ts';
import type { Database } from '../shared/platform/db.ts';
import { encodeCursor } from '../shared/platform/page.ts';
import { makeLine } from './line-rows.ts';
import type { LineShape } from './line-shapes.ts';
import { type Measured, measureRounds, type RoundsOptions, type Stopwatch } from './rounds.ts';
import type { BenchServer } from './server.ts';
import { timeYardsticks } from './yardsticks.ts';

export type LineGroup = Measured & { readonly title: string };
export type LineResult = { readonly shape: LineShape; readonly groups: readonly LineGroup[] };

type RunningTask = TaskRef & { readonly cpu: number };
type Scene = {
  readonly database: Database;
  readonly shape: LineShape;
  /** Running tasks that may be ended to make room, the largest of them, in no order; each is used once. */
  readonly running: RunningTask[];
};

/** Makes the line of `shape` and measures each group of calls in it. `log` hears what is done. */
export function measureLine(
  server: BenchServer,
  shape: LineShape,
  options: RoundsOptions,
  log: (line: string) => void,
): Promise<LineResult> {
  return server.withDatabase(async ({ admin, open }) => {
    log(`${shape.name}: making ${shape.waiting} waiting and ${shape.running} running tasks`);
    await makeLine(admin, shape, new Date());
    const database = open(1);
    const running = await database.query<RunningTask>(
      `select tenant_id as "tenantId", task_id as "taskId", cpu::double precision as cpu from tasks
       where state = 'running' and cpu = $1 order by md5(task_id)`,
      [shape.cpu_max],
    );
    const scene = { database, shape, running };
    const groups: LineGroup[] = [];
    for (const [title, round] of shape.preempts ? preemptingGroups : steadyGroups) {
      log(`${shape.name}: ${title}`);
      const measured = await measureRounds(options, async (watch, index) => {
        await timeYardsticks(database, watch, index);
        await round(scene, watch, index);
      });
      groups.push({ title, ...measured });
    }
    return { shape, groups };
  });
}

type Round = (scene: Scene, watch: Stopwatch, index: number) => Promise<void>;
const steadyGroups: readonly (readonly [string, Round])[] = [
  ['a task ends, the next is granted and claimed', grantRound],
  ['requests', admissionRound],
  ['queue listing, pages of 50', listingRound],
];
const preemptingGroups: readonly (readonly [string, Round])[] = [
  ['victim choice for a P1 of 8 vCPU', victimRound],
];

/** One leaves, and whoever is next in line comes in. */
async function grantRound(scene: Scene, watch: Stopwatch): Promise<void> {
  const { database } = scene;
  const leaving = nextRunning(scene);
  await watch.time('complete', () => end(database, leaving, 1));
  const { granted } = await watch.time('grant (a scheduler pass)', () => schedule(database, new Date()));
  const [first, ...others] = granted;
  if (first === undefined) throw new Error(`nothing was granted when ${leaving.taskId} ended`);
  const epoch = await watch.time('claim', () => claim(database, first));
  await watch.time('heartbeat', async () => {
    const { kind } = await heartbeatTask(database, first.tenantId, first.taskId, epoch, new Date());
    expect('heartbeat', kind, 'renewed');
  });
  for (const other of others) await claim(database, other);
}

/** Requests that have to wait, are refused, and come in at once. */
async function admissionRound(scene: Scene, watch: Stopwatch, index: number): Promise<void> {
  const { database, shape } = scene;
  // Another tenant each time: several refusals of one would throttle it.
  const tenantId = `t${String(1 + (index % shape.tenants)).padStart(4, '0')}`;

  const queued = newRequest({ tenantId, runId: `queued-${index}`, phase: 'research', cpu: 1 });
  const answered = spyOnFirstAnswer(database);
  const started_ms = performance.now();
  await watch.time('admission, queued (whole call)', async () =>
    expectDecision(await admit(answered.database, queued, new Date()), 'queued'),
  );
  const ended_ms = performance.now();
  watch.note('  of it the decision', answered.at_ms() - started_ms);
  watch.note('  of it the scheduler pass after it', ended_ms - answered.at_ms());

  const dear = newRequest({
    tenantId,
    runId: `refused-${index}`,
    phase: 'research',
    cpu: 1,
    maxCostUSD: 1e6,
  });
  await watch.time('admission, refused', async () =>
    expectDecision(await admit(database, dear, new Date()), 'refused'),
  );

  // Before the line hears of the room that one leaves, a P0 takes it, as it may.
  const leaving = nextRunning(scene);
  await end(database, leaving, 1);
  const { tenantId: owner, cpu } = leaving;
  const urgent = newRequest({ tenantId: owner, runId: `admitted-${index}`, phase: 'deploy', cpu });
  await watch.time('admission, admitted', async () =>
    expectDecision(await admit(database, urgent, new Date()), 'admitted'),
  );
}

async function listingRound({ database, shape }: Scene, watch: Stopwatch): Promise<void> {
  const middle = encodeCursor(shape.waiting / 2);
  for (const [whose, tenantId] of [
    ['all tenants', null],
    ['one tenant', 't0001'],
  ] as const) {
    await watch.time(`first page, ${whose}`, () => listQueue(database, tenantId, { limit: 50 }, new Date()));
    await watch.time(`page from the middle, ${whose}`, () =>
      listQueue(database, tenantId, { limit: 50, cursor: middle }, new Date()),
    );
  }
}

/** A P1 arrives while all room is taken; then its victims leave and it starts, so that the next finds the same scene. */
async function victimRound({ database, shape }: Scene, watch: Stopwatch, index: number): Promise<void> {
  const tenantId = `t${String(1 + (index % shape.tenants)).padStart(4, '0')}`;
  const arrival = newRequest({ tenantId, runId: `p1-${index}`, phase: 'build', cpu: 8 });
  const answered = spyOnFirstAnswer(database);
  await watch.time('admission, preempting (whole call)', async () =>
    expectDecision(await admit(answered.database, arrival, new Date()), 'queued'),
  );
  const ended_ms = performance.now();
  watch.note('  of it the victim choice', answered.appliedAt_ms() - answered.at_ms());
  watch.note('  of it the whole pass, carried out and looked at again', ended_ms - answered.at_ms());
  const victims = await database.query<TaskRef & { epoch: bigint }>(
    `select tenant_id as "tenantId", task_id as "taskId", epoch from tasks where state = 'preempting'`,
  );
  if (victims.length === 0) throw new Error(`nobody was preempted for p1-${index}`);
  for (const victim of victims) await end(database, victim, Number(victim.epoch));
  const { granted } = await schedule(database, new Date());
  for (const task of granted) await claim(database, task);
}

function nextRunning({ running, shape }: Scene): RunningTask {
  const task = running.pop();
  if (task === undefined) throw new Error(`${shape.name} has too few running tasks; ask for fewer samples`);
  return task;
}

type Asked = {
  readonly tenantId: string;
  readonly runId: string;
  readonly phase: string;
  readonly cpu: number;
  readonly maxCostUSD?: number;
};

function newRequest({ tenantId, runId, phase, cpu, maxCostUSD = 1 }: Asked) {
  const request = {
    runId,
    phase,
    resources: { cpu, memoryGb: 4 * cpu },
    budget: { maxCostUSD },
    start: 'now' as const,
    onQuota: 'wait' as const,
    leaseSeconds: 86_400,
    labels: {},
    dryRun: false,
  };
  return { tenantId, request, asSent: request, idempotencyKey: null, actor: 'bench' };
}

/** The database, and when its first statement was answered: there `admit` has decided, and the scheduler's pass begins. */
function spyOnFirstAnswer(database: Database): {
  database: Database;
  at_ms: () => number;
  /** When the first plan was ready to be carried out: then the choice has been made. */
  appliedAt_ms: () => number;
} {
  let at_ms: number | undefined;
  let appliedAt_ms: number | undefined;
  return {
    database: {
      ...database,
      async query<R>(text: string, values?: readonly unknown[]) {
        if (text.includes('apply_plan')) appliedAt_ms ??= performance.now();
        const rows = await database.query<R>(text, values);
        at_ms ??= performance.now();
        return rows;
      },
    },
    at_ms() {
      if (at_ms === undefined) throw new Error('no statement was answered');
      return at_ms;
    },
    appliedAt_ms() {
      if (appliedAt_ms === undefined) throw new Error('no plan was carried out');
      return appliedAt_ms;
    },
  };
}

/** The epoch of the claim. */
async function claim(database: Database, { tenantId, taskId }: TaskRef): Promise<number> {
  const answer = await claimTask(database, tenantId, taskId, 86_400, new Date());
  if (answer.kind !== 'claimed') throw new Error(`the claim of ${taskId} answered ${answer.kind}`);
  return answer.task.epoch;
}

async function end(database: Database, { tenantId, taskId }: TaskRef, epoch: number): Promise<void> {
  const how = { epoch, outcome: 'completed', error: null } as const;
  const { kind } = await completeTask(database, tenantId, taskId, how, new Date());
  expect(`the end of ${taskId}`, kind, 'ended');
}

function expectDecision(result: AdmitResult, decision: 'admitted' | 'queued' | 'refused'): void {
  const found = result.kind === 'answer' ? result.outcome.decision : result.kind;
  expect('the request', found, decision);
}

/** A figure must not be taken from a call that did something else. */
function expect(what: string, found: string, expected: string): void {
  if (found !== expected) throw new Error(`${what} answered ${found} instead of ${expected}`);
}

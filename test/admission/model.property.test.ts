/** Random commands to the real thing and to a small model that knows only the rules: both say and do the same, every time. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { testApi, testStart } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import * as model from './model.ts';
import { inOrder } from './model-line.ts';
import { freeRoom, quotaHeld, type State } from './model-state.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

const tenants = ['a', 'b', 'c'] as const;
const which = fc.nat({ max: 40 });
const ask = fc.record({
  class: fc.constantFrom(0, 1, 1, 2, 2, 3, 3),
  cpu: fc.integer({ min: 1, max: 6 }),
  memoryGb: fc.integer({ min: 1, max: 4 }),
  onQuota: fc.constantFrom('refuse' as const, 'wait' as const, 'wait' as const),
  start: fc.constantFrom('now' as const, 'now' as const, 'queue' as const),
  leaseSeconds: fc.constantFrom(60, 3600, 3600, 36_000),
});
const quotas = fc.record({
  cpu: fc.integer({ min: 0, max: 10 }),
  burst: fc.integer({ min: 0, max: 4 }),
  memoryGb: fc.integer({ min: 4, max: 12 }),
  runs: fc.integer({ min: 1, max: 6 }),
});
const weight = fc.constantFrom(1, 1, 2);
const capacity = fc.tuple(
  fc.integer({ min: 6, max: 14 }),
  fc.integer({ min: 6, max: 16 }),
  fc.integer({ min: 3, max: 8 }),
);
const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('admit' as const), tenant: fc.constantFrom(...tenants), ask }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('claim' as const, 'checkpoint' as const, 'complete' as const),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('heartbeat' as const, 'cancel' as const), which }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 10, 29, 30, 60, 61, 600, 1300),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('quotas' as const),
      tenant: fc.constantFrom(...tenants),
      quotas,
      weight,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pool' as const), capacity }) },
);
type Capacity = typeof capacity extends fc.Arbitrary<infer T> ? T : never;
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

type Seen = {
  readonly tasks: readonly string[];
  readonly line: readonly string[];
  readonly usage: readonly string[];
  readonly room: readonly number[];
};

async function seenInReality(): Promise<Seen> {
  const rows = await db.admin.query<Record<string, unknown>>(
    `select tenant_id, task_id, state, coalesce(waiting_for, '-') as waiting_for, epoch, quota_held, burst_cpu::float8 as burst_cpu,
       burst_memory_gb::float8 as burst_memory_gb, case when state = 'preempting' then preempted_by end as by,
       promised and coalesce(promised_until > $1, true) as promised
     from tasks order by task_id`,
    [api.now()],
  );
  const queue = await api.call('operator', 'GET', '/v1/queue?limit=100');
  const used = await Promise.all(tenants.map((tenant) => scene.usage(tenant)));
  const pool = await api.call('operator', 'GET', '/v1/pool');
  const { used: inUse, promised } = pool.body;
  return {
    tasks: rows.map((row) =>
      taskLine(
        row.task_id,
        row.state,
        row.waiting_for,
        row.epoch,
        row.quota_held,
        [row.burst_cpu, row.burst_memory_gb],
        row.by,
        row.promised,
      ),
    ),
    line: queue.body.items.map(
      (item: { position: number; taskId: string }) => `${item.position} ${item.taskId}`,
    ),
    usage: used.map(({ cpu, memory, concurrentRuns }, index) =>
      [tenants[index], cpu.held, memory.held, concurrentRuns.used].join(' '),
    ),
    room: [
      pool.body.cpu - inUse.cpu - promised.cpu,
      pool.body.memoryGb - inUse.memoryGb - promised.memoryGb,
      pool.body.tasks - inUse.tasks - promised.tasks,
    ],
  };
}

function taskLine(
  id: unknown,
  state: unknown,
  waitingFor: unknown,
  epoch: unknown,
  held: unknown,
  burst: readonly unknown[],
  by: unknown,
  promised: unknown,
): string {
  const ended = ['completed', 'failed', 'cancelled'].includes(String(state));
  return [
    id,
    state,
    `for ${waitingFor}`,
    `epoch ${epoch}`,
    held ? 'holds' : 'holds none',
    ended ? '' : `burst ${burst.join('+')}`,
    by ? `for ${by}` : '',
    promised ? 'promised' : '',
  ]
    .join(' ')
    .trim();
}

function seenInModel(state: State): Seen {
  const tasks = state.tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return {
    tasks: tasks.map((task) =>
      taskLine(
        task.id,
        task.state,
        task.waitingFor ?? '-',
        task.epoch,
        task.holdsQuota,
        task.burst.slice(0, 2),
        task.state === 'preempting' ? task.preemptor?.id : null,
        task.promised && (task.promisedUntil === null || task.promisedUntil > state.now),
      ),
    ),
    line: inOrder(
      state,
      state.tasks.filter((task) => task.state === 'queued'),
    ).map((task, index) => `${index + 1} ${task.id}`),
    usage: tenants.map((id) => {
      const tenant = state.tenants.get(id);
      if (tenant === undefined) throw new Error(`no tenant ${id}`);
      return [id, ...quotaHeld(state, tenant)].join(' ');
    }),
    room: [...freeRoom(state, null)],
  };
}

/** Carries a command out on both; returns what each answered. */
async function carryOut(given: Command, index: number, state: State): Promise<[unknown, unknown]> {
  switch (given.kind) {
    case 'wait':
      api.advance(given.seconds);
      state.now = api.now().getTime();
      return [null, null];
    case 'sweep':
      await scene.sweep();
      model.sweep(state);
      return [null, null];
    case 'pool':
      await scene.setPool(...given.capacity);
      model.setPool(state, given.capacity);
      return [null, null];
    case 'quotas':
      await setQuotas(given.tenant, given.quotas, given.weight);
      model.setQuotas(state, given.tenant, given.quotas, given.weight);
      return [null, null];
    case 'admit': {
      const { tenant, ask: asked } = given;
      const id = `t${String(index).padStart(3, '0')}`;
      const { class: of, ...body } = asked;
      const { status, body: answer } = await scene.askAs(`P${of}`, tenant, id, body);
      const reasons = (answer.reasons ?? []).map(
        (reason: { code: string; level: string; resource?: string }) =>
          `${reason.code} ${reason.level} ${reason.resource ?? ''}`,
      );
      const verdict = model.admit(state, tenant, id, asked);
      return [
        { status, leading: reasons[0]?.split(' ')[0], reasons: reasons.toSorted() },
        {
          status: verdict.status,
          leading: verdict.reasons[0]?.split(' ')[0],
          reasons: verdict.reasons.toSorted(),
        },
      ];
    }
    default:
      return onTask(given, index, state);
  }
}

async function onTask(
  given: Extract<Command, { which: number }>,
  index: number,
  state: State,
): Promise<[unknown, unknown]> {
  const live = state.tasks.filter((task) => task.state !== 'completed' && task.state !== 'cancelled');
  const task = live[given.which % Math.max(live.length, 1)];
  if (task === undefined) return [null, null];
  const [tenant, id, epoch] = [task.tenant.id, task.id, Math.max(task.epoch, 1)];
  switch (given.kind) {
    case 'claim':
      return [(await scene.claim(tenant, id)).status, model.claim(state, task)];
    case 'heartbeat':
      return [(await scene.heartbeat(tenant, id, epoch)).status, model.heartbeat(state, task)];
    case 'checkpoint':
      return [(await scene.checkpoint(tenant, id, epoch, index + 1)).status, model.checkpoint(state, task)];
    case 'complete':
      return [(await scene.complete(tenant, id, epoch)).status, model.complete(state, task)];
    case 'cancel':
      return [(await scene.cancel(tenant, id)).status, model.cancel(state, task)];
  }
}

function setQuotas(tenant: string, { cpu, burst, memoryGb, runs }: model.Quotas, weight: number) {
  return scene.setQuotas(tenant, {
    cpu: { limit: cpu, burst },
    memory: { limit: memoryGb, burst: Math.floor(memoryGb / 2) },
    concurrentRuns: { limit: runs },
    weight,
  });
}

type Sequence = [Capacity, [model.Quotas, model.Quotas, model.Quotas], Command[]];

/** Sequences on which the rules and the real thing once differed. */
const onceDiffered: Sequence[] = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'model-cases.json'), 'utf8'),
);

test('whatever is asked in whatever order, the answers and what follows are those of the rules', async () => {
  await fc.assert(
    fc.asyncProperty(
      capacity,
      fc.tuple(quotas, quotas, quotas),
      fc.array(command, { minLength: 10, maxLength: 40 }),
      async (pool, limits, commands) => {
        await startAgain(db.admin, api);
        const state = model.newState(testStart.getTime());
        await scene.setPool(...pool);
        model.setPool(state, pool);
        for (const [index, tenant] of tenants.entries()) {
          const given = limits[index] ?? limits[0];
          await setQuotas(tenant, given, 1);
          model.setQuotas(state, tenant, given, 1);
        }
        for (const [index, given] of commands.entries()) {
          const [answered, expected] = await carryOut(given, index, state);
          const after = `${index}: ${JSON.stringify(given)}`;
          expect({ after, answered }).toEqual({ after, answered: expected });
          expect({ after, ...(await seenInReality()) }).toEqual({ after, ...seenInModel(state) });
        }
      },
    ),
    { numRuns: 30, interruptAfterTimeLimit: 20_000, examples: onceDiffered },
  );
}, 120_000);

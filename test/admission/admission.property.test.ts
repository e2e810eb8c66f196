/** Random sequences of calls against the invariants and a small model of who may hold what. */

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { testApi } from '../setup/api.ts';
import { withDatabase } from '../setup/database.ts';
import { brokenInvariants } from '../setup/invariants.ts';
import { sceneOf, startAgain } from './scene.ts';

const db = withDatabase();
const api = testApi(() => db.app);
const scene = sceneOf(api);

const pool_cpu = 12;
const limits = { a: 6, b: 8 };
const runsLimit = 4;
type Tenant = keyof typeof limits;

const tenant = fc.constantFrom<Tenant>('a', 'b');
const which = fc.nat({ max: 30 });
const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('admit' as const),
      tenant,
      className: fc.constantFrom('P0', 'P1', 'P2', 'P3'),
      cpu: fc.integer({ min: 1, max: 6 }),
      start: fc.constantFrom('now', 'queue'),
      onQuota: fc.constantFrom('refuse', 'wait'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('claim' as const, 'heartbeat' as const, 'checkpoint' as const),
      which,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'complete' as const,
        'cancel' as const,
        'preempt' as const,
        'spend' as const,
        'phase' as const,
      ),
      which,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 10, 30, 61, 601),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('limits' as const),
      tenant,
      cpu: fc.integer({ min: 0, max: 8 }),
      pool: fc.integer({ min: 4, max: 12 }),
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

type Row = {
  readonly tenant: Tenant;
  readonly id: string;
  readonly run: string;
  readonly state: string;
  readonly epoch: number;
  readonly cpu: number;
  readonly held: boolean;
  readonly roomUntil: Date | null;
  readonly overridable: boolean;
  readonly class: number;
};

async function readRows(): Promise<Row[]> {
  return db.admin.query<Row>(
    `select tenant_id as tenant, task_id as id, run_id as run, state, epoch::integer as epoch, cpu::float8 as cpu, quota_held as held,
       room_until as "roomUntil", overridable, queue_class::integer as class
     from tasks order by accepted_at, tenant_id, task_id`,
  );
}

/** What a caller may rely on from before to after any one call, whatever it was. */
function expectLegal(before: readonly Row[], after: readonly Row[]): void {
  const final = new Set(['completed', 'failed', 'cancelled']);
  for (const was of before) {
    const is = after.find((row) => row.tenant === was.tenant && row.id === was.id);
    const step = `${was.id}: ${was.state}@${was.epoch} to ${is?.state}@${is?.epoch}`;
    if (is === undefined) throw new Error(`${step}: it vanished`);
    if (final.has(was.state)) expect([step, is.state, is.epoch]).toEqual([step, was.state, was.epoch]);
    expect([step, is.epoch === was.epoch || is.epoch === was.epoch + 1]).toEqual([step, true]);
    // A new lease begins with a grant; nobody starts to run who was not granted, or had the lease before.
    if (is.epoch > was.epoch) expect([step, is.state]).toEqual([step, 'granted']);
    if (is.state === 'preempting')
      expect([step, ['running', 'preempting'].includes(was.state) && is.overridable]).toEqual([step, true]);
    if (is.state === 'running' && was.state === 'queued') expect([step, is.epoch > 0]).toEqual([step, true]);
  }
}

/** The model: limits, violations and the throttle, worked out from the rules. */
class Model {
  cpuLimit: Record<Tenant, number> = { ...limits };
  pool = pool_cpu;
  lowered = false;
  violations: Record<Tenant, number[]> = { a: [], b: [] };
  throttledUntil: Record<Tenant, number> = { a: 0, b: 0 };

  /** Statuses that the rules allow for a new run of `cpu`. */
  allowed(rows: readonly Row[], of: Tenant, cpu: number, onQuota: string, now: number): number[] {
    if (now < this.throttledUntil[of]) return [429];
    const limit = this.cpuLimit[of];
    const held = rows.filter((row) => row.tenant === of && row.held);
    const sum = held.reduce((total, row) => total + row.cpu, 0) + cpu;
    const free =
      this.pool -
      rows.reduce(
        (total, row) => total + (row.roomUntil !== null && row.roomUntil.getTime() > now ? row.cpu : 0),
        0,
      );
    if (cpu > limit * 1.5 || cpu > this.pool) return [422];
    const refused = onQuota === 'wait' ? 202 : 429;
    if (new Set(held.map((row) => row.run)).size >= runsLimit) {
      // With cpu in the way as well, which cannot hold it later either, it does not wait.
      return [refused];
    }
    if (sum > limit * 1.5) return [refused];
    if (sum > limit) return free >= cpu ? [201, refused] : [refused];
    // What a task of its tenant that waits for quota preempts for is spoken for (P3).
    const spokenFor = rows.some((row) => row.tenant === of && row.state === 'queued' && !row.held);
    if (free < cpu) return spokenFor ? [202, refused] : [202];
    if (spokenFor) return [201, 202, refused];
    return rows.some((row) => row.state === 'queued') ? [201, 202] : [201];
  }

  violated(of: Tenant, now: number): void {
    const window = this.violations[of].filter((at) => at > now - 60_000 && at >= this.throttledUntil[of]);
    this.violations[of] = [...window, now];
    if (this.violations[of].length >= 5) this.throttledUntil[of] = now + 300_000;
  }
}

async function carryOut(given: Command, index: number, rows: readonly Row[], model: Model): Promise<void> {
  const now = api.now().getTime();
  if (given.kind === 'admit') {
    const { tenant: of, cpu, className, start, onQuota } = given;
    const allowed = model.allowed(rows, of, cpu, onQuota, now);
    const throttled = now < model.throttledUntil[of];
    const answer = await scene.askAs(className, of, `r${index}`, { cpu, start, onQuota });
    expect({
      given,
      allowed,
      answered: allowed.includes(answer.status) ? 'as allowed' : answer.status,
      body: answer.status > 202 ? answer.body.detail : '',
    }).toMatchObject({ answered: 'as allowed' });
    const overQuota = answer.body.reasons?.some(
      (reason: { level: string; resource?: string }) => reason.level === 'tenant' && reason.resource,
    );
    if (!throttled && overQuota) model.violated(of, now);
    return;
  }
  if (given.kind === 'wait') return api.advance(given.seconds);
  if (given.kind === 'sweep') {
    await scene.sweep();
    return;
  }
  if (given.kind === 'limits') {
    model.lowered = true;
    model.cpuLimit[given.tenant] = given.cpu;
    model.pool = given.pool;
    await scene.setQuotas(given.tenant, { cpu: { limit: given.cpu } });
    await scene.setPool(given.pool);
    return;
  }
  const task = rows[given.which % Math.max(rows.length, 1)];
  if (task === undefined) return;
  const { tenant: of, id, epoch } = task;
  const lives = task.roomUntil !== null && task.roomUntil.getTime() > now;
  switch (given.kind) {
    case 'claim': {
      const { status } = await scene.claim(of, id);
      expect([given, task, status]).toEqual([given, task, task.state === 'granted' && lives ? 200 : 409]);
      return;
    }
    case 'heartbeat': {
      const { status } = await scene.heartbeat(of, id, Math.max(epoch, 1));
      if (['running', 'preempting'].includes(task.state) && lives)
        expect([task, status]).toEqual([task, 200]);
      return;
    }
    case 'checkpoint': {
      const { status } = await scene.checkpoint(of, id, Math.max(epoch, 1), index + 1);
      if (['running', 'preempting'].includes(task.state) && lives)
        expect([task, status]).toEqual([task, 201]);
      return;
    }
    case 'complete': {
      const { status } = await scene.complete(of, id, Math.max(epoch, 1));
      if (['running', 'preempting'].includes(task.state)) expect([task, status]).toEqual([task, 200]);
      if (['granted', 'paused', 'failed', 'cancelled'].includes(task.state))
        expect([task, status]).toEqual([task, 409]);
      return;
    }
    case 'cancel': {
      const { status } = await scene.cancel(of, id);
      expect([task, status]).toEqual([task, ['completed', 'failed'].includes(task.state) ? 409 : 200]);
      return;
    }
    case 'preempt': {
      await api.call('operator', 'POST', `/v1/tasks/${id}/preempt?tenantId=${of}`, { reason: 'property' });
      return;
    }
    case 'spend': {
      expect((await scene.spend(of, task.run, `e${index}`, 0.1, { taskId: id })).status).toBe(200);
      return;
    }
    case 'phase': {
      const { status } = await scene.askPhase(of, task.run, {
        taskId: `t${index}`,
        phase: 'plan',
        resources: { cpu: 1, memoryGb: 1 },
      });
      expect([201, 202, 402, 422, 429]).toContain(status);
      if (status >= 400) {
        const [row] = await db.admin.query<{ count: number }>(
          `select count(*)::integer as count from quota_violations where task_id = $1`,
          [`t${index}`],
        );
        if (row?.count) model.violated(of, now);
      }
    }
  }
}

test('whatever is called in whatever order: the books are right, and every step is a legal one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 40 }), async (commands) => {
      await startAgain(db.admin, api);
      await scene.setPool(pool_cpu);
      for (const owner of ['a', 'b'] as const) {
        await scene.setQuotas(owner, { cpu: { limit: limits[owner] }, concurrentRuns: { limit: runsLimit } });
      }
      const model = new Model();
      let rows: Row[] = [];
      for (const [index, given] of commands.entries()) {
        await carryOut(given, index, rows, model);
        const after = await readRows();
        expectLegal(rows, after);
        rows = after;
        const broken = await brokenInvariants(db.admin, api.now(), { limitsLowered: model.lowered });
        expect({ after: given, broken }).toEqual({ after: given, broken: [] });
      }
    }),
    { numRuns: 25, interruptAfterTimeLimit: 35_000 },
  );
}, 90_000);

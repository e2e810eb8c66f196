import { afterEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withDatabase } from '../setup/database.ts';
import { deliver, messageOf } from './bus.ts';
import { expectNoDrift, worldOf } from './world.ts';

const database = withDatabase();
const world = worldOf(database);

afterEach(() => expectNoDrift(database));

let tenants = 0;
const newTenant = (name: string) => {
  tenants += 1;
  return `${name}-${tenants}`;
};

const runIds = ['red', 'green', 'blue'] as const;
const day_ms = 86_400_000;

/** Events of three runs, amounts in nano-dollars, from the month before to now; ids are drawn from few, so they repeat. */
const event = fc.record({
  run: fc.constantFrom(...runIds),
  eventId: fc.integer({ min: 0, max: 25 }).map((number) => `e${number}`),
  nanos: fc.integer({ min: 0, max: 9_000_000_000 }),
  correction: fc.boolean(),
  onTask: fc.boolean(),
  age_ms: fc.integer({ min: 0, max: 20 * day_ms }),
});

test('whatever comes, in whatever order and company: totals are the sums of distinct events (B1)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(event, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 3 }),
      async (reports, together) => {
        const tenantId = newTenant('sum');
        await world.setQuotas(tenantId, {});
        for (const runId of runIds) await world.start(tenantId, runId, 1000);
        const booked = new Map<string, { nanos: bigint; month: string }>();
        const calls = reports.flatMap((report) =>
          runIds.flatMap((run) => {
            const events = report.filter((each) => each.run === run);
            return events.length === 0 ? [] : [{ run, events }];
          }),
        );
        for (let start = 0; start < calls.length; start += together) {
          const batch = calls.slice(start, start + together);
          // Amount and time follow from the id, so that it does not matter which of the repeats comes first.
          const bodies = batch.map(({ run, events }) => ({
            run,
            events: events.map(({ eventId, onTask }) => {
              const { nanos, correction, age_ms } = originalOf(run, eventId, reports);
              const occurredAt = new Date(world.api.now().getTime() - age_ms).toISOString();
              booked.set(`${run}/${eventId}`, {
                nanos: BigInt(correction ? -nanos : nanos),
                month: occurredAt.slice(0, 7),
              });
              return {
                eventId,
                occurredAt,
                costUSD: (correction ? -nanos : nanos) / 1e9,
                ...(correction ? { kind: 'correction' } : {}),
                ...(onTask ? { taskId: run } : {}),
              };
            }),
          }));
          const answers = await Promise.all(
            bodies.map(({ run, events }) => world.report(tenantId, run, ...events)),
          );
          for (const [index, answer] of answers.entries()) {
            expect(answer.body.rejected).toEqual([]);
            expect(answer.body.accepted + answer.body.duplicates).toBe(bodies[index]?.events.length);
          }
        }
        const sumOf = (keep: (key: string, month: string) => boolean) =>
          [...booked].reduce((sum, [key, { nanos, month }]) => (keep(key, month) ? sum + nanos : sum), 0n);
        const spent = await database.app.query<{ run_id: string; spent: bigint }>(
          'select run_id, spent_usd_nanos as spent from runs where tenant_id = $1 order by run_id',
          [tenantId],
        );
        expect(spent).toEqual(
          runIds
            .toSorted()
            .map((run_id) => ({ run_id, spent: sumOf((key) => key.startsWith(`${run_id}/`)) })),
        );
        const thisMonth = world.api.now().toISOString().slice(0, 7);
        expect((await world.usage(tenantId)).spentUSD).toBe(
          Number(sumOf((_, month) => month === thisMonth)) / 1e9,
        );
        await expectNoDrift(database);
      },
    ),
    { numRuns: 25 },
  );
});

type Drawn = { run: string; eventId: string; nanos: number; correction: boolean; age_ms: number };

function originalOf(run: string, eventId: string, reports: readonly (readonly Drawn[])[]): Drawn {
  const found = reports.flat().find((each) => each.run === run && each.eventId === eventId);
  if (found === undefined) throw new Error(`event ${eventId} of ${run} was not drawn`);
  return found;
}

test('thresholds fire once each and in order, however spending climbs and falls (B4)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: -300, max: 600 }), { minLength: 1, maxLength: 12 }),
      async (steps) => {
        const tenantId = newTenant('climb');
        await world.setQuotas(tenantId, {});
        await world.start(tenantId, 'run', 100);
        let total = 0;
        let highest = 0;
        for (const [index, tenths] of steps.entries()) {
          await world.report(tenantId, 'run', {
            eventId: `e${index}`,
            costUSD: tenths / 10,
            ...(tenths < 0 ? { kind: 'correction' } : {}),
          });
          total += tenths;
          highest = Math.max(highest, total);
        }
        const alerts = (await world.events(tenantId, 'budget-alert')).map((each) => each.data.threshold);
        expect(alerts).toEqual([50, 80, 95].filter((percent) => highest >= percent * 10));
      },
    ),
    { numRuns: 25 },
  );
});

test('from the pause threshold on, spending stays within settled, live holds and what ran over its hold (B7)', async () => {
  const tenantId = newTenant('bounded');
  const limitUSD = 100;
  await world.setQuotas(tenantId, { cost: { limitUSD } });
  const ask = (runId: string) =>
    world.api.call({ tenantId }, 'POST', '/v1/runs', {
      runId,
      phase: 'build',
      budget: { maxCostUSD: 2 },
      leaseSeconds: 3600,
    });
  const runs = Array.from({ length: 50 }, (_, index) => `r${index}`);
  const started = await Promise.all(runs.map(ask));
  expect(started.filter(({ status }) => status === 201)).toHaveLength(50);
  // Everybody spends at once, in steps, while newcomers keep asking; one in five runs over its hold in the end.
  let overHolds = 0;
  let atPause: { spentUSD: number; heldUSD: number } | undefined;
  for (let step = 0; step < 4; step += 1) {
    await Promise.all(
      runs.map(async (runId, index) => {
        const over = step === 3 && index % 5 === 0 ? 0.25 : 0;
        overHolds += over;
        await world.report(tenantId, runId, { eventId: `s${step}`, costUSD: 0.5 + over });
        const newcomer = await ask(`new-${step}-${index}`);
        expect(newcomer.status).toBeGreaterThanOrEqual(400);
      }),
    );
    const orders = await world.events(tenantId, 'run-paused-for-budget', 'preempt-for-budget');
    await deliver(database.app, world.api, orders.map(messageOf));
    const usage = await world.usage(tenantId);
    if (usage.spentUSD >= 0.95 * limitUSD) atPause ??= usage;
  }
  const { spentUSD } = await world.usage(tenantId);
  expect(atPause).toBeDefined();
  expect(spentUSD).toBeLessThanOrEqual((atPause?.spentUSD ?? 0) + (atPause?.heldUSD ?? 0) + overHolds);
  expect(spentUSD).toBeLessThanOrEqual(limitUSD + overHolds);
});

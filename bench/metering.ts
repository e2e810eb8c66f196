/**
 * Cost events per second, over HTTP and by the queue, through the template's own wiring on the local stage: one report or
 * message per call, many runs and one hot run.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import * as z from 'zod';
import { sendBodies } from '../commands/cost-sender.ts';
import { spreadOf } from '../commands/replay/statistics.ts';
import { costMessageBodies } from '../shared/budget/cost-message.ts';
import { type CostEvents, costEventsOf, type EventForm, eventIds } from './metering-events.ts';
import { type MeteredRun, type MeteringStage, withMeteringStage } from './metering-stage.ts';
import { copyEvents, insertAndSum } from './metering-yardsticks.ts';

export const ways = ['http', 'queue', 'copy', 'insertAndSum'] as const;
export type Way = (typeof ways)[number];

export type WayMeasure = {
  /** Median over the repetitions. */
  readonly eventsPerSecond: number;
  /** Of a call; by the queue from sending a message to its booking. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly calls: number;
};

export type MeteringCell = {
  readonly form: EventForm;
  readonly runs: number;
  /** Events of a report, a message or a COPY. */
  readonly batch: number;
  readonly ways: Readonly<Record<Way, WayMeasure>>;
};

export type MeteringResult = { readonly postgresVersion: string; readonly cells: readonly MeteringCell[] };

const batches = [1, 100, 500];
const forms: readonly EventForm[] = ['priced', 'stated'];

/** Callers at once, as many as the stage gives a function environments. */
const callers = 4;
const repetitions = 3;
const warmUpCalls = 24;

/** Messages of one burst by batch size: the meter takes up to 50 at once, and waits a second for fewer. */
const messagesOf: Readonly<Record<number, number>> = { 1: 400, 100: 100, 500: 40 };

/** Measures all ways in turns, `seconds` each; the queue by bursts of messages. */
export function measureMetering(seconds: number, log: (line: string) => void): Promise<MeteringResult> {
  log('metering: starting a stage');
  return withMeteringStage(async (stage) => {
    const connections = await stage.connect(callers);
    const cells: MeteringCell[] = [];
    for (const form of forms) {
      for (const runs of [stage.many, stage.hot]) {
        for (const batch of batches) {
          log(`metering: ${form}, ${runs.length} runs, batches of ${batch}`);
          const measured = await measureCell(stage, connections, { form, runs, batch }, seconds);
          cells.push({ form, runs: runs.length, batch, ways: measured });
        }
      }
    }
    return { postgresVersion: stage.postgresVersion, cells };
  });
}

type Cell = { readonly form: EventForm; readonly runs: readonly MeteredRun[]; readonly batch: number };
type Slice = { readonly events: number; readonly took_ms: number; readonly calls_ms: readonly number[] };

async function measureCell(
  stage: MeteringStage,
  connections: readonly pg.Client[],
  { form, runs, batch }: Cell,
  seconds: number,
): Promise<MeteringCell['ways']> {
  const events = costEventsOf(form);
  const calls: Readonly<Record<Exclude<Way, 'queue'>, Call>> = {
    http: async (_, run) => {
      const report = { events: events.report(eventIds('http', batch)) };
      await run.client.ask(bookedAll(batch), 'POST', `/v1/runs/${run.runId}/costs`, report);
      return batch;
    },
    copy: async (connection, run) => {
      await copyEvents(connection, run, events, eventIds('copy', batch));
      return batch;
    },
    insertAndSum: async (connection, run) => {
      for (const id of eventIds('sum', 1)) await insertAndSum(connection, run, events.cost_nanos, id);
      return 1;
    },
  };
  // The sums grow with what is there; every cell starts from nothing.
  await stage.admin.query('truncate yardstick.costs');
  await stage.admin.query('analyze');
  const slices: Record<Way, Slice[]> = { http: [], queue: [], copy: [], insertAndSum: [] };
  for (const call of Object.values(calls)) await callInTurns(connections, runs, call, { calls: warmUpCalls });
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    for (const way of ['http', 'copy', 'insertAndSum'] as const) {
      slices[way].push(await callInTurns(connections, runs, calls[way], { seconds }));
    }
    slices.queue.push(await sendBurst(stage, runs, events, batch));
  }
  return {
    http: measureOf(slices.http),
    queue: measureOf(slices.queue),
    copy: measureOf(slices.copy),
    insertAndSum: measureOf(slices.insertAndSum),
  };
}

function bookedAll(batch: number) {
  return z.looseObject({ accepted: z.literal(batch) });
}

/** Answers how many events it has booked. */
type Call = (connection: pg.Client, run: MeteredRun) => Promise<number>;

/** Each connection's caller makes its next call when the last was answered, run after run. */
async function callInTurns(
  connections: readonly pg.Client[],
  runs: readonly MeteredRun[],
  call: Call,
  { calls = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY },
): Promise<Slice> {
  const calls_ms: number[] = [];
  let made = 0;
  let events = 0;
  const started_ms = performance.now();
  await Promise.all(
    connections.map(async (connection) => {
      while (made < calls && performance.now() < started_ms + seconds * 1000) {
        const run = runs[made % runs.length];
        if (run === undefined) throw new Error('no run to report on');
        made += 1;
        const called_ms = performance.now();
        const booked = await call(connection, run);
        events += booked;
        calls_ms.push(performance.now() - called_ms);
      }
    }),
  );
  return { events, took_ms: performance.now() - started_ms, calls_ms };
}

/** Sends messages as fast as the queue takes them, and waits until the last one is booked. */
async function sendBurst(
  stage: MeteringStage,
  runs: readonly MeteredRun[],
  events: CostEvents,
  batch: number,
): Promise<Slice> {
  const count = messagesOf[batch] ?? 100;
  const messages = Array.from({ length: count }, (_, index) => {
    const run = runs[index % runs.length];
    if (run === undefined) throw new Error('no run to report on');
    const ids = eventIds('queue', batch);
    return { ids, run, bodies: costMessageBodies(run.tenantId, run.runId, events.report(ids)) };
  });
  const before = await spentNanos(stage.admin);
  const target = before + BigInt(count * batch) * events.cost_nanos;
  const started_ms = performance.now();
  const sent = new Map<string, Date>();
  const byTenant = Map.groupBy(messages, ({ run }) => run.tenantId);
  await Promise.all(
    [...byTenant].map(async ([tenantId, ofTenant]) => {
      for (const { ids } of ofTenant) sent.set(ids[0] ?? '', new Date());
      await sendBodies(
        stage.sqs,
        stage.costQueueUrl,
        tenantId,
        ofTenant.flatMap(({ bodies }) => bodies),
      );
    }),
  );
  while ((await spentNanos(stage.admin)) < target) await delay(10);
  const took_ms = performance.now() - started_ms;
  return { events: count * batch, took_ms, calls_ms: await bookingTimes(stage.admin, sent) };
}

/** What all tenants have spent: it tells cheaply when everything that was sent is booked. */
async function spentNanos(admin: pg.Client): Promise<bigint> {
  const { rows } = await admin.query<{ spent: string }>(
    `select coalesce(sum(spent_usd_nanos), 0)::text as spent from account_spend where scope = 'tenant'`,
  );
  return BigInt(rows[0]?.spent ?? 0);
}

/** From the time at which a message was sent to that at which its first event was booked, in milliseconds. */
async function bookingTimes(admin: pg.Client, sent: ReadonlyMap<string, Date>): Promise<number[]> {
  const { rows } = await admin.query<{ event_id: string; recorded_at: Date }>(
    'select event_id, recorded_at from cost_events where event_id = any ($1)',
    [[...sent.keys()]],
  );
  return rows.map(
    ({ event_id, recorded_at }) => recorded_at.getTime() - (sent.get(event_id)?.getTime() ?? Number.NaN),
  );
}

function measureOf(slices: readonly Slice[]): WayMeasure {
  const rates = spreadOf(slices.map(({ events, took_ms }) => (events * 1000) / took_ms));
  const calls = spreadOf(slices.flatMap(({ calls_ms }) => calls_ms));
  if (rates === null || calls === null) throw new Error('nothing was measured');
  return { eventsPerSecond: rates.p50, p50_ms: calls.p50, p99_ms: calls.p99, calls: calls.count };
}

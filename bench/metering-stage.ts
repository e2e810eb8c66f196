/** A local stage of its own whose commits reach the disk, with runs to report on; gone afterwards. */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import * as z from 'zod';
import { type Client, createClient } from '../commands/demo/client.ts';
import { sqsClient } from '../commands/demo/sqs.ts';
import { type LocalStage, startLocalStage } from '../infra/local-stage.ts';
import { createMeteringYardsticks } from './metering-yardsticks.ts';

export type MeteredRun = { readonly tenantId: string; readonly runId: string; readonly client: Client };

export type MeteringStage = {
  readonly postgresVersion: string;
  readonly sqs: ReturnType<typeof sqsClient>;
  readonly costQueueUrl: string;
  readonly many: readonly MeteredRun[];
  readonly hot: readonly MeteredRun[];
  readonly admin: pg.Client;
  /** As many connections of the yardsticks. */
  readonly connect: (count: number) => Promise<pg.Client[]>;
};

const signals = ['SIGINT', 'SIGTERM'] as const;
const tenants = 20;
const runsOfTenant = 10;

/** Out of reach of every threshold, and within a tenant's quota. */
const runBudget_usd = 400_000;
const quotas = { cost: { limitUSD: 10_000_000 }, concurrentRuns: { limit: 1000 } };

/** Runs `work` on it. */
export async function withMeteringStage<T>(work: (stage: MeteringStage) => Promise<T>): Promise<T> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'mothership-bench-'));
  // For the account that runs Postgres when this is root.
  await chmod(dataFolder, 0o755);
  // Ends the servers too, which end with the process; without a listener a signal leaves them behind.
  const onSignal = () => process.exit(130);
  for (const signal of signals) process.once(signal, onSignal);
  const cleanups: (() => unknown)[] = [
    () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
    () => rm(dataFolder, { recursive: true, force: true }),
  ];
  try {
    const stage = await startLocalStage({ dataFolder, port: 0, automaticSchedules: false, log: () => {} });
    cleanups.push(() => stage.stop());
    const sqs = sqsClient(stage.runtime);
    cleanups.push(() => sqs.destroy());
    const connect = async (count: number): Promise<pg.Client[]> => {
      const clients = Array.from({ length: count }, () => new pg.Client(stage.databaseUrl));
      await Promise.all(clients.map((client) => client.connect()));
      cleanups.push(...clients.map((client) => () => client.end()));
      return clients;
    };
    const [admin] = await connect(1);
    if (admin === undefined) throw new Error('no connection');
    await createMeteringYardsticks(admin);
    const version = await admin.query<{ server_version: string }>('show server_version');
    return await work({
      postgresVersion: version.rows[0]?.server_version ?? '',
      sqs,
      costQueueUrl: stage.runtime.queueUrl('mothership-local-cost-events'),
      ...(await startRuns(stage)),
      admin,
      connect,
    });
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

async function startRuns(stage: LocalStage): Promise<Pick<MeteringStage, 'many' | 'hot'>> {
  const operator = createClient(stage.baseUrl, stage.operatorKey);
  await operator.ask(z.unknown(), 'PUT', '/v1/pool', { cpu: null, memoryGb: null });
  const start = async (tenantId: string, runs: number): Promise<MeteredRun[]> => {
    await operator.ask(z.unknown(), 'PUT', `/v1/tenants/${tenantId}/quotas`, quotas);
    const { key } = await operator.ask(
      z.object({ key: z.string() }),
      'POST',
      `/v1/tenants/${tenantId}/keys`,
      {
        scope: 'runner',
      },
    );
    const client = createClient(stage.baseUrl, key);
    const started: MeteredRun[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const runId = `run-${run}`;
      const request = { runId, phase: 'plan', budget: { maxCostUSD: runBudget_usd }, leaseSeconds: 86_400 };
      await client.ask(z.unknown(), 'POST', '/v1/runs', request);
      started.push({ tenantId, runId, client });
    }
    return started;
  };
  const ofTenants: MeteredRun[][] = [];
  for (let tenant = 1; tenant <= tenants; tenant += 1)
    ofTenants.push(await start(`many-${tenant}`, runsOfTenant));
  // Neighbours in time are of different tenants, as they would be.
  const many = Array.from({ length: runsOfTenant }, (_, run) =>
    ofTenants.flatMap((runs) => runs.slice(run, run + 1)),
  ).flat();
  return { many, hot: await start('hot', 1) };
}

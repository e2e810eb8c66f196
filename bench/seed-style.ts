/**
 * Admission as it is often written first: separate statements from the client in one transaction, each a round trip.
 * Correct, because it locks the tenant's row before it counts. The same checks and rows as the real one in small.
 */

import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Database } from '../shared/platform/db.ts';

/** Tables for it in the schema `yardstick`, with quotas for tenants `s0001` on that nothing here reaches. */
export async function createSeedStyle(admin: pg.Client, role: string): Promise<void> {
  await admin.query(`
    create table yardstick.tenants (
      tenant_id text primary key, cpu_held numeric not null default 0, memory_gb_held numeric not null default 0,
      cost_held_usd numeric not null default 0
    );
    create table yardstick.quotas (
      tenant_id text references yardstick.tenants, resource text, limit_value numeric not null, primary key (tenant_id, resource)
    );
    create table yardstick.runs (
      run_id uuid primary key, tenant_id text not null references yardstick.tenants, phase text not null, status text not null,
      budget_usd numeric not null, created_at timestamptz not null
    );
    create index runs_active on yardstick.runs (tenant_id) where status = 'running';
    create table yardstick.tasks (
      task_id uuid primary key, run_id uuid not null references yardstick.runs, state text not null, class smallint not null,
      cpu numeric not null, memory_gb numeric not null, lease_expires_at timestamptz not null
    );
    create table yardstick.usage (
      usage_id bigint generated always as identity primary key, tenant_id text not null, run_id uuid not null, resource text not null,
      amount numeric not null, at timestamptz not null
    );
    create table yardstick.events (
      event_id uuid primary key, tenant_id text not null, run_id uuid not null, type text not null, body jsonb not null,
      published_at timestamptz
    );
    create index events_unpublished on yardstick.events (event_id) where published_at is null;
    create table yardstick.decisions (
      decision_id uuid primary key, tenant_id text not null, run_id uuid not null, result text not null, inputs jsonb not null,
      at timestamptz not null
    );
    insert into yardstick.tenants select 's' || lpad(n::text, 4, '0') from generate_series(1, 1000) n;
    insert into yardstick.quotas
    select tenant_id, resource, 1000000000
    from yardstick.tenants cross join unnest(array['cpu', 'memory', 'cost', 'concurrent_runs']) r (resource);
    grant select, insert, update on all tables in schema yardstick to ${role};
  `);
}

/** Admits one run of 1 vCPU, 4 GB and 1 USD: 16 statements, `begin` and `commit` included. */
export function admitSeedStyle(database: Database, tenantId: string): Promise<void> {
  const now = new Date();
  const runId = randomUUID();
  const taskId = randomUUID();
  return database.transaction(async (tx) => {
    const one = async <R>(text: string, ...values: unknown[]): Promise<R> => {
      const [row] = await tx.query<R>(text, values);
      if (row === undefined) throw new Error(`no row from ${text}`);
      return row;
    };
    const tenant = await one<{ cpu_held: string; memory_gb_held: string; cost_held_usd: string }>(
      'select cpu_held, memory_gb_held, cost_held_usd from yardstick.tenants where tenant_id = $1 for update',
      tenantId,
    );
    const limitOf = async (resource: string): Promise<number> => {
      const quota = await one<{ limit_value: string }>(
        'select limit_value from yardstick.quotas where tenant_id = $1 and resource = $2',
        tenantId,
        resource,
      );
      return Number(quota.limit_value);
    };
    const known = await tx.query('select 1 from yardstick.runs where run_id = $1', [runId]);
    const { active } = await one<{ active: bigint }>(
      `select count(*) as active from (
         select 1 from yardstick.runs where tenant_id = $1 and status = 'running' limit 100) r`,
      tenantId,
    );
    const fits =
      known.length === 0 &&
      Number(tenant.cpu_held) + 1 <= (await limitOf('cpu')) &&
      Number(tenant.memory_gb_held) + 4 <= (await limitOf('memory')) &&
      Number(tenant.cost_held_usd) + 1 <= (await limitOf('cost')) &&
      Number(active) + 1 <= (await limitOf('concurrent_runs'));
    if (!fits) throw new Error(`the quota of ${tenantId} is used up`);
    await tx.query(`insert into yardstick.runs values ($1, $2, 'plan', 'running', 1, $3)`, [
      runId,
      tenantId,
      now,
    ]);
    await tx.query(`insert into yardstick.tasks values ($1, $2, 'running', 2, 1, 4, $3)`, [
      taskId,
      runId,
      new Date(now.getTime() + 60_000),
    ]);
    for (const [resource, amount] of [
      ['cpu', 1],
      ['memory', 4],
    ] as const) {
      await tx.query(
        'insert into yardstick.usage (tenant_id, run_id, resource, amount, at) values ($1, $2, $3, $4, $5)',
        [tenantId, runId, resource, amount, now],
      );
    }
    await tx.query(
      `update yardstick.tenants set cpu_held = cpu_held + 1, memory_gb_held = memory_gb_held + 4,
         cost_held_usd = cost_held_usd + 1 where tenant_id = $1`,
      [tenantId],
    );
    await tx.query(`insert into yardstick.events values ($1, $2, $3, 'run-admitted', $4, null)`, [
      randomUUID(),
      tenantId,
      runId,
      JSON.stringify({ runId, taskId }),
    ]);
    await tx.query(`insert into yardstick.decisions values ($1, $2, $3, 'admitted', $4, $5)`, [
      randomUUID(),
      tenantId,
      runId,
      JSON.stringify({ cpu: 1, memoryGb: 4 }),
      now,
    ]);
  });
}

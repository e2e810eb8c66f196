/** Reads of what tenants and the pool may use and do use. */

import { type StoredPeriod, shownPeriod } from '../budget/terms.ts';
import type { Database } from '../platform/db.ts';
import { nanosToUsd } from '../platform/money.ts';
import { policyInForce } from './policy-in-force.ts';
import { mergedPolicyOf, ownPolicyOf, type StoredTenantPolicy } from './tenant-policy.ts';

export async function tenantExists(database: Database, tenantId: string): Promise<boolean> {
  const rows = await database.query('select 1 from tenants where tenant_id = $1', [tenantId]);
  return rows.length > 0;
}

type QuotaRow = {
  resource: string;
  limit_value: string | null;
  burst_share: string | null;
  burst_value: string | null;
};

type TenantRow = {
  weight: string;
  quality_gate: string;
  policy: StoredTenantPolicy;
  warn_percent: string;
  throttle_percent: string;
  pause_percent: string;
  alert_percents: readonly string[];
  throttled_until: Date | null;
  cpu_held: string;
  memory_gb_held: string;
  cpu_in_use: string;
  memory_gb_in_use: string;
  runs_held: number;
  cost_held: bigint;
  cost_spent: bigint;
  cost_period: StoredPeriod;
  cost_period_start: string | null;
  cost_period_ends_at: string | null;
  org_id: string | null;
  cpu_burst: string;
  memory_burst: string;
  quotas: readonly QuotaRow[] | null;
};

async function readTenant(database: Database, tenantId: string, now: Date): Promise<TenantRow | null> {
  const [row] = await database.query<TenantRow>(
    `select n.weight, n.quality_gate, n.policy, n.warn_percent, n.throttle_percent, n.pause_percent, n.alert_percents, n.throttled_until, n.cpu_held,
       n.memory_gb_held, n.cpu_in_use, n.memory_gb_in_use, n.runs_held, n.cost_held_usd_nanos as cost_held,
       account_spent('tenant', n.tenant_id, n.cost_period, $2) as cost_spent, n.cost_period, n.org_id,
       iso_time(nullif(period_start(n.cost_period, $2), 'epoch')) as cost_period_start, iso_time(period_end(n.cost_period, $2)) as cost_period_ends_at,
       (select coalesce(sum(burst_cpu), 0) from tasks t where t.tenant_id = n.tenant_id and t.room_until is not null) as cpu_burst,
       (select coalesce(sum(burst_memory_gb), 0) from tasks t where t.tenant_id = n.tenant_id and t.room_until is not null) as memory_burst,
       (select jsonb_agg(jsonb_build_object('resource', resource, 'limit_value', limit_value::text, 'burst_share', burst_share::text, 'burst_value', burst_value::text))
        from tenant_quotas q where q.tenant_id = n.tenant_id) as quotas
     from tenants n where n.tenant_id = $1`,
    [tenantId, now],
  );
  return row ?? null;
}

function quotaOf(row: TenantRow, resource: string): QuotaRow | undefined {
  return row.quotas?.find((quota) => quota.resource === resource);
}

function limitOf(row: TenantRow, resource: string): number | null {
  const text = quotaOf(row, resource)?.limit_value;
  return text === undefined || text === null ? null : Number(text);
}

/** As it was given: an amount, or a share of the limit. */
function burstOf(quota: QuotaRow | undefined) {
  return quota?.burst_value == null
    ? { burstShare: Number(quota?.burst_share ?? policyInForce().burst_share) }
    : { burst: Number(quota.burst_value) };
}

/** Limits as set; null = no bound. Null when there is no such tenant. */
export async function readQuotas(database: Database, tenantId: string, now: Date) {
  const row = await readTenant(database, tenantId, now);
  if (row === null) return null;
  const room = (resource: string) => ({
    limit: limitOf(row, resource),
    ...burstOf(quotaOf(row, resource)),
  });
  return {
    tenantId,
    cpu: room('cpu'),
    memory: room('memory'),
    cost: { limitUSD: limitOf(row, 'cost'), ...shownPeriod(row.cost_period) },
    concurrentRuns: { limit: limitOf(row, 'concurrent_runs') },
    weight: Number(row.weight),
    thresholds: {
      warn: Number(row.warn_percent),
      throttle: Number(row.throttle_percent),
      pause: Number(row.pause_percent),
      alerts: row.alert_percents.map(Number),
    },
    qualityGate: row.quality_gate,
    orgId: row.org_id,
    policy: ownPolicyOf(row.policy),
    policyInForce: mergedPolicyOf(row.policy, policyInForce()),
  };
}

/** What is held, in use, burst and spent now. Null when there is no such tenant. */
export async function readUsage(database: Database, tenantId: string, now: Date) {
  const row = await readTenant(database, tenantId, now);
  if (row === null) return null;
  return {
    tenantId,
    cpu: {
      limit: limitOf(row, 'cpu'),
      held: Number(row.cpu_held),
      used: Number(row.cpu_in_use),
      burst: Number(row.cpu_burst),
    },
    memory: {
      limit: limitOf(row, 'memory'),
      held: Number(row.memory_gb_held),
      used: Number(row.memory_gb_in_use),
      burst: Number(row.memory_burst),
    },
    concurrentRuns: { limit: limitOf(row, 'concurrent_runs'), used: row.runs_held },
    cost: {
      limitUSD: limitOf(row, 'cost'),
      spentUSD: nanosToUsd(row.cost_spent),
      heldUSD: nanosToUsd(row.cost_held),
      periodStart: row.cost_period_start,
      periodEndsAt: row.cost_period_ends_at,
    },
    throttledUntil:
      row.throttled_until !== null && row.throttled_until > now ? row.throttled_until.toISOString() : null,
  };
}

/** Capacity, what is held by the clock, and what is promised to newcomers whose victims leave. */
export async function readPool(database: Database, now: Date) {
  const [row] = await database.query<{
    cpu: string | null;
    memory_gb: string | null;
    cpu_used: string;
    memory_gb_used: string;
    tasks: number | null;
    tasks_used: bigint;
    cpu_room: string | null;
    memory_gb_room: string | null;
    tasks_room: string | null;
    version: bigint;
  }>(
    `select p.cpu, p.memory_gb, p.tasks, p.cpu_used - l.cpu as cpu_used, p.memory_gb_used - l.memory_gb as memory_gb_used,
       p.tasks_used - l.tasks as tasks_used, r.cpu as cpu_room, r.memory_gb as memory_gb_room, r.tasks as tasks_room, p.version
     from pool p, lateral pool_room(p, $1, null, null) r, lateral (
       select coalesce(sum(t.cpu), 0) as cpu, coalesce(sum(t.memory_gb), 0) as memory_gb, count(*) as tasks
       from tasks t where t.room_until is not null and t.room_until <= $1
     ) l`,
    [now],
  );
  if (row === undefined) throw new Error('the pool row is missing');
  const promised = (capacity: string | number | null, used: string | bigint, room: string | null): number =>
    capacity === null || room === null ? 0 : Number(capacity) - Number(used) - Number(room);
  return {
    cpu: row.cpu === null ? null : Number(row.cpu),
    memoryGb: row.memory_gb === null ? null : Number(row.memory_gb),
    tasks: row.tasks,
    used: {
      cpu: Number(row.cpu_used),
      memoryGb: Number(row.memory_gb_used),
      tasks: Number(row.tasks_used),
    },
    promised: {
      cpu: promised(row.cpu, row.cpu_used, row.cpu_room),
      memoryGb: promised(row.memory_gb, row.memory_gb_used, row.memory_gb_room),
      tasks: promised(row.tasks, row.tasks_used, row.tasks_room),
    },
  };
}

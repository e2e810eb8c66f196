/** Rows of a line, made in bulk and consistent with every counter. */

import type pg from 'pg';
import { policy } from '../shared/admission/policy.ts';
import type { LineShape } from './line-shapes.ts';

const lease_seconds = 86_400;
const runLimit_usd_nanos = 1_000_000_000n;

/** Tenants `t0001` on by falling size; tasks `w…` wait and tasks `r…` run, each the only task of a run of its name. */
export async function makeLine(admin: pg.Client, shape: LineShape, now: Date): Promise<void> {
  await makeTasks(admin, shape, now);
  await admin.query(`
    insert into tenants (tenant_id, created_at)
    select distinct tenant_id, min(accepted_at) from made group by tenant_id;

    insert into runs (
      tenant_id, run_id, phase, status, created_at, started_at, limit_usd_nanos, spent_usd_nanos, live_tasks
    )
    select tenant_id, task_id, phase, case when runs then 'running' else 'queued' end, accepted_at, since,
      ${runLimit_usd_nanos}, spent_usd_nanos, quota_held::integer
    from made;

    insert into tasks (
      tenant_id, task_id, run_id, phase, state, class, queue_class, overridable, priority_reason, priority_actor, cpu,
      memory_gb, start_mode, lease_seconds, accepted_at, waiting_for, waiting_since, quota_held, epoch, room_until,
      lease_expires_at, granted_at, running_since, first_started_at, spent_usd_nanos
    )
    select tenant_id, task_id, task_id, phase, case when runs then 'running' else 'queued' end, class, class, class > 0,
      'phase:' || phase, 'bench', cpu, memory_gb, 'now', ${lease_seconds}, accepted_at, waiting_for,
      case when not runs then accepted_at end, quota_held, runs::integer, lease_until, lease_until, since, since, since,
      spent_usd_nanos
    from made order by accepted_at;

    insert into cost_events (tenant_id, run_id, event_id, task_id, epoch, kind, cost_usd_nanos, occurred_at, recorded_at)
    select tenant_id, task_id, 'e1', task_id, 1, 'other', spent_usd_nanos, since, since from made where spent_usd_nanos > 0;

    insert into tenant_usage (tenant_id, run_id, task_id, kind, cpu, memory_gb, runs, cost_usd_nanos, reason, at)
    select tenant_id, task_id, task_id, 'allocate', cpu, memory_gb, 1, ${runLimit_usd_nanos}, 'admission', accepted_at
    from made where quota_held;

    insert into decisions (
      decision_id, kind, tenant_id, run_id, task_id, result, policy_version, inputs, counters, answer, at
    )
    select d.kind || '-' || task_id, d.kind, tenant_id, task_id, task_id, d.result, '${policy.version}', '{}'::jsonb, '{}'::jsonb,
      '{}'::jsonb, d.at
    from made cross join lateral (values ('admit', 'queued', accepted_at), ('grant', 'granted', since)) d (kind, result, at)
    where d.kind = 'admit' or runs;
  `);
  await count(admin);
  await setLimits(admin, shape, now);
  await admin.query('drop table made');
  // As a live database would be: the visibility map and the statistics are there, nothing is left to write.
  await admin.query('vacuum analyze');
  await admin.query('checkpoint');
}

/** One row for each task. Tenant, class, size and spending are drawn by hashes of its number, so the same every time. */
async function makeTasks(admin: pg.Client, shape: LineShape, now: Date): Promise<void> {
  await admin.query(
    `create temporary table made as
    with drawn as (
      select n, n <= $1 as runs, ${drawn(1)} as for_tenant, ${drawn(2)} as for_class, ${drawn(3)} as for_size, ${drawn(4)} as for_spending
      from generate_series(1, $1::integer + $2::integer) n
    ), placed as (
      select *, width_bucket(for_tenant::double precision, $3::double precision[]) as tenant,
        width_bucket(for_class::double precision, case when runs then $4 else $5 end::double precision[]) - 1 as class,
        1 + floor(for_size * $6::integer) as cpu
      from drawn
    ), timed as (
      -- Those that run started one to eleven minutes ago: past their minimum run. The line comes in its order of ids.
      select *, case when runs then $7::timestamptz - make_interval(secs => 61 + 600 * (n::double precision / $1)) end as since
      from placed
    )
    select n, runs, 't' || lpad(tenant::text, 4, '0') as tenant_id,
      case when runs then 'r' else 'w' end || lpad(n::text, 6, '0') as task_id,
      (array['deploy', 'build', 'plan', 'research'])[class + 1] as phase, class, cpu, 4 * cpu as memory_gb, since,
      case when runs then since - interval '30 minutes'
        else $7::timestamptz - make_interval(secs => ${shape.lineAge_seconds} * (1 - (n - $1)::double precision / $2)) end as accepted_at,
      case when runs then null else $8::text end as waiting_for, runs or $8::text = 'pool' as quota_held,
      case when runs then $7::timestamptz + make_interval(secs => ${lease_seconds}) end as lease_until,
      case when runs then floor(for_spending * 400000000)::bigint else 0 end as spent_usd_nanos
    from timed`,
    [
      shape.running,
      shape.waiting,
      lowerBounds(tenantShares(shape)),
      lowerBounds(shape.runningClasses),
      lowerBounds(shape.waitingClasses),
      shape.cpu_max,
      now,
      shape.waitingFor,
    ],
  );
}

/** SQL for a number in [0, 1) that follows from `n`; another seed gives an unrelated one. */
function drawn(seed: number): string {
  return `(hashint8extended(n, ${seed}) & 1048575) / 1048576.0`;
}

/** Sets every counter to what the rows say; a trigger on tasks keeps those of the waiting lines. */
async function count(admin: pg.Client): Promise<void> {
  await admin.query(`
    insert into account_spend (scope, account_id, period_start, spent_usd_nanos)
    select 'tenant', tenant_id, date_trunc('month', occurred_at, 'UTC'), sum(cost_usd_nanos) from cost_events group by 2, 3;

    insert into holds (tenant_id, run_id, hold_number, owner_task_id, taken_usd_nanos, taken_reason, taken_at, grace_seconds, expires_at)
    select r.tenant_id, r.run_id, 1, t.task_id, r.limit_usd_nanos, 'admission', t.accepted_at, 300, t.room_until
    from runs r join tasks t on t.tenant_id = r.tenant_id and t.run_id = r.run_id where t.quota_held;

    update tenants n set
      cpu_held = s.cpu_held, memory_gb_held = s.memory_gb_held, runs_held = s.runs_held,
      cost_held_usd_nanos = s.cost_held_usd_nanos, cpu_in_use = s.cpu_in_use, memory_gb_in_use = s.memory_gb_in_use,
      tasks_in_use = s.tasks_in_use
    from (
      select t.tenant_id,
        coalesce(sum(t.cpu) filter (where t.quota_held), 0) as cpu_held,
        coalesce(sum(t.memory_gb) filter (where t.quota_held), 0) as memory_gb_held,
        count(*) filter (where t.quota_held) as runs_held,
        sum(r.held_usd_nanos) as cost_held_usd_nanos,
        coalesce(sum(t.cpu) filter (where t.room_until is not null), 0) as cpu_in_use,
        coalesce(sum(t.memory_gb) filter (where t.room_until is not null), 0) as memory_gb_in_use,
        count(*) filter (where t.room_until is not null) as tasks_in_use
      from tasks t join runs r on r.tenant_id = t.tenant_id and r.run_id = t.run_id
      group by t.tenant_id
    ) s
    where s.tenant_id = n.tenant_id;

    update pool set cpu_used = s.cpu, memory_gb_used = s.memory_gb, tasks_used = s.tasks, version = version + 1
    from (
      select sum(cpu_in_use) as cpu, sum(memory_gb_in_use) as memory_gb, sum(tasks_in_use) as tasks from tenants
    ) s;
  `);
}

/**
 * The pool is full, and quotas hold twice what is held. Where the line waits for quota, every tenant's vCPU are used up, none
 * may be borrowed, and the pool has room for twice what runs. Money is left for a thousand more runs of a dollar.
 */
async function setLimits(admin: pg.Client, { waitingFor }: LineShape, now: Date): Promise<void> {
  const quotaIsShort = waitingFor === 'quota';
  await admin.query(
    `insert into tenant_quotas (tenant_id, resource, limit_value, burst_share, updated_at, updated_by)
    select n.tenant_id, q.resource, q.limit_value, case when $2 and q.resource = 'cpu' then 0 end, $1, 'bench' from tenants n cross join lateral (values
      ('cpu', case when $2 then n.cpu_held else 2 * n.cpu_held + 1000 end),
      ('memory', 2 * n.memory_gb_held + 4000),
      ('concurrent_runs', 2 * n.runs_held + 1000),
      ('cost', floor(n.cost_held_usd_nanos / 1000000000) + 10000)
    ) q (resource, limit_value)`,
    [now, quotaIsShort],
  );
  await admin.query(
    'update pool set cpu = cpu_used * case when $1 then 2 else 1 end, memory_gb = memory_gb_used * case when $1 then 2 else 1 end',
    [quotaIsShort],
  );
}

function tenantShares({ tenants, firstTenantShare }: LineShape): number[] {
  const weights = Array.from({ length: tenants }, (_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (firstTenantShare === null) return weights.map((weight) => weight / total);
  const others = (1 - firstTenantShare) / (total - 1);
  return weights.map((weight, index) => (index === 0 ? firstTenantShare : weight * others));
}

/** Where each part of a whole begins: parts 0.2 and 0.8 begin at 0 and at 0.2. Empty parts begin where they end. */
function lowerBounds(parts: readonly number[]): number[] {
  let begin = 0;
  return parts.map((part) => {
    const here = begin;
    begin += part;
    return here;
  });
}

/** Looks at the store again and again while work goes on: what must hold at every instant. */

import type { Database } from '../../../shared/platform/db.ts';

export type Watched = {
  /** Rows that the query returned at any time: there must be none. */
  readonly offenders: readonly unknown[];
  readonly looks: number;
};

/** @param offenders selects what breaks the rule, in one statement and so of one instant */
export async function watching(
  database: Database,
  offenders: string,
  work: Promise<unknown>,
): Promise<Watched> {
  let done = false;
  const finished = work.finally(() => {
    done = true;
  });
  const found: unknown[] = [];
  let looks = 0;
  while (!done) {
    found.push(...(await database.query(offenders)));
    looks += 1;
  }
  await finished;
  return { offenders: found, looks };
}

/**
 * Accounts that have more settled and held than their limit, added up from ledger and runs and not from counters. Right
 * only while no run spends above its own budget, and within one period.
 */
export const overCommitted = `
  with run_money as (
    select r.tenant_id, n.org_id,
      (select coalesce(sum(e.cost_usd_nanos), 0) from cost_events e where e.tenant_id = r.tenant_id and e.run_id = r.run_id) as settled,
      case when exists (
        select 1 from tasks t where t.tenant_id = r.tenant_id and t.run_id = r.run_id and t.quota_held
      ) then greatest(r.limit_usd_nanos - (
        select coalesce(sum(e.cost_usd_nanos), 0) from cost_events e where e.tenant_id = r.tenant_id and e.run_id = r.run_id
      ), 0) else 0 end as held
    from runs r join tenants n using (tenant_id)
  )
  select 'tenant ' || m.tenant_id as account, sum(m.settled + m.held) as nanos
  from run_money m join tenant_quotas q on q.tenant_id = m.tenant_id and q.resource = 'cost'
  group by m.tenant_id, q.limit_value having sum(m.settled + m.held) > q.limit_value * 1000000000
  union all
  select 'org ' || o.org_id, sum(m.settled + m.held) from run_money m join orgs o using (org_id)
  group by o.org_id, o.limit_usd_nanos having sum(m.settled + m.held) > o.limit_usd_nanos`;

/** Tenants with more runs at work than they may have. */
export const overCrowded = `
  select t.tenant_id, count(distinct t.run_id) as runs
  from tasks t join tenant_quotas q on q.tenant_id = t.tenant_id and q.resource = 'concurrent_runs'
  where t.quota_held
  group by t.tenant_id, q.limit_value having count(distinct t.run_id) > q.limit_value`;

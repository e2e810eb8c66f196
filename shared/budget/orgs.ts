/** Organisations: a budget above those of their tenants (B6). */

import { type Database, json } from '../platform/db.ts';
import { nanosToUsd, usdToNanos } from '../platform/money.ts';
import type { BudgetLevel, OrgBudgetRequest } from './contract.ts';
import { levelOf } from './status.ts';
import { type StoredPeriod, shownPeriod, storedPeriod } from './terms.ts';

/** Sets its budget under a new version, which re-arms thresholds that are again below (B4). */
export async function setOrg(
  database: Database,
  orgId: string,
  request: OrgBudgetRequest,
  actor: string,
  now: Date,
): Promise<void> {
  await database.query(
    `select set_org(p_org_id => $1, p_limit_nanos => $2, p_settings => $3, p_reason => $4, p_actor => $5, p_now => $6)`,
    [
      orgId,
      request.limitUSD === null ? null : usdToNanos(request.limitUSD),
      json({ period: storedPeriod(request), ...request.thresholds }),
      request.reason,
      actor,
      now,
    ],
  );
}

type OrgRow = {
  limit: bigint | null;
  spent: bigint;
  held: bigint;
  version: number;
  period: StoredPeriod;
  period_start: string | null;
  period_ends_at: string | null;
  warn: string;
  throttle: string;
  pause: string;
  alerts: readonly string[];
  fired: readonly string[];
  tenants: readonly string[];
  approved: { by: string; reason: string; at: string } | null;
};

/** Its budget in the period that holds `now`, or null when there is no such organisation. */
export async function readOrg(database: Database, orgId: string, now: Date) {
  const [row] = await database.query<OrgRow>(
    `select o.limit_usd_nanos as limit, account_spent('org', o.org_id, o.period, $2) as spent,
       o.cost_held_usd_nanos - expired_holds('org', o.org_id, $2) as held, o.cost_limit_version as version, o.period,
       iso_time(nullif(period_start(o.period, $2), 'epoch')) as period_start, iso_time(period_end(o.period, $2)) as period_ends_at,
       o.warn_percent as warn, o.throttle_percent as throttle, o.pause_percent as pause, o.alert_percents as alerts,
       array(select e.threshold from account_budget_events e
         where e.scope = 'org' and e.account_id = o.org_id and e.limit_version = o.cost_limit_version and e.period_start = period_start(o.period, $2)
         order by e.threshold) as fired,
       array(select n.tenant_id from tenants n where n.org_id = o.org_id order by n.tenant_id) as tenants,
       (select jsonb_build_object('by', c.actor, 'reason', c.reason, 'at', iso_time(c.at)) from org_changes c
        where c.org_id = o.org_id and c.limit_version = o.cost_limit_version) as approved
     from orgs o where o.org_id = $1`,
    [orgId, now],
  );
  if (row === undefined) return null;
  const percents = [Number(row.warn), Number(row.throttle), Number(row.pause)] as const;
  const level: BudgetLevel =
    row.limit === null || row.limit === 0n ? 'ok' : levelOf(row.spent, row.limit, percents);
  return {
    orgId,
    limitUSD: row.limit === null ? null : nanosToUsd(row.limit),
    spentUSD: nanosToUsd(row.spent),
    heldUSD: nanosToUsd(row.held),
    percentUsed:
      row.limit === null || row.limit === 0n ? null : Number((row.spent * 100_000n) / row.limit) / 1000,
    level,
    firedThresholds: row.fired.map(Number),
    version: row.version,
    ...shownPeriod(row.period),
    periodStart: row.period_start,
    periodEndsAt: row.period_ends_at,
    thresholds: {
      warn: percents[0],
      throttle: percents[1],
      pause: percents[2],
      alerts: row.alerts.map(Number),
    },
    tenants: row.tenants,
    approved: row.approved,
  };
}

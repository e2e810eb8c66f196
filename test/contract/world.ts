/** One tenant with a bit of everything, a second one beside it, and what tells whether anything was written. */

import { createHash } from 'node:crypto';
import type { Api } from '../setup/api.ts';
import type { TestDatabase } from '../setup/database.ts';

/** Ids that exist, by path parameter. */
export type Ids = Readonly<
  Record<'tenantId' | 'runId' | 'taskId' | 'keyId' | 'decisionId' | 'orgId', string>
>;

/** Gives a tenant quotas, a running run, a spent dollar, a checkpoint, a score and a key. */
export async function furnish(api: Api, tenantId: string): Promise<Ids> {
  const runId = `run-of-${tenantId}`;
  const as = { tenantId };
  const must = async (...call: Parameters<Api['call']>) => {
    const answer = await api.call(...call);
    if (answer.status >= 300) {
      throw new Error(`${call[1]} ${call[2]} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  };
  const orgId = `org-of-${tenantId}`;
  await must('operator', 'PUT', `/v1/orgs/${orgId}/budget`, { limitUSD: 1000, reason: 'contract' });
  await must('operator', 'PUT', `/v1/tenants/${tenantId}/quotas`, {
    orgId,
    cpu: { limit: 64, burstShare: 0 },
    cost: { limitUSD: 100 },
  });
  const { decisionId } = await must(as, 'POST', '/v1/runs', {
    runId,
    phase: 'plan',
    budget: { maxCostUSD: 10 },
    leaseSeconds: 86_400,
  });
  await must(as, 'POST', `/v1/runs/${runId}/costs`, { events: [{ eventId: 'first', costUSD: 1 }] });
  await must(as, 'POST', `/v1/tasks/${runId}/checkpoints`, { epoch: 1, sequence: 1, data: { step: 1 } });
  await must(as, 'POST', `/v1/runs/${runId}/deliberations`, { text: 'First we look. Then we act.' });
  const { keyId } = await must('operator', 'POST', `/v1/tenants/${tenantId}/keys`, { scope: 'runner' });
  return { tenantId, runId, taskId: runId, keyId, decisionId, orgId };
}

/** `/v1/runs/{runId}` with the ids filled in; parameters may be overridden. */
export function pathOf(template: string, ids: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? ''));
}

/** A digest of every row of every table; idempotency keys may come and go. */
export async function digestOf({ admin }: TestDatabase): Promise<string> {
  const tables = await admin.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables
     where schemaname = 'public' and tablename <> 'idempotency_keys' order by 1`,
  );
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, string_agg(t::text, E'\\n' order by t::text) as rows from ${name} t`,
  );
  const rows = await admin.query(parts.join(' union all '));
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
}

import { poolRequest, queueQuery, quotas, violationListQuery } from '../../shared/admission/contract.ts';
import { readDecision } from '../../shared/admission/decision-reads.ts';
import { readPool, readQuotas, readUsage, tenantExists } from '../../shared/admission/limit-reads.ts';
import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import { listQueue } from '../../shared/admission/queue-reads.ts';
import { schedule } from '../../shared/admission/scheduler.ts';
import { setPool, setQuotas } from '../../shared/admission/store.ts';
import { floorProblems, type TenantPolicy } from '../../shared/admission/tenant-policy.ts';
import { listViolations } from '../../shared/admission/violation-reads.ts';
import { keepsRising, type Thresholds } from '../../shared/budget/terms.ts';
import { actingTenant, route } from '../../shared/platform/http.ts';
import { badRequest, notFound } from '../../shared/platform/problem.ts';

/** GET /v1/queue */
export const getQueue = route({
  query: queueQuery,
  handle: async ({ database, caller, query, now }) => {
    const tenantId =
      caller.tenantId === null ? (query.tenantId ?? null) : actingTenant(caller, query.tenantId);
    return { status: 200, body: await listQueue(database, tenantId, query, now) };
  },
});

/** GET /v1/tenants/{tenantId}/quotas */
export const getQuotas = route({
  handle: async ({ database, caller, params, now }) => {
    const tenantId = actingTenant(caller, params.tenantId);
    const found = await readQuotas(database, tenantId, now);
    if (found === null) throw notFound(`Tenant ${tenantId}`);
    return { status: 200, body: found };
  },
});

/** PUT /v1/tenants/{tenantId}/quotas: what is given is set, what is left out stays; null lifts a limit. */
export const putQuotas = route({
  body: quotas,
  handle: async ({ database, caller, params, body, now }) => {
    const tenantId = actingTenant(caller, params.tenantId);
    await checkThresholdsRise(database, tenantId, body.thresholds, now);
    await checkFloors(database, tenantId, body.policy, now);
    if (!(await setQuotas(database, tenantId, body, caller.keyId ?? 'operator', now))) {
      throw badRequest([
        {
          path: 'orgId',
          message: `no organisation ${body.orgId}; PUT /v1/orgs/${body.orgId}/budget makes it`,
        },
      ]);
    }
    await schedule(database, now);
    return { status: 200, body: await readQuotas(database, tenantId, now) };
  },
});

/** A threshold that is left out keeps its value, so the order has to be judged on all three. */
async function checkThresholdsRise(
  database: Parameters<typeof readQuotas>[0],
  tenantId: string,
  given: Thresholds | undefined,
  now: Date,
): Promise<void> {
  if (given === undefined) return;
  const current = (await readQuotas(database, tenantId, now))?.thresholds ?? {
    warn: 50,
    throttle: 80,
    pause: 95,
  };
  if (!keepsRising(given, current)) {
    const { warn, throttle, pause } = { ...current, ...given };
    throw badRequest([
      {
        path: 'thresholds',
        message: `must rise: warn ${warn}, throttle ${throttle}, pause ${pause} would be in force`,
      },
    ]);
  }
}

/** So has the order of the floors of a verdict: what is left out stays, the tenant's own or the stage's (D2). */
async function checkFloors(
  database: Parameters<typeof readQuotas>[0],
  tenantId: string,
  given: TenantPolicy | undefined,
  now: Date,
): Promise<void> {
  if (given === undefined) return;
  const before = (await readQuotas(database, tenantId, now))?.policy ?? {};
  const problems = floorProblems(given, before, policyInForce());
  if (problems.length > 0) {
    throw badRequest(problems.map(({ name, message }) => ({ path: `policy.${name}`, message })));
  }
}

/** GET /v1/tenants/{tenantId}/usage */
export const getUsage = route({
  handle: async ({ database, caller, params, now }) => {
    const tenantId = actingTenant(caller, params.tenantId);
    const usage = await readUsage(database, tenantId, now);
    if (usage === null) throw notFound(`Tenant ${tenantId}`);
    return { status: 200, body: usage };
  },
});

/** GET /v1/tenants/{tenantId}/violations */
export const getViolations = route({
  query: violationListQuery,
  handle: async ({ database, caller, params, query }) => {
    const tenantId = actingTenant(caller, params.tenantId);
    if (!(await tenantExists(database, tenantId))) throw notFound(`Tenant ${tenantId}`);
    return { status: 200, body: await listViolations(database, tenantId, query) };
  },
});

/** GET /v1/pool */
export const getPool = route({
  handle: async ({ database, now }) => ({ status: 200, body: await readPool(database, now) }),
});

/** PUT /v1/pool */
export const putPool = route({
  body: poolRequest,
  handle: async ({ database, body, now }) => {
    await setPool(database, body, now);
    await schedule(database, now);
    return { status: 200, body: await readPool(database, now) };
  },
});

/** GET /v1/decisions/{decisionId} */
export const getDecision = route({
  handle: async ({ database, params }) => {
    const decision = await readDecision(database, params.decisionId ?? '');
    if (decision === null) throw notFound(`Decision ${params.decisionId}`);
    return { status: 200, body: decision };
  },
});

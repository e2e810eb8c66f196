/** HTTP routes of the budget feature: cost events, limits and prices. */

import { authenticate } from '../../shared/access/authenticate.ts';
import { tenantQuery } from '../../shared/admission/contract.ts';
import { policyInForce } from '../../shared/admission/policy-in-force.ts';
import { schedule } from '../../shared/admission/scheduler.ts';
import { tenantOfId } from '../../shared/admission/tenant.ts';
import { budgetChange, costReport } from '../../shared/budget/contract.ts';
import { type BudgetChanged, recordCosts, setBudget } from '../../shared/budget/costs.ts';
import { budgetStatusOf } from '../../shared/budget/status.ts';
import { storedPeriod } from '../../shared/budget/terms.ts';
import { relayAfterCommit } from '../../shared/coordination/relay.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import { type ApiDependencies, type HttpHandler, httpApi, route } from '../../shared/platform/http.ts';
import { usdToNanos } from '../../shared/platform/money.ts';
import { notFound, paymentRequired } from '../../shared/platform/problem.ts';
import { getOrgBudget, putOrgBudget } from './orgs.ts';
import { getPrices, postRepricing, putPrices } from './prices.ts';

const postCosts = route({
  body: costReport,
  query: tenantQuery,
  maxBodyBytes: 512 * 1024,
  handle: async ({ database, caller, params, query, body, now }) => {
    const runId = params.runId ?? '';
    const tenantId = await tenantOfId(database, caller, 'run', runId, query.tenantId);
    const answer = await recordCosts(database, tenantId, runId, body.events, policyInForce(), now);
    if (answer === null) throw notFound(`Run ${runId}`);
    return { status: 200, body: answer };
  },
});

const putBudget = route({
  body: budgetChange,
  query: tenantQuery,
  handle: async ({ database, caller, params, query, body, now }) => {
    const runId = params.runId ?? '';
    const tenantId = await tenantOfId(database, caller, 'run', runId, query.tenantId);
    const changed = await setBudget(
      database,
      tenantId,
      runId,
      {
        limitNanos: usdToNanos(body.maxCostUSD),
        terms: { period: storedPeriod(body), thresholds: body.thresholds },
        reason: body.reason,
        actor: caller.keyId ?? 'unknown',
      },
      policyInForce(),
      now,
    );
    switch (changed.kind) {
      case 'not_found':
        throw notFound(`Run ${runId}`);
      case 'budget_exhausted':
        throw paymentRequired('budget_exhausted', refusedRaise(changed.refusals), {
          extra: { reasons: changed.refusals.map((refusal) => ({ ...refusal, code: 'budget_exhausted' })) },
        });
      case 'changed':
        await schedule(database, now);
        return { status: 200, body: budgetStatusOf(changed.budget) };
    }
  },
});

function refusedRaise(refusals: Extract<BudgetChanged, { kind: 'budget_exhausted' }>['refusals']): string {
  return refusals
    .map(
      ({ level, limit, used, held }) =>
        `cost: the ${level === 'org' ? 'organisation' : 'tenant'} has ${used} USD spent and ${held} held of a limit of ${limit}; raise that first.`,
    )
    .join(' ');
}

export function budgetApi(dependencies: ApiDependencies): HttpHandler {
  return httpApi<'budget'>(
    {
      'POST /v1/runs/{runId}/costs': postCosts,
      'PUT /v1/runs/{runId}/budget': putBudget,
      'GET /v1/orgs/{orgId}/budget': getOrgBudget,
      'PUT /v1/orgs/{orgId}/budget': putOrgBudget,
      'GET /v1/prices': getPrices,
      'PUT /v1/prices': putPrices,
      'POST /v1/prices/repricings': postRepricing,
    },
    dependencies,
  );
}

export const handler = budgetApi({
  database: databaseFromSecret,
  afterCommit: async (call) => {
    await relayAfterCommit(call);
  },
  authenticate,
});

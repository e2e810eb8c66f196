/** HTTP routes of an organisation's budget. */

import { schedule } from '../../shared/admission/scheduler.ts';
import { orgBudgetRequest } from '../../shared/budget/contract.ts';
import { readOrg, setOrg } from '../../shared/budget/orgs.ts';
import { keepsRising } from '../../shared/budget/terms.ts';
import { route } from '../../shared/platform/http.ts';
import { badRequest, notFound } from '../../shared/platform/problem.ts';

/** GET /v1/orgs/{orgId}/budget */
export const getOrgBudget = route({
  handle: async ({ database, params, now }) => {
    const orgId = params.orgId ?? '';
    const org = await readOrg(database, orgId, now);
    if (org === null) throw notFound(`Organisation ${orgId}`);
    return { status: 200, body: org };
  },
});

/** PUT /v1/orgs/{orgId}/budget: makes the organisation on first use; a period or threshold that is left out stays. */
export const putOrgBudget = route({
  body: orgBudgetRequest,
  handle: async ({ database, caller, params, body, now }) => {
    const orgId = params.orgId ?? '';
    const current = (await readOrg(database, orgId, now))?.thresholds ?? {
      warn: 50,
      throttle: 80,
      pause: 95,
    };
    if (body.thresholds !== undefined && !keepsRising(body.thresholds, current)) {
      throw badRequest([
        { path: 'thresholds', message: 'must rise with those that stay: warn, throttle, pause' },
      ]);
    }
    await setOrg(database, orgId, body, caller.keyId ?? 'operator', now);
    await schedule(database, now);
    return { status: 200, body: await readOrg(database, orgId, now) };
  },
});

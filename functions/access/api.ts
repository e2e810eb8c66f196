/** HTTP routes of the access feature: the keys of a tenant. Operators only, so the tenant is the path's. */

import { authenticate } from '../../shared/access/authenticate.ts';
import { keyListQuery, keyRequest } from '../../shared/access/contract.ts';
import { listTenantKeys, makeTenantKey, revokeTenantKey } from '../../shared/access/keys.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import {
  type ApiDependencies,
  actingTenant,
  type HttpHandler,
  httpApi,
  route,
} from '../../shared/platform/http.ts';

export function accessApi(dependencies: ApiDependencies): HttpHandler {
  return httpApi<'access'>(
    {
      'POST /v1/tenants/{tenantId}/keys': route({
        body: keyRequest,
        handle: async ({ body, caller, database, params, now }) => {
          const tenantId = actingTenant(caller, params.tenantId);
          const made = await makeTenantKey(database, tenantId, body, `operator:${caller.keyId}`, now);
          return { status: 201, body: made, replayBody: { ...made, key: null } };
        },
      }),
      'GET /v1/tenants/{tenantId}/keys': route({
        query: keyListQuery,
        handle: async ({ caller, database, params, query }) => ({
          status: 200,
          body: await listTenantKeys(database, actingTenant(caller, params.tenantId), query),
        }),
      }),
      'DELETE /v1/tenants/{tenantId}/keys/{keyId}': route({
        handle: async ({ caller, database, params, now }) => ({
          status: 200,
          body: await revokeTenantKey(
            database,
            actingTenant(caller, params.tenantId),
            params.keyId ?? '',
            now,
          ),
        }),
      }),
    },
    dependencies,
  );
}

export const handler = accessApi({ database: databaseFromSecret, authenticate });

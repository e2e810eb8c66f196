/**
 * REQUEST authorizer of the HTTP API: payload 2.0, simple responses, cached 60 s per Authorization header, which
 * is why revoking a key takes up to 60 s.
 *
 * When the store is away a key can be neither accepted nor refused: a refusal would tell the caller 403 and be
 * cached, an exception would tell it 500. So the call goes on with scope `unavailable`, which every handler turns
 * into its own check of the key before it does anything: 503 while the store is away, and the true answer once
 * it is back, even while this response is still cached.
 */

import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { authenticate } from '../../shared/access/authenticate.ts';
import { databaseFromSecret } from '../../shared/platform/database-secret.ts';
import { type Database, StoreUnavailable } from '../../shared/platform/db.ts';
import { log } from '../../shared/platform/log.ts';

export type AuthorizerAnswer = {
  readonly isAuthorized: boolean;
  readonly context: Readonly<Record<string, string>>;
};

export function authorizer(
  database: () => Promise<Database>,
  clock: () => Date,
): (event: Pick<APIGatewayRequestAuthorizerEventV2, 'headers'>) => Promise<AuthorizerAnswer> {
  return async ({ headers }) => {
    try {
      const caller = await authenticate(headers?.authorization ?? '', await database(), clock());
      if (caller === null || caller.scope === 'public') return { isAuthorized: false, context: {} };
      const { keyId, scope, tenantId } = caller;
      return { isAuthorized: true, context: { keyId, scope, tenantId: tenantId ?? '' } };
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.error({ err: error }, 'key not checked: the store is away');
      return { isAuthorized: true, context: { keyId: '', scope: 'unavailable', tenantId: '' } };
    }
  };
}

export const handler = authorizer(databaseFromSecret, () => new Date());

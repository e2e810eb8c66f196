/** Which tenant a call on a run or task is about. */

import type { Database } from '../platform/db.ts';
import type { Caller } from '../platform/http.ts';
import { badRequest, notFound } from '../platform/problem.ts';
import { tenantsOf } from './run-reads.ts';

/**
 * A runner's own tenant, always. An operator may name it; where only one tenant has a run or task of this id it need not.
 *
 * @throws Problem 404 when nobody has it, 400 naming `tenantId` when several have
 */
export async function tenantOfId(
  database: Database,
  caller: Caller,
  what: 'run' | 'task',
  id: string,
  named: string | undefined,
): Promise<string> {
  const noun = what === 'run' ? 'Run' : 'Task';
  if (caller.tenantId !== null) {
    if (named !== undefined && named !== caller.tenantId) throw notFound(`${noun} ${id}`);
    return caller.tenantId;
  }
  if (named !== undefined) return named;
  const [first, second] = await tenantsOf(database, what, id);
  if (first === undefined) throw notFound(`${noun} ${id}`);
  if (second !== undefined) {
    throw badRequest([
      { path: 'tenantId', message: `several tenants have a ${what} ${id}; name one in the query` },
    ]);
  }
  return first;
}

import * as z from 'zod';
import type { FieldError } from './problem.ts';
import type { Caller } from './route-handler.ts';

/** Lets an operator replay a whole trace over HTTP on the local stage; refused everywhere else. */
export const virtualTimeHeader = 'Mothership-Now';

const instant = z.iso.datetime({ offset: true });

/**
 * The time of a call.
 *
 * @param header the header's text, when sent
 * @param allowed whether this stage lets operators set the time
 * @param clock the time to use without the header
 */
export function timeOfCall(
  header: string | undefined,
  caller: Caller,
  allowed: boolean,
  clock: () => Date,
): { readonly now: Date; readonly errors: readonly FieldError[] } {
  const now = clock();
  if (header === undefined) return { now, errors: [] };
  const refuse = (message: string) => ({ now, errors: [{ path: virtualTimeHeader, message }] });
  if (!allowed) return refuse('is accepted on the local stage only');
  if (caller.scope !== 'operator') return refuse('is accepted with an operator key only');
  const time = new Date(header);
  if (!instant.safeParse(header).success || Number.isNaN(time.getTime())) {
    return refuse('must be an ISO 8601 date and time with a zone, such as 2026-01-31T12:00:00.000Z');
  }
  return { now: time, errors: [] };
}

import { uuidv7 } from 'uuidv7';

export type IdPrefix = 'run' | 'task' | 'dec' | 'chk' | 'score' | 'viol' | 'plan';

/** A new id such as `run_0192…`; ids made later sort later. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${uuidv7()}`;
}

/** A bare UUIDv7, for columns of type uuid such as event ids. */
export function newUuid(): string {
  return uuidv7();
}

/** What callers may use as an id: run, task, tenant, key, event. */
export const idPattern = /^[A-Za-z0-9._:-]{1,128}$/;

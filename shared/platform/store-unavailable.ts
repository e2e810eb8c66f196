/**
 * The store cannot be used right now: no connection, no room for one, or no answer in time. Callers answer 503
 * and grant nothing (R3). Whether a statement in flight took effect is unknown, so nobody repeats it blindly.
 */
export class StoreUnavailable extends Error {
  constructor(cause: unknown) {
    super(`The store cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'StoreUnavailable';
  }
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

const sqlStates = new Set([
  '25P03', // idle_in_transaction_session_timeout
  '28P01', // invalid_password: the secret was rotated after this process read it
  '40001', // serialization_failure: rolled back, worth repeating
  '40P01', // deadlock_detected: rolled back, worth repeating
  '53300', // too_many_connections
  '55P03', // lock_not_available: lock_timeout
  '57014', // query_canceled: statement_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
]);

/** Messages of pg and pg-pool for failures that carry no code. */
const driverMessage =
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated|Query read timeout|Client has encountered a connection error|Client was closed)/;

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** Whether an error of pg or of the network means that the store cannot be used right now. */
export function meansUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (networkCodes.has(code) || sqlStates.has(code) || code.startsWith('08')) return true;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(meansUnavailable);
  return error instanceof Error && driverMessage.test(error.message);
}

/** The error to throw on: `StoreUnavailable` around it when it means that, else itself. */
export function storeError(error: unknown): unknown {
  return meansUnavailable(error) ? new StoreUnavailable(error) : error;
}

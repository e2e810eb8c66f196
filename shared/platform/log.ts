import { type Logger, pino } from 'pino';
import { environmentNames } from './env.ts';
import { logLevel } from './process-env.ts';

export type Log = Logger;

type ErrorFields = { readonly [name: string]: string | ErrorFields | undefined };

/**
 * What a line tells of an error. Not all its members: drivers hang connections and values of rows on theirs, and
 * neither belongs in a log.
 */
export function errorFields(error: unknown): ErrorFields {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error ? String(error.code) : undefined;
  const cause = error.cause === undefined ? undefined : errorFields(error.cause);
  return { type: error.name, code, message: error.message, stack: error.stack, cause };
}

/** JSON lines on standard output. Events, headers and bodies are not logged, so that no secret reaches a line. */
export const log: Log = pino(
  {
    level: logLevel(),
    base: { stage: process.env[environmentNames.stage] ?? null },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: errorFields },
  },
  // Not pino's own file descriptor: whoever hosts the function decides where its standard output goes.
  process.stdout,
);

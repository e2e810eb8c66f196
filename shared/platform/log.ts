import { type Logger, pino } from 'pino';
import { environmentNames } from './env.ts';
import { logLevel } from './process-env.ts';

export type Log = Logger;

/** JSON lines on standard output; secrets never reach a line because whole events and headers are not logged. */
export const log: Log = pino({
  level: logLevel(),
  base: { stage: process.env[environmentNames.stage] ?? null },
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
});

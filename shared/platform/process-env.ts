/** Typed readers of this process's environment; the only file besides `env.ts` that knows the variables. */

import { environmentNames, type JudgeEnvironment } from './env.ts';

/** What the readers read: `process.env`, or a plain object in tests. */
export type Environment = Readonly<Record<string, string | undefined>>;

function required(name: string, environment: Environment): string {
  const value = environment[name];
  if (value === undefined || value === '') {
    throw new Error(`Environment variable ${name} is not set; the function's construct must set it.`);
  }
  return value;
}

/** @throws Error naming the variable when it is absent or empty; so do all readers below. */
export function databaseSecretArn(environment: Environment = process.env): string {
  return required(environmentNames.databaseSecretArn, environment);
}

export function eventBusName(environment: Environment = process.env): string {
  return required(environmentNames.eventBusName, environment);
}

/** Queue URLs by class: index 0 is P0. */
export function taskQueueUrls(environment: Environment = process.env): [string, string, string, string] {
  const [p0, p1, p2, p3] = environmentNames.taskQueueUrls;
  return [
    required(p0, environment),
    required(p1, environment),
    required(p2, environment),
    required(p3, environment),
  ];
}

export function costDeadLettersUrl(environment: Environment = process.env): string {
  return required(environmentNames.costDeadLettersUrl, environment);
}

/** @throws also when it is not a whole number above zero */
export function costReceives_max(environment: Environment = process.env): number {
  const value = required(environmentNames.costReceivesMax, environment);
  if (!/^[1-9]\d*$/.test(value)) {
    throw new Error(
      `Environment variable ${environmentNames.costReceivesMax} is "${value}"; use a number of receives.`,
    );
  }
  return Number(value);
}

export function stage(environment: Environment = process.env): string {
  return required(environmentNames.stage, environment);
}

/** Whether an operator may set the time of a call. Anything but the exact word `allowed` means no. */
export function virtualTimeAllowed(environment: Environment = process.env): boolean {
  return environment[environmentNames.virtualTime] === 'allowed';
}

/**
 * What the stage overrides of the policy's numbers, unchecked; nothing when the variable is absent.
 *
 * @throws Error naming the variable when it holds no JSON
 */
export function policyOverrides(environment: Environment = process.env): unknown {
  const value = environment[environmentNames.policyOverrides];
  if (value === undefined || value === '') return {};
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new Error(
      `Environment variable ${environmentNames.policyOverrides} is not JSON: write {"min_run_seconds": 30}.`,
      { cause: error },
    );
  }
}

export function judgeSwitchedOn(environment: Environment = process.env): boolean {
  return (environment[environmentNames.judge] ?? '') !== '';
}

/** @throws also when a member is missing or of another kind, naming it */
export function judgeSettings(environment: Environment = process.env): JudgeEnvironment {
  const value: unknown = JSON.parse(required(environmentNames.judge, environment));
  const settings = value as Partial<JudgeEnvironment>;
  for (const [name, kind] of [
    ['modelId', 'string'],
    ['timeout_ms', 'number'],
    ['attempts_max', 'number'],
  ] as const) {
    if (typeof settings[name] !== kind) {
      throw new Error(`Environment variable ${environmentNames.judge}: ${name} must be a ${kind}.`);
    }
  }
  return settings as JudgeEnvironment;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** @throws Error naming the variable and the known levels when the level is not one of pino's. */
export function logLevel(environment: Environment = process.env): LogLevel {
  const value = environment[environmentNames.logLevel];
  if (value === undefined || value === '') return 'info';
  const level = logLevels.find((known) => known === value);
  if (level === undefined) {
    throw new Error(
      `Environment variable ${environmentNames.logLevel} is "${value}"; use one of ${logLevels.join(', ')}.`,
    );
  }
  return level;
}

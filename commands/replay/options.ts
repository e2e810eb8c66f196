/** The command line of `npm run replay`. */

import { parseArgs } from 'node:util';
import { checkOverrides, type PolicyOverrides, policyNumbers } from '../../shared/admission/policy.ts';
import { type ConditionsAsked, noBound, type PoolAsked, type TenantQuota } from './conditions.ts';

export const help = `Usage: npm run replay -- FILE.jsonl[.gz] [conditions] [--what-if 'conditions'] [--report FILE.html] [--json]

Drives a workload trace through the real decisions (admission, scheduler, preemption, ledger) in virtual time, on a
throw-away Postgres of its own, and checks the invariants while it runs. docs/what-if.md explains what it says.

Conditions:
  --pool cpu=N,memory=N,tasks=N
                           room that all tenants share, vCPU, GB and tasks at the same time (default: no bound)
  --pool 1.1x              so many times what the trace needs on average, in cpu and in memory; "none": no bound
  --quota cpu=N,memory=N,cost=N,runs=N[,burst=N]
                           every tenant's quota: vCPU, GB, USD, concurrent runs (default: no bound); burst is the
                           share of cpu and memory that may be borrowed (default: the policy's); "none": no bound
  --on-quota refuse|wait   what a request over its quota does (default: refuse)
  --no-preemption          marks every task as not overridable; --preemption takes it back
  --policy NAME=N,...      numbers of the policy, such as min_run_seconds=0,aging_step_seconds=300; "none": as they are
  --checkpoint-seconds N   how soon a runner that is told to leave has stored its checkpoint (default: 1)

Output:
  --what-if 'CONDITIONS'   runs the trace a second time with these conditions changed and sets the two side by side,
                           such as --what-if '--no-preemption --pool cpu=60,memory=120'
  --report FILE.html       writes a page with pictures, complete in one file
  --json                   one JSON document on standard output (default: a table)

Trace:
  --limit N                only the first N tasks
  --stretch N              arrivals and durations N times as long: the load is the same, the tasks are no longer shorter
                           than the policy's minimum of running, so that they can be preempted

  --help                   this text

Trace line: {"t_s", "tenant", "phase", "priority", "overridable", "cpu", "memory_gb", "duration_s"} and, where there are
costs, "cost_usd" or "input_tokens", "cached_input_tokens", "output_tokens" (priced at nominal rates).

Exits 1 when an invariant was broken, or when the file or an option cannot be read.
`;

export type CommandLine =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'replay';
      readonly path: string;
      readonly tasks_max: number;
      readonly stretch: number;
      readonly json: boolean;
      /** Where the page goes; null = none. */
      readonly reportPath: string | null;
      readonly conditions: ConditionsAsked;
      readonly whatIf: WhatIf | null;
    };

/** The second run: the first one's conditions with what `flags` names replaced. */
export type WhatIf = { readonly flags: string; readonly conditions: ConditionsAsked };

const conditionOptions = {
  pool: { type: 'string' },
  quota: { type: 'string' },
  'on-quota': { type: 'string' },
  preemption: { type: 'boolean' },
  policy: { type: 'string' },
  'checkpoint-seconds': { type: 'string' },
} as const;

type ConditionFlags = {
  readonly [Name in keyof typeof conditionOptions]?:
    | ((typeof conditionOptions)[Name]['type'] extends 'string' ? string : boolean)
    | undefined;
};

/** @throws Error saying which option is wrong and how it is written */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: withDashedValue(args),
    allowPositionals: true,
    allowNegative: true,
    options: {
      ...conditionOptions,
      'what-if': { type: 'string' },
      report: { type: 'string' },
      limit: { type: 'string' },
      stretch: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return { kind: 'help' };
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error(`Name one trace file.\n\n${help}`);
  return {
    kind: 'replay',
    path,
    tasks_max: values.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--limit', values.limit),
    stretch: values.stretch === undefined ? 1 : factor('--stretch', values.stretch),
    json: values.json === true,
    reportPath: values.report ?? null,
    conditions: conditionsOf(values),
    whatIf: values['what-if'] === undefined ? null : whatIfOf(values['what-if'], values),
  };
}

/** The value of --what-if begins with dashes, which the parser takes only when it is joined to its option. */
function withDashedValue(args: readonly string[]): string[] {
  const at = args.indexOf('--what-if');
  const value = args[at + 1];
  if (at === -1 || value === undefined) return [...args];
  return [...args.slice(0, at), `--what-if=${value}`, ...args.slice(at + 2)];
}

function whatIfOf(flags: string, first: ConditionFlags): WhatIf {
  const args = flags.split(/\s+/).filter((word) => word !== '');
  if (args.length === 0) throw new Error(`--what-if: say what is changed, such as '--no-preemption'.`);
  try {
    const { values } = parseArgs({ args, allowNegative: true, options: conditionOptions });
    return { flags: args.join(' '), conditions: conditionsOf({ ...first, ...values }) };
  } catch (error) {
    throw new Error(`--what-if: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function conditionsOf(flags: ConditionFlags): ConditionsAsked {
  return {
    pool: poolOf(flags.pool),
    quota: quotaOf(flags.quota),
    onQuota: oneOf('--on-quota', flags['on-quota'] ?? 'refuse', ['refuse', 'wait']),
    preemption: flags.preemption ?? true,
    policy: policyOf(flags.policy),
    checkpoint_seconds: secondsOf('--checkpoint-seconds', flags['checkpoint-seconds'] ?? '1'),
  };
}

function poolOf(text: string | undefined): PoolAsked {
  const times = /^(\d+(?:\.\d+)?)x$/.exec(text ?? '')?.[1];
  if (times !== undefined && Number(times) > 0) return { timesMeanDemand: Number(times) };
  const { cpu, memory, tasks } = amounts('--pool', text, ['cpu', 'memory', 'tasks'], new Set(['tasks']));
  return { ...noBound, cpu: cpu ?? null, memoryGb: memory ?? null, tasks: tasks ?? null };
}

function quotaOf(text: string | undefined): TenantQuota {
  const quota = amounts('--quota', text, ['cpu', 'memory', 'cost', 'runs', 'burst'], new Set(['runs']));
  return {
    cpu: quota.cpu ?? null,
    memoryGb: quota.memory ?? null,
    cost_usd: quota.cost ?? null,
    runs: quota.runs ?? null,
    burstShare: quota.burst ?? null,
  };
}

/** Seconds, from 0 on. */
function secondsOf(option: string, text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds >= 0 && seconds <= 30)) {
    throw new Error(
      `${option}: ${text} is not a number of seconds from 0 to 30, after which a runner is reclaimed.`,
    );
  }
  return seconds;
}

function policyOf(text: string | undefined): PolicyOverrides {
  const changes = amounts('--policy', text, policyNumbers, new Set());
  try {
    return checkOverrides(changes);
  } catch (error) {
    throw new Error(`--policy: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/**
 * `cpu=40,memory=80` to numbers by name; nothing for no text or "none".
 *
 * @param whole the names whose amount is a count
 */
function amounts<Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
  whole: ReadonlySet<string>,
): Partial<Record<Name, number>> {
  const found: Partial<Record<Name, number>> = {};
  for (const part of text === undefined || text === 'none' ? [] : text.split(',')) {
    const [name = '', value = ''] = part.split('=');
    const known = oneOf(option, name, names);
    const amount = Number(value);
    if (value.trim() === '' || !Number.isFinite(amount) || amount < 0) {
      throw new Error(`${option}: ${part} is not an amount; write it as ${known}=40.`);
    }
    if (whole.has(known) && !Number.isInteger(amount)) {
      throw new Error(`${option}: ${part} is not a whole number; write it as ${known}=40.`);
    }
    found[known] = amount;
  }
  return found;
}

function oneOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new Error(`${option}: ${text} is not one of ${names.join(', ')}.`);
  return found;
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`${option}: ${text} is not a whole number above zero.`);
  }
  return number;
}

function factor(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0)
    throw new Error(`${option}: ${text} is not a number above zero.`);
  return number;
}
